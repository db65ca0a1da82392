// Stored bytes → Value: MessagePack or JSON.
import { FieldScanner } from "./field-scan.ts";
import { MessagePackReader } from "./message-pack.ts";
import { parseJson } from "./parse-json.ts";
import { ifDecodable, Undecodable } from "./undecodable.ts";
import { Timestamp, type Value, type ValueMap } from "./value.ts";

export { ifDecodable, Undecodable };

/** The JSON text, without a byte order mark; undefined for MessagePack (docs/contributing.md, "Encoding"). */
function jsonPart(bytes: Uint8Array): Uint8Array | undefined {
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  if (bytes.length === 0) throw new Undecodable("it is empty");
  return bytes[start] === 0x7b || bytes[start] === 0x5b ? bytes.subarray(start) : undefined;
}

/** @throws Undecodable */
export function decode(bytes: Uint8Array): Value {
  const json = jsonPart(bytes);
  return json ? parseJson(json) : new MessagePackReader(bytes).read(0, bytes.length, 0);
}

/** Does not check whether it can be decoded. */
export const isJson = (bytes: Uint8Array): boolean => bytes.length > 0 && jsonPart(bytes) !== undefined;

/** For a message about a value that is not a record. */
function kindOfValue(value: Value): string {
  if (Array.isArray(value)) return "a list";
  if (value === null) return "nil";
  if (value instanceof Timestamp) return "a time";
  if (value instanceof Uint8Array) return "bytes";
  if (typeof value === "string") return "text";
  if (typeof value === "boolean") return "true or false";
  return typeof value === "object" ? "an extension" : "a number";
}

/** One for each list of fields; there are few. */
const scanners = new Map<readonly string[], FieldScanner>();

const scannerFor = (fields: readonly string[]) => scanners.getOrInsertComputed(fields, () => new FieldScanner(fields));

/**
 * A record: a value that is a map. @throws Undecodable
 * @param fields of a MessagePack record to decode, the same list for each call; undefined for all. Others need only a valid form
 */
export function decodeRecord(bytes: Uint8Array, fields?: readonly string[]): ValueMap {
  const scanner = fields && scannerFor(fields);
  if (!fields || !scanner?.scan(bytes)) {
    const value = decode(bytes);
    if (value instanceof Map) return value;
    throw new Undecodable(`not a record but ${kindOfValue(value)}`);
  }
  const record: ValueMap = new Map();
  if (fields.length === 0) return record;
  const reader = new MessagePackReader(bytes);
  for (let i = 0; i < fields.length; i++) {
    const start = scanner.starts[i] as number;
    if (start >= 0) record.set(fields[i] as string, reader.read(start, scanner.ends[i] as number, 1));
  }
  return record;
}

/**
 * The bytes of fields of a MessagePack record; undefined for JSON and an unusual form. Of a repeated field the last counts.
 * @param fields the same list for each call
 */
export function fieldBytes(bytes: Uint8Array, fields: readonly string[]): ReadonlyMap<string, Uint8Array> | undefined {
  const scanner = scannerFor(fields);
  if (!scanner.scan(bytes)) return undefined;
  return new Map(
    fields.flatMap((name, i) => {
      const start = scanner.starts[i] as number;
      return start < 0 ? [] : [[name, bytes.slice(start, scanner.ends[i])] as const];
    }),
  );
}
