// Bytes of a NATS value → Value. Knows MessagePack and JSON, nothing of jobs.
//
// @msgpack/msgpack because it is the one kept library that needs no code generation, has no built-in extensions
// beyond time, keeps 64-bit integers as BigInt, and walks nested data with a stack of its own, so that depth can't crash it.
// jsonc-parser because it hands out the offsets of literals: JSON.parse alone rounds integers and reorders numeric keys.
import { Decoder, ExtData, ExtensionCodec } from "@msgpack/msgpack";
import { FieldScanner, uint16, uint32 } from "./field-scan.ts";
import { Extension, NumberText, Timestamp, type Value, type ValueMap } from "./value.ts";

/** A value that is neither MessagePack nor JSON; the message says why, for people. */
export class Undecodable extends Error {}

// The library builds plain objects, which would reorder numeric keys and refuses `__proto__`. A prefix on every
// key makes each an ordinary one; toValue takes it off again.
const PREFIX = ":";

/** Keys already seen, found by length and first byte: records repeat the same few, so most cost a comparison only. */
const seenKeys = new Map<number, { bytes: Uint8Array; key: string }[]>();
let seenCount = 0;

const keyDecoder = {
  canBeCached: () => true,
  decode(bytes: Uint8Array, offset: number, length: number): string {
    const slot = length * 256 + (bytes[offset] ?? 0);
    const candidates = seenKeys.get(slot);
    for (const seen of candidates ?? []) {
      let i = 1;
      while (i < length && seen.bytes[i] === bytes[offset + i]) i++;
      if (i >= length) return seen.key;
    }
    const own = bytes.slice(offset, offset + length);
    const key = PREFIX + Buffer.from(own).toString("utf8");
    if (length <= 32 && seenCount < 1000) {
      seenCount++;
      if (candidates) candidates.push({ bytes: own, key });
      else seenKeys.set(slot, [{ bytes: own, key }]);
    }
    return key;
  },
};

/** MessagePack's timestamp extension: 4, 8 or 12 bytes (msgpack spec, "Timestamp extension type"). */
function decodeTime(data: Uint8Array): Timestamp | Extension {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let time: Timestamp | undefined;
  if (data.length === 4) time = new Timestamp(BigInt(view.getUint32(0)), 0);
  if (data.length === 8) {
    const both = view.getBigUint64(0);
    time = new Timestamp(both & 0x3ffffffffn, Number(both >> 34n));
  }
  if (data.length === 12) time = new Timestamp(view.getBigInt64(4), view.getUint32(0));
  return time && time.nanos < 1_000_000_000 ? time : new Extension(-1, data.slice());
}

const extensionCodec = new ExtensionCodec();
extensionCodec.register({ type: -1, encode: () => null, decode: decodeTime });

const decoder = new Decoder({
  extensionCodec,
  useBigInt64: true,
  keyDecoder,
  mapKeyConverter: (key: unknown) =>
    typeof key === "string" && key.startsWith(PREFIX)
      ? key
      : PREFIX + (key instanceof Uint8Array ? Buffer.from(key).toString("base64") : String(key)),
});

const MAX_DEPTH = 500;

function toValue(raw: unknown, depth: number): Value {
  if (depth > MAX_DEPTH) throw new Undecodable(`nested deeper than ${MAX_DEPTH} levels`);
  if (raw === null || raw === undefined) return null;
  if (typeof raw !== "object") return raw as Value;
  if (raw instanceof Timestamp || raw instanceof Extension) return raw;
  if (raw instanceof Uint8Array) return raw.slice();
  if (raw instanceof ExtData) {
    return new Extension(raw.type, typeof raw.data === "function" ? raw.data(0) : raw.data.slice());
  }
  if (Array.isArray(raw)) return raw.map((item) => toValue(item, depth + 1));
  const map: ValueMap = new Map();
  for (const key of Object.keys(raw))
    map.set(key.slice(PREFIX.length), toValue((raw as Record<string, unknown>)[key], depth + 1));
  return map;
}

function unpack(bytes: Uint8Array): unknown {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    throw new Undecodable(messagePackReason(error));
  }
}

function messagePackReason(error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  if (error instanceof RangeError && !/^Extra/.test(reason))
    return "not MessagePack or JSON: it ends in the middle of a value";
  return `not MessagePack or JSON: ${reason.replace(/^Unrecognized type byte: /, "it has the byte ")}`;
}

