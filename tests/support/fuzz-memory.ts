// How much memory one hostile value takes to decode, measured in a process of its own: the peak never goes down again.
// `bun tests/support/fuzz-memory.ts <file>` prints the bytes that decoding took beyond what the process had before.
import { readFileSync } from "node:fs";
import { decode, Undecodable } from "../../lib/codec/decode.ts";

const repeat = (unit: string, size: number) => {
  const bytes = Buffer.from(unit.replaceAll(" ", ""), "hex");
  return Buffer.alloc(Math.floor(size / bytes.length) * bytes.length, bytes);
};
/** A list of as many items as fit, each the bytes of `unit`. */
const list = (unit: string) => (size: number) => {
  const items = repeat(unit, size);
  const head = Buffer.of(0xdd, 0, 0, 0, 0);
  head.writeUInt32BE(items.length / (unit.replaceAll(" ", "").length / 2), 1);
  return Buffer.concat([head, items]);
};
const text = (open: string, unit: string, close: string) => (size: number) =>
  Buffer.from(
    open +
      Array(Math.ceil(size / (unit.length + 1)))
        .fill(unit)
        .join(",") +
      close,
  );
/** `{"a": [heads…` */
const nested = (head: string) => (size: number) => Buffer.concat([Buffer.from("81a161", "hex"), repeat(head, size)]);
const map = (value: (i: number) => Buffer) => (size: number) => {
  const parts: Buffer[] = [];
  let taken = 0;
  for (let i = 0; taken < size; i++) {
    const key = Buffer.from(i.toString(36));
    const part = Buffer.concat([Buffer.of(0xa0 + key.length), key, value(i)]);
    parts.push(part);
    taken += part.length;
  }
  const head = Buffer.of(0xdf, 0, 0, 0, 0);
  head.writeUInt32BE(parts.length, 1);
  return Buffer.concat([head, ...parts]);
};

/** Values that announce more than there is, and values that are whole and as dear for their size as can be. */
export const SHAPES: Readonly<Record<string, (size: number) => Uint8Array>> = {
  "lists that announce 65,535": nested("dc ff ff"),
  "lists that announce 4 G": nested("dd ff ff ff ff"),
  "maps that announce 65,535": nested("de ff ff a1 61"),
  "maps that announce 4 G": nested("df ff ff ff ff a1 61"),
  "texts that announce 4 G": list("db ff ff ff ff"),
  "bytes that announce 4 G": list("c6 ff ff ff ff"),
  "extensions that announce 4 G": list("c9 ff ff ff ff 05"),
  "lists of half the rest, 400 deep": (size) =>
    Buffer.concat([
      ...Array.from({ length: 400 }, () => {
        const head = Buffer.of(0xdd, 0, 0, 0, 0);
        head.writeUInt32BE(Math.floor(size / 2), 1);
        return head;
      }),
      Buffer.alloc(size, 0xc0),
    ]),
  "lists, as deep as long": (size) => Buffer.alloc(size, 0x91),
  "small numbers": list("01"),
  "large numbers": list("cf ff ff ff ff ff ff ff ff"),
  "empty lists": list("90"),
  "lists of one": list("91 c0"),
  "lists of 15": list(`9f ${"c0".repeat(15)}`),
  "empty maps": list("80"),
  "maps of one": list("81 a1 61 c0"),
  "maps of five": list("85 a1 61 c0 a1 62 c0 a1 63 c0 a1 64 c0 a1 65 c0"),
  "maps of one key 15 times": list(`8f ${"a0c0".repeat(15)}`),
  "one map of many": map(() => Buffer.of(0xc0)),
  "one key again and again": (size) => {
    const body = repeat("a1 61 c0", size);
    const head = Buffer.of(0xdf, 0, 0, 0, 0);
    head.writeUInt32BE(body.length / 3, 1);
    return Buffer.concat([head, body]);
  },
  "short texts": list("a3 61 62 63"),
  "short texts beyond ASCII": list("a3 e4 b8 96"),
  "empty bytes": list("c4 00"),
  "small extensions": list("d4 05 00"),
  times: list("d6 ff 00 00 00 01"),
  "one text of bytes that are none": (size) => {
    const head = Buffer.of(0xdb, 0, 0, 0, 0);
    head.writeUInt32BE(size, 1);
    return Buffer.concat([head, Buffer.alloc(size, 0xff)]);
  },
  "returns of many results": list(
    `86 a4${Buffer.from("name").toString("hex")}a161 a7${Buffer.from("changed").toString("hex")}c2 a4${Buffer.from("diff").toString("hex")}a0 a8${Buffer.from("duration").toString("hex")}d30000000000000001 a7${Buffer.from("details").toString("hex")}80 a5${Buffer.from("error").toString("hex")}a162`,
  ),
  "JSON that opens lists": (size) => Buffer.alloc(size, "["),
  "JSON that opens objects": (size) => Buffer.alloc(size, '{"":'),
  "JSON, empty lists": text("[", "[]", "]"),
  "JSON, empty objects": text("[", "{}", "]"),
  "JSON, objects of one": text("[", '{"":0}', "]"),
  "JSON, small numbers": text("[", "1", "]"),
  "JSON, one key again and again": text("{", '"":0', "}"),
  "JSON, short texts": text("[", '"\\n"', "]"),
  "JSON, one number": (size) => Buffer.from(`[${"9".repeat(size)}]`),
};

/** The most that this process had, in KB. The system's other count begins with what the process that started it had. */
const peak = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);

if (import.meta.main) {
  const bytes = readFileSync(process.argv[2] as string);
  Bun.gc(true);
  const before = peak();
  const began = performance.now();
  let outcome = "decoded";
  try {
    globalThis.kept = decode(bytes);
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
    outcome = error.message;
  }
  const ms = performance.now() - began;
  console.log(
    JSON.stringify({
      bytes: bytes.length,
      ms,
      outcome,
      took: (peak() - before) * 1024,
    }),
  );
}

declare global {
  var kept: unknown;
}
