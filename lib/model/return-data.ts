// The data of a return: results of functions, parsed once for summary, output and comparison. Results and details are stored
// in no order (docs/contributing.md, "Return"); here they get one.
import { toJsonLine } from "../codec/json.ts";
import { asInteger, asText, type Value, type ValueMap } from "../codec/value.ts";
import { compare } from "./peel.ts";

type ResultOutcome = "failed" | "skipped" | "changed" | "would change" | "unchanged";

export interface Result {
  /** Such as `file.managed:/etc/motd`; `-` when it has none. */
  readonly name: string;
  readonly outcome: ResultOutcome;
  readonly duration: bigint | undefined;
  readonly error: string | undefined;
  readonly skipReason: string | undefined;
  /** Other fields and `details`, sorted by name, a diff last, without empty ones. */
  readonly parts: readonly ResultPart[];
}

type ResultPart = readonly [name: string, value: Value];

export interface ReturnData {
  /** Changes are what would change. */
  readonly dryRun: boolean;
  /** Failed first, then changed, unchanged, skipped; each sorted by name. */
  readonly results: readonly Result[];
  /** Fields beside results and those that repeat the return, in the order of a result's parts. */
  readonly parts: readonly ResultPart[];
}

const READ_FIELDS = new Set(["name", "changed", "duration", "error", "skipped", "skip_reason", "details"]);
/** Fields that repeat the return. */
const REPEATED_FIELDS = new Set(["v", "peel_id", "jid", "success", "test", "results", "error"]);

const isSet = (value: Value | undefined) => value !== undefined && value !== null && value !== false && value !== "";

export const isNothing = (value: Value) =>
  value === null ||
  value === "" ||
  (Array.isArray(value) && value.length === 0) ||
  (value instanceof Map && value.size === 0);

export function withSortedKeys(value: Value): Value {
  if (Array.isArray(value)) return value.map(withSortedKeys);
  if (!(value instanceof Map)) return value;
  return new Map([...value.keys()].sort().map((key) => [key, withSortedKeys(value.get(key) as Value)]));
}

function partsInOrder(parts: readonly ResultPart[]): ResultPart[] {
  const isDiff = ([name]: ResultPart) => Number(name === "diff");
  return parts
    .filter(([, value]) => !isNothing(value))
    .map(([name, value]): ResultPart => [name, withSortedKeys(value)])
    .sort((a, b) => isDiff(a) - isDiff(b) || compare(a[0], b[0]));
}

/** As shown: LF line ends, none at the end. */
export function shownText(text: string): string {
  const unix = text.includes("\r\n") ? text.replaceAll("\r\n", "\n") : text;
  let end = unix.length;
  while (unix[end - 1] === "\n") end--;
  return end === unix.length ? unix : unix.slice(0, end);
}

function resultOutcome(result: ValueMap, dryRun: boolean): ResultOutcome {
  if (isSet(result.get("error"))) return "failed";
  if (isSet(result.get("skipped"))) return "skipped";
  if (result.get("changed") !== true) return "unchanged";
  return dryRun ? "would change" : "changed";
}

/** A text, or the value as a part when it is not text. */
function textOrPart(result: ValueMap, name: string): [string | undefined, [string, Value][]] {
  const value = result.get(name);
  if (typeof value === "string") return [value || undefined, []];
  return [undefined, value !== undefined && value !== null && value !== true && isSet(value) ? [[name, value]] : []];
}

const NO_RESULT: ValueMap = new Map();

/** Without reading the rest. */
function briefResult(value: Value, dryRun: boolean): Pick<Result, "name" | "outcome" | "duration"> {
  const result = value instanceof Map ? value : NO_RESULT;
  return {
    name: asText(result.get("name")) || "-",
    outcome: resultOutcome(result, dryRun),
    duration: asInteger(result.get("duration")),
  };
}