function decodeJson(bytes: Uint8Array): Value {
  // Loaded on first use: most buckets never hold a JSON record. By its ES module: the bundler cannot follow the other.
  const { visit } = require("jsonc-parser/lib/esm/main.js") as typeof import("jsonc-parser");
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    JSON.parse(text); // the strict judge; the visitor below is lenient
  } catch (error) {
    throw new Undecodable(`begins like JSON, but is not: ${error instanceof Error ? error.message : error}`);
  }
  const root: Value[] = [];
  const stack: (Value[] | ValueMap)[] = [root];
  const keys: string[] = [];
  const add = (value: Value) => {
    const top = stack[stack.length - 1] as Value[] | ValueMap;
    if (Array.isArray(top)) top.push(value);
    else top.set(keys.pop() as string, value);
  };
  const open = (container: Value[] | ValueMap) => {
    if (stack.length > MAX_DEPTH) throw new Undecodable(`nested deeper than ${MAX_DEPTH} levels`);
    add(container);
    stack.push(container);
  };
  const close = () => void stack.pop();
  try {
    visit(text, {
      onObjectBegin: () => open(new Map()),
      onArrayBegin: () => open([]),
      onObjectEnd: close,
      onArrayEnd: close,
      onObjectProperty: (name) => void keys.push(name),
      onLiteralValue: (value, offset, length) =>
        add(typeof value === "number" ? exactNumber(text.slice(offset, offset + length)) : value),
    });
  } catch (error) {
    if (error instanceof RangeError) throw new Undecodable(`nested deeper than ${MAX_DEPTH} levels`);
    throw error;
  }
  return root[0] as Value;
}

function exactNumber(text: string): Value {
  const number = Number(text);
  if (String(number) === text) return number;
  return /^-?\d+$/.test(text) ? BigInt(text) : new NumberText(text);
}

/** The JSON text in `bytes`, after a UTF-8 byte order mark; undefined when they are not JSON (wire.md, "Encoding"). */
function jsonPart(bytes: Uint8Array): Uint8Array | undefined {
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  if (bytes.length === 0) throw new Undecodable("it is empty");
  return bytes[start] === 0x7b || bytes[start] === 0x5b ? bytes.subarray(start) : undefined;
}

/**
 * One stored value, decoded.
 * @throws Undecodable with the reason
 */
export function decode(bytes: Uint8Array): Value {
  const json = jsonPart(bytes);
  return json ? decodeJson(json) : toValue(unpack(bytes), 0);
}

/** How messages name a value that is no record. */
function kindOf(value: Value): string {
  if (Array.isArray(value)) return "a list";
  if (value === null) return "nil";
  if (value instanceof Timestamp) return "a time";
  if (value instanceof Uint8Array) return "bytes";
  if (typeof value === "string") return "text";
  if (typeof value === "boolean") return "true or false";
  return typeof value === "object" ? "an extension" : "a number";
}

function requireMap(value: Value): ValueMap {
  if (value instanceof Map) return value;
  throw new Undecodable(`not a record but ${kindOf(value)}`);
}

/**
 * The value at `start`, as the decoder would make it, for what most fields hold: nil, true, false, the empty text, whole
 * numbers up to 2^53. Undefined for all else. Starting the decoder takes longer than this, four times a return.
 */
function simpleValue(bytes: Uint8Array, start: number): Value | undefined {
  const type = bytes[start] as number;
  if (type <= 0x7f) return type;
  switch (type) {
    case 0xa0:
      return "";
    case 0xc0:
      return null;
    case 0xc2:
      return false;
    case 0xc3:
      return true;
    case 0xcc:
      return bytes[start + 1] as number;
    case 0xcd:
      return uint16(bytes, start + 1);
    case 0xce:
      return uint32(bytes, start + 1);
    case 0xcf:
    case 0xd3: {
      const high = uint32(bytes, start + 1);
      return high < 2 ** 21 ? BigInt(high * 2 ** 32 + uint32(bytes, start + 5)) : undefined;
    }
    default:
      return undefined;
  }
}

/** One scanner for each list of fields that is asked for; there are few such lists. */
const scanners = new Map<readonly string[], FieldScanner>();

function scannerFor(fields: readonly string[]): FieldScanner {
  let scanner = scanners.get(fields);
  if (!scanner) {
    scanner = new FieldScanner(fields);
    scanners.set(fields, scanner);
  }
  return scanner;
}

/**
 * A record: a value that is a map.
 * @param fields of a MessagePack record, only these are converted (it is checked as a whole all the same); undefined: all.
 * The same list for each call
 * @throws Undecodable with the reason
 */
export function decodeRecord(bytes: Uint8Array, fields?: readonly string[]): ValueMap {
  const json = jsonPart(bytes);
  if (json) return requireMap(decodeJson(json));
  const scanner = fields && scannerFor(fields);
  if (!fields || !scanner?.scan(bytes)) return requireMap(toValue(unpack(bytes), 0));
  const record: ValueMap = new Map();
  fields.forEach((name, i) => {
    const start = scanner.starts[i] as number;
    if (start < 0) return;
    record.set(name, simpleValue(bytes, start) ?? toValue(unpack(bytes.subarray(start, scanner.ends[i])), 1));
  });
  return record;
}
