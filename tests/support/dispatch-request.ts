// The requests on zester.dispatch that a master refuses, read with a decoder other than the product's.
import { Time } from "./harness.ts";
import { decode } from "./wire.ts";

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";
const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** One token of a subject: without a dot, a wildcard or white space. */
const isToken = (value: unknown) => isText(value) && !/[.*>\s\0-\x1f\x7f]/.test(value);

type Test = (value: unknown) => boolean;
const optional =
  (test: Test): Test =>
  (value) =>
    value === undefined || test(value);

/** The fields that a client sets, each with its test. A master sets all others. */
const FIELDS: Readonly<Record<string, Test>> = {
  jid: isToken,
  function: isText,
  args: (value) => value === null || isMap(value),
  targets: (value) => Array.isArray(value) && value.length > 0 && value.every(isToken),
  // Durations are 64 bits wide, which the decoder gives as BigInt; a job without one would end at once.
  timeout: (value) => typeof value === "bigint" && value > 0n,
  status: (value) => value === "pending",
  created: (value) => value instanceof Time,
  updated: (value) => value instanceof Time,
  user: isText,
  state_id: optional(isText),
  target_expr: optional(isText),
  v: optional((value) => value === 1),
  metadata: optional((value) => isMap(value) && Object.values(value).every((item) => typeof item === "string")),
};

/** Why a master refuses a request; undefined when it accepts it. */
export function faultOf(data: Uint8Array): string | undefined {
  const record = decode(data);
  if (!isMap(record)) return "malformed request: not a job record";
  for (const [name, test] of Object.entries(FIELDS))
    if (!test(record[name])) return `malformed request: ${name in record ? "invalid" : "missing"} ${name}`;
  const [other] = Object.keys(record).filter((name) => !Object.hasOwn(FIELDS, name));
  return other === undefined ? undefined : `malformed request: unexpected ${other}`;
}
