// What a job does, in a few words. Pure.
import { toJsonLine } from "../codec/json.ts";
import type { Value, ValueMap } from "../codec/value.ts";
import type { JobRow } from "../model/job.ts";
import { safe, shortenMiddle } from "../text.ts";

/** The fields of a record that the words are made of, beside those of a row. */
export const CALL_FIELDS = ["args", "state_id"] as const;

/** The arguments that say what a function is about, the first of them that is there; without any, its first argument. */
const MAIN = ["state_id", "state", "name", "command", "cmd", "mods"];
/** Columns that the words take at most, where nothing else is said. */
const MOST = 60;

/** A value on one line; text that is one word stands without quotes. */
const inline = (value: Value) => (typeof value === "string" && !/[\s="]/.test(value) ? value : toJsonLine(value));

const isThere = (value: Value | undefined): value is Value => value !== undefined && value !== null && value !== "";

/** What masters write for a call that applies no state. */
const NO_STATE = "ad-hoc";

/** What a function is about: the state that was applied, else its main argument. */
function mainArgument(job: ValueMap, fn: string | undefined): Value | undefined {
  const state = job.get("state_id");
  const args = job.get("args");
  const isTold = typeof state === "string" && fn?.endsWith(`.${state}`); // `state.highstate`
  if (isThere(state) && state !== NO_STATE && !isTold) return state;
  if (!(args instanceof Map)) return undefined;
  return args.get(MAIN.find((name) => isThere(args.get(name))) ?? [...args.keys()][0] ?? "");
}

/** `pkg.installed nginx`, `cmd.run "sleep 600"`: a function and its main argument, safe and whole. */
export function wholeCall(job: ValueMap | undefined, { fn }: JobRow): string {
  const argument = job && mainArgument(job, fn);
  return safe(`${fn || "-"}${isThere(argument) ? ` ${inline(argument)}` : ""}`);
}

/** The same in at most `max` columns. */
export const callOf = (job: ValueMap | undefined, row: JobRow, max = MOST) => shortenMiddle(wholeCall(job, row), max);

/** `name=postgresql refresh=true`: all arguments on one line, safe; empty when those of wholeCall have them all. */
export function furtherArguments(job: ValueMap, { fn }: JobRow): string {
  const args = job.get("args");
  if (!isThere(args)) return "";
  if (!(args instanceof Map)) return safe(toJsonLine(args));
  const [only] = args.values();
  if (args.size === 0 || (args.size === 1 && only === mainArgument(job, fn))) return "";
  return safe(Array.from(args, ([key, value]) => `${key}=${inline(value)}`).join(" "));
}
