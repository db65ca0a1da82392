// What a job does where, in a few words. Pure.
import { toJsonLine } from "../codec/json.ts";
import type { Value, ValueMap } from "../codec/value.ts";
import type { JobRow } from "../model/job.ts";
import { safe, shorten } from "../text.ts";
import { targetOf } from "./columns.ts";

/** The arguments that say what a function is about, the first of them that is there; without any, its first argument. */
const MAIN = ["name", "state", "command", "cmd", "mods"];
/** Columns of an argument, and of a target. */
const MOST = 60;

/** A value on one line; text that is one word stands without quotes. */
export const inline = (value: Value) =>
  typeof value === "string" && !/[\s="]/.test(value) ? value : toJsonLine(value);

/** `pkg.installed nginx`, `cmd.run "sleep 600"`: a function and its main argument. */
export function callOf(job: ValueMap, { fn }: JobRow): string {
  const args = job.get("args");
  const main = args instanceof Map ? (MAIN.find((name) => args.has(name)) ?? [...args.keys()][0]) : undefined;
  const value = args instanceof Map && main !== undefined ? args.get(main) : undefined;
  const argument = value === undefined || value === null || value === "" ? "" : ` ${inline(value)}`;
  return shorten(safe(`${fn ?? "-"}${argument}`), MOST);
}

/** The same with its target: `pkg.installed nginx on web*`. */
export const callOnTarget = (job: ValueMap, row: JobRow) => `${callOf(job, row)} on ${targetOf(row, MOST)}`;
