// What a job does: its function and its main argument. Pure.
import { toJsonLine } from "../codec/json.ts";
import type { Value, ValueMap } from "../codec/value.ts";
import type { JobRow } from "../model/job.ts";
import { safe, shortenMiddle } from "../text.ts";

export const CALL_FIELDS = ["args", "state_id"] as const;

/** Main arguments; the first present counts, else the first argument. */
const MAIN = ["state_id", "state", "name", "command", "cmd", "mods"];
const CALL_COLUMNS = 60;

/** Quoted unless it is one word. */
const inline = (value: Value) => (typeof value === "string" && !/[\s="]/.test(value) ? value : toJsonLine(value));

const isThere = (value: Value | undefined): value is Value => value !== undefined && value !== null && value !== "";

/** Masters write this when no state is applied. */
const NO_STATE = "ad-hoc";

function mainArgument(job: ValueMap, fn: string | undefined): Value | undefined {
  const state = job.get("state_id");
  const args = job.get("args");
  const isTold = typeof state === "string" && fn?.endsWith(`.${state}`); // `state.highstate`
  if (isThere(state) && state !== NO_STATE && !isTold) return state;
  if (!(args instanceof Map)) return undefined;
  return args.get(MAIN.find((name) => isThere(args.get(name))) ?? [...args.keys()][0] ?? "");
}

/** `pkg.installed nginx`, `cmd.run "sleep 600"`: function and main argument, safe for a terminal. */
export function wholeCall(job: ValueMap | undefined, { fn }: JobRow): string {
  const argument = job && mainArgument(job, fn);
  return safe(`${fn || "-"}${isThere(argument) ? ` ${inline(argument)}` : ""}`);
}

export const callOf = (job: ValueMap | undefined, row: JobRow, max = CALL_COLUMNS) =>
  shortenMiddle(wholeCall(job, row), max);

/** `name=postgresql refresh=true`, safe for a terminal; empty when `wholeCall` shows them all. */
export function furtherArguments(job: ValueMap, { fn }: JobRow): string {
  const args = job.get("args");
  if (!isThere(args)) return "";
  if (!(args instanceof Map)) return safe(toJsonLine(args));
  const [only] = args.values();
  if (args.size === 0 || (args.size === 1 && only === mainArgument(job, fn))) return "";
  return safe(Array.from(args, ([key, value]) => `${key}=${inline(value)}`).join(" "));
}