function readResult(value: Value, dryRun: boolean): Result {
  const brief = briefResult(value, dryRun);
  if (!(value instanceof Map)) return { ...brief, error: undefined, skipReason: undefined, parts: [["result", value]] };
  const [error, oddError] = textOrPart(value, "error");
  const [reason, oddReason] = textOrPart(value, "skip_reason");
  // Older peels store the reason here instead of true.
  const [olderReason, oddSkipped] = textOrPart(value, "skipped");
  const details = value.get("details");
  const inDetails: [string, Value][] =
    details instanceof Map ? [...details] : isSet(details) ? [["details", details as Value]] : [];
  return {
    ...brief,
    error,
    skipReason: reason ?? olderReason,
    parts: partsInOrder([
      ...oddError,
      ...oddSkipped,
      ...oddReason,
      ...inDetails,
      ...[...value].filter(([name]) => !READ_FIELDS.has(name)),
    ]),
  };
}

/** Equal for results that differ only in name and duration. */
export function resultContent({ outcome, error, skipReason, parts }: Result): Value[] {
  const text = (value: string | undefined) => (value === undefined ? null : shownText(value));
  return [outcome, text(error), text(skipReason), partsContent(parts)];
}

export const partsContent = (parts: readonly ResultPart[]): Value =>
  parts.map(([name, value]) => [name, typeof value === "string" ? shownText(value) : value]);

const OUTCOME_RANK: Readonly<Record<ResultOutcome, number>> = {
  failed: 0,
  changed: 1,
  "would change": 1,
  unchanged: 2,
  skipped: 3,
};

/** In order; ties by content, then by duration. */
function resultsInOrder(results: readonly Result[]): Result[] {
  const contents = new Map<Result, string>();
  const content = (result: Result) => contents.getOrInsertComputed(result, () => toJsonLine(resultContent(result)));
  return results.toSorted(
    (a, b) =>
      OUTCOME_RANK[a.outcome] - OUTCOME_RANK[b.outcome] ||
      compare(a.name, b.name) ||
      compare(content(a), content(b)) ||
      Number((a.duration ?? -1n) - (b.duration ?? -1n)),
  );
}

/** True for the data of a dry run, and for arguments that ask for one. */
export const isDryRun = (data: Value | undefined) => data instanceof Map && data.get("test") === true;

export const isSameText = (a: Value | undefined, b: Value | undefined) =>
  typeof a === "string" && typeof b === "string" && shownText(a) === shownText(b);

export function isEventful(result: Value): boolean {
  const outcome = result instanceof Map ? resultOutcome(result, false) : "unchanged";
  return outcome !== "unchanged" && outcome !== "skipped";
}

/** As stored: empty when nothing was run, undefined for data of another shape. */
export function resultsIn(data: Value | undefined): readonly Value[] | undefined {
  const results = data instanceof Map ? data.get("results") : undefined;
  return results === null ? [] : Array.isArray(results) ? results : undefined;
}

export const isUneventful = (data: Value | undefined) => !resultsIn(data)?.some(isEventful);

/** Without results that changed nothing and did not fail. */
export function onlyChanges(data: Value | undefined): Value | undefined {
  const results = resultsIn(data);
  return data instanceof Map && results ? new Map(data).set("results", results.filter(isEventful)) : data;
}

/** Undefined for data of another shape. @param returnError the return's own error, which the answer often repeats */
export function readReturnData(data: Value | undefined, returnError?: string): ReturnData | undefined {
  const results = resultsIn(data);
  if (!(data instanceof Map) || !results) return undefined;
  const dryRun = isDryRun(data);
  const error = data.get("error");
  const own: [string, Value][] = isSet(error) && !isSameText(error, returnError) ? [["error", error as Value]] : [];
  return {
    dryRun,
    results: resultsInOrder(results.map((result) => readResult(result, dryRun))),
    parts: partsInOrder([...own, ...[...data].filter(([name]) => !REPEATED_FIELDS.has(name))]),
  };
}

export function briefResults(data: Value | undefined): Iterable<ReturnType<typeof briefResult>> {
  const dryRun = isDryRun(data);
  return (resultsIn(data) ?? []).values().map((result) => briefResult(result, dryRun));
}

export function countOutcomes(results: readonly Result[]): [ResultOutcome, number][] {
  const order: readonly ResultOutcome[] = ["failed", "changed", "would change", "skipped", "unchanged"];
  return order
    .map((outcome): [ResultOutcome, number] => [outcome, results.filter((one) => one.outcome === outcome).length])
    .filter(([, n]) => n > 0);
}
