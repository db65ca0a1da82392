// Stored values without loss: order of keys, every digit, bytes.

/** A time with nanoseconds. `seconds` counts from 1970 and can be beyond the range of a Date. */
export class Timestamp {
  constructor(
    readonly seconds: bigint,
    readonly nanos: number,
  ) {}

  /** @param ns nanoseconds since 1970 */
  static at(ns: bigint): Timestamp {
    const nanos = ((ns % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND;
    return new Timestamp((ns - nanos) / NS_PER_SECOND, Number(nanos));
  }

  /** Year 1: masters write it for "not set". */
  get isZero(): boolean {
    return this.seconds === ZERO_SECONDS && this.nanos === 0;
  }

  get ns(): bigint {
    return this.seconds * NS_PER_SECOND + BigInt(this.nanos);
  }

  /** RFC 3339 in UTC, up to 9 fractional digits without trailing zeros; `unix:<s>.<ns>` outside the years 0 to 9999. */
  toString(): string {
    const fraction = this.nanos ? `.${String(this.nanos).padStart(9, "0").replace(/0+$/, "")}` : "";
    if (this.seconds < MIN_SECONDS || this.seconds > MAX_SECONDS) return `unix:${this.seconds}${fraction}`;
    return `${new Date(Number(this.seconds) * 1000).toISOString().slice(0, 19)}${fraction}Z`;
  }
}

export const NS_PER_SECOND = 1_000_000_000n; // in ns
const ZERO_SECONDS = -62135596800n; // 0001-01-01T00:00:00Z
const MIN_SECONDS = -62167219200n; // 0000-01-01T00:00:00Z
const MAX_SECONDS = 253402300799n; // 9999-12-31T23:59:59Z

/** A number in JSON that a double would round, as written. */
export class NumberText {
  constructor(readonly text: string) {}
}

/** A MessagePack extension of an unknown type. */
export class Extension {
  constructor(
    readonly type: number,
    readonly data: Uint8Array,
  ) {}
}

export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Timestamp
  | NumberText
  | Extension
  | Value[]
  | ValueMap;
export type ValueMap = Map<string, Value>;

/** Without the undefined fields. */
export const mapOf = <T = Value>(fields: Readonly<Record<string, NoInfer<T> | undefined>>): Map<string, T> =>
  new Map(Object.entries(fields).filter((field): field is [string, T] => field[1] !== undefined));

export const asText = (value: Value | undefined): string | undefined => (typeof value === "string" ? value : undefined);

/** Undefined for anything but an integer. */
export function asInteger(value: Value | undefined): bigint | undefined {
  if (typeof value === "bigint") return value;
  return typeof value === "number" && Number.isInteger(value) ? BigInt(value) : undefined;
}

export const RFC3339 = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)$/;

/** A time, or RFC 3339 text from a record that was put by hand. */
export function asTime(value: Value | undefined): Timestamp | undefined {
  if (value instanceof Timestamp) return value;
  const match = typeof value === "string" ? RFC3339.exec(value) : null;
  if (!match) return undefined;
  const ms = Date.parse(`${match[1]}T${match[2]}${match[4]?.toUpperCase()}`);
  return Number.isNaN(ms) ? undefined : new Timestamp(BigInt(ms) / 1000n, Number((match[3] ?? "").padEnd(9, "0")));
}
