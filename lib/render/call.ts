// What a job does: its function and its main argument. Pure.
import { toJsonLine } from "../codec/json.ts";
import type { Value, ValueMap } from "../codec/value.ts";
import type { JobRow } from "../model/job.ts";
import { safe, shortenMiddle } from "../text.ts";

/** The fields of a record that this needs beside those of a row. */
export const CALL_FIELDS = ["args", "state_id"] as const;

/** Names of main arguments: the first that is present counts; without any, the first argument. */
const MAIN = ["state_id", "state", "name", "command", "cmd", "mods"];
/** Default limit of columns. */
const CALL_COLUMNS = 60;

/** A value on one line; a text of one word has no quotes. */
const inline = (value: Value) => (typeof value === "string" && !/[\s="]/.test(value) ? value : toJsonLine(value));

const isThere = (value: Value | undefined): value is Value => value !== undefined && value !== null && value !== "";

/** Masters write this for a call that applies no state. */
const NO_STATE = "ad-hoc";

/** The state that was applied, or the main argument. */
function mainArgument(job: ValueMap, fn: string | undefined): Value | undefined {
  const state = job.get("state_id");
  const args = job.get("args");
  const isTold = typeof state === "string" && fn?.endsWith(`.${state}`); // `state.highstate`
  if (isThere(state) && state !== NO_STATE && !isTold) return state;
  if (!(args instanceof Map)) return undefined;
  return args.get(MAIN.find((name) => isThere(args.get(name))) ?? [...args.keys()][0] ?? "");
}

/** `pkg.installed nginx`, `cmd.run "sleep 600"`: a function and its main argument, safe for a terminal, not shortened. */
export function wholeCall(job: ValueMap | undefined, { fn }: JobRow): string {
  const argument = job && mainArgument(job, fn);
  return safe(`${fn || "-"}${isThere(argument) ? ` ${inline(argument)}` : ""}`);
}

/** As `wholeCall`, in at most `max` columns. */
export const callOf = (job: ValueMap | undefined, row: JobRow, max = CALL_COLUMNS) =>
  shortenMiddle(wholeCall(job, row), max);

/** `name=postgresql refresh=true`: all arguments on one line, safe for a terminal; empty when `wholeCall` shows them all. */
export function furtherArguments(job: ValueMap, { fn }: JobRow): string {
  const args = job.get("args");
  if (!isThere(args)) return "";
  if (!(args instanceof Map)) return safe(toJsonLine(args));
  const [only] = args.values();
  if (args.size === 0 || (args.size === 1 && only === mainArgument(job, fn))) return "";
  return safe(Array.from(args, ([key, value]) => `${key}=${inline(value)}`).join(" "));
}
