// What a peel answered: the results of its functions, in the one reading that summary, output and comparison share.
// wire.md, "Return record": `return_data` is the peel's whole answer, null, or something of another shape.
import { asInteger, asText, type Value, type ValueMap } from "../codec/value.ts";

/** `would change`: of a dry run. */
export type Outcome = "failed" | "skipped" | "changed" | "would change" | "unchanged";

/** One state or function call. */
export interface Result {
  /** Such as `file.managed:/etc/motd`; `-` when it has none. */
  readonly name: string;
  readonly outcome: Outcome;
  /** In ns. */
  readonly duration: bigint | undefined;
  readonly error: string | undefined;
  /** Why it was skipped, where the peel says so. */
  readonly skipReason: string | undefined;
  /** What it holds beside that, in stored order; what `details` holds stands there by its own names. */
  readonly parts: readonly (readonly [name: string, value: Value])[];
}

export interface Answer {
  /** Nothing was done: changes are what would change. */
  readonly dryRun: boolean;
  readonly results: readonly Result[];
  /** What the answer holds beside results and what the return says already. */
  readonly parts: readonly (readonly [name: string, value: Value])[];
}

const KNOWN = new Set(["name", "changed", "duration", "error", "skipped", "skip_reason", "details"]);
/** What repeats the return itself. */
const ENVELOPE = new Set(["v", "peel_id", "jid", "success", "test", "results", "error"]);

const isSet = (value: Value | undefined) => value !== undefined && value !== null && value !== false && value !== "";

/** True for a value that there is nothing to show of. */
export const isNothing = (value: Value) =>
  value === null ||
  value === "" ||
  (Array.isArray(value) && value.length === 0) ||
  (value instanceof Map && value.size === 0);

/** A text as it is shown: line ends of either kind are the same, and at its end they count for nothing. */
export function shownText(text: string): string {
  const unix = text.includes("\r\n") ? text.replaceAll("\r\n", "\n") : text;
  let end = unix.length;
  while (unix[end - 1] === "\n") end--;
  return end === unix.length ? unix : unix.slice(0, end);
}

function outcomeOf(result: ValueMap, dryRun: boolean): Outcome {
  if (isSet(result.get("error"))) return "failed";
  if (isSet(result.get("skipped"))) return "skipped";
  if (result.get("changed") !== true) return "unchanged";
  return dryRun ? "would change" : "changed";
}

/** A text, or the value as it is among the parts when it is none. */
function textOrPart(result: ValueMap, name: string): [string | undefined, [string, Value][]] {
  const value = result.get(name);
  if (typeof value === "string") return [value || undefined, []];
  return [undefined, value !== undefined && value !== null && value !== true && isSet(value) ? [[name, value]] : []];
}

function resultOf(value: Value, dryRun: boolean): Result {
  if (!(value instanceof Map)) {
    const empty = { duration: undefined, error: undefined, skipReason: undefined };
    return { name: "-", outcome: "unchanged", ...empty, parts: [["result", value]] };
  }
  const [error, oddError] = textOrPart(value, "error");
  const [reason, oddReason] = textOrPart(value, "skip_reason");
  // Older peels put the reason where newer ones put true.
  const [olderReason, oddSkipped] = textOrPart(value, "skipped");
  const details = value.get("details");
  const inDetails: [string, Value][] =
    details instanceof Map ? [...details] : isSet(details) ? [["details", details as Value]] : [];
  return {
    name: asText(value.get("name")) || "-",
    outcome: outcomeOf(value, dryRun),
    duration: asInteger(value.get("duration")),
    error,
    skipReason: reason ?? olderReason,
    parts: [...oddError, ...oddSkipped, ...oddReason, ...inDetails, ...[...value].filter(([name]) => !KNOWN.has(name))],
  };
}

/** True for a return whose peel only said what it would do. */
export const isDryRun = (data: Value | undefined) => data instanceof Map && data.get("test") === true;

/** True for texts that are shown the same. */
export const isSameText = (a: Value | undefined, b: Value | undefined) =>
  typeof a === "string" && typeof b === "string" && shownText(a) === shownText(b);

/** True for a result that failed, changed something or would: found out without reading all of it. */
function isEventful(result: Value): boolean {
  const outcome = result instanceof Map ? outcomeOf(result, false) : "unchanged";
  return outcome !== "unchanged" && outcome !== "skipped";
}

const resultsIn = (data: Value | undefined) => (data instanceof Map ? data.get("results") : undefined);

/** True when no result of an answer failed or changed something: found out without reading the whole answer. */
export function isUneventful(data: Value | undefined): boolean {
  const results = resultsIn(data);
  return !Array.isArray(results) || !results.some(isEventful);
}

/**
 * An answer without the results that changed nothing and did not fail, and the places that the others had; data of another
 * shape as it is.
 */
export function onlyChanges(data: Value | undefined): {
  readonly data: Value | undefined;
  readonly places: readonly number[] | undefined;
} {
  const results = resultsIn(data);
  if (!(data instanceof Map) || !Array.isArray(results)) return { data, places: undefined };
  const places = results.flatMap((result, i) => (isEventful(result) ? i : []));
  const kept = places.map((place) => results[place] as Value);
  return { data: new Map(data).set("results", kept), places };
}

/**
 * A peel's answer; undefined for `return_data` of another shape, which is shown as it is.
 * @param data a return's `return_data`
 * @param returnError the return's own error: the answer often repeats it
 */
export function answerOf(data: Value | undefined, returnError?: string): Answer | undefined {
  if (!(data instanceof Map)) return undefined;
  const results = data.get("results");
  if (!Array.isArray(results)) return undefined;
  const dryRun = isDryRun(data);
  const error = data.get("error");
  const own: [string, Value][] = isSet(error) && !isSameText(error, returnError) ? [["error", error as Value]] : [];
  return {
    dryRun,
    results: results.map((result) => resultOf(result, dryRun)),
    parts: [...own, ...[...data].filter(([name]) => !ENVELOPE.has(name))],
  };
}

/** How many results have each outcome, without those that none has. */
export function countOutcomes(results: readonly Result[]): [Outcome, number][] {
  const order: readonly Outcome[] = ["failed", "changed", "would change", "skipped", "unchanged"];
  return order
    .map((outcome): [Outcome, number] => [outcome, results.filter((one) => one.outcome === outcome).length])
    .filter(([, n]) => n > 0);
}
