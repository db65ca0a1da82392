// Records as masters write them.
import { ExtensionCodec, encode as encodeMessagePack } from "@msgpack/msgpack";

/** A time as masters store it. */
export class Time {
  constructor(readonly ns: bigint) {}
  static now(): Time {
    return new Time(BigInt(Date.now()) * 1_000_000n);
  }
  static at(iso: string): Time {
    return new Time(BigInt(Date.parse(iso)) * 1_000_000n);
  }
  /** Year 1: "not set". */
  static readonly zero = new Time(-62135596800n * 1_000_000_000n);
}

const extensionCodec = new ExtensionCodec();
extensionCodec.register({
  type: -1,
  encode(value) {
    if (!(value instanceof Time)) return null;
    let seconds = value.ns / 1_000_000_000n;
    let nanos = value.ns % 1_000_000_000n;
    if (nanos < 0n) [seconds, nanos] = [seconds - 1n, nanos + 1_000_000_000n];
    const out = new DataView(new ArrayBuffer(seconds < 0n || seconds >> 34n ? 12 : 8));
    if (out.byteLength === 12) {
      out.setUint32(0, Number(nanos));
      out.setBigInt64(4, seconds);
    } else out.setBigUint64(0, (nanos << 34n) | seconds);
    return new Uint8Array(out.buffer);
  },
  decode: () => null,
});

/** Encodes a record as masters do: BigInt becomes a 64-bit integer, Time the timestamp extension. */
export function encode(record: unknown): Uint8Array {
  return encodeMessagePack(record, { extensionCodec, useBigInt64: true });
}

/** A complete job record with sensible values, overridden by `fields`. */
export function jobRecord(jid: string, fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    jid,
    function: "test.ping",
    args: null,
    targets: ["web-01"],
    timeout: 300_000_000_000n,
    status: "complete",
    created: Time.at("2026-01-15T09:30:00Z"),
    updated: Time.at("2026-01-15T09:30:01Z"),
    ...fields,
  };
}
