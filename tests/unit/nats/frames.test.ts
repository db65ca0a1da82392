// What a server sends is taken apart as the library's own parser would do it, wherever the network cuts it.
import { describe, expect, test } from "bun:test";
import { Kind, Parser, type ParserEvent } from "nats/lib/nats-base-client/parser.js";
import { Frames } from "../../../lib/nats/frames.ts";
import { randomFrom, SEED } from "../../support/random.ts";

const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString("latin1");

/** What a parser handed over, as plain values. */
function heard({ kind, msg, data }: ParserEvent) {
  const { subject, reply, sid, hdr, size } = (msg ?? {}) as Partial<NonNullable<ParserEvent["msg"]>>;
  return { kind, subject: text(subject), reply: text(reply), sid, hdr, size, data: text(data) };
}

/** What the library hears of these pieces, read by frames.ts or by itself. */
function read(pieces: readonly Uint8Array[], by: "frames" | "library", largest = 1 << 20) {
  const events: ReturnType<typeof heard>[] = [];
  const receiver = { push: (event: unknown) => void events.push(heard(event as ParserEvent)) };
  const library = new Parser(receiver);
  const parser =
    by === "frames" ? new Frames(library as Parser & { argBuf?: never }, receiver, () => largest) : library;
  for (const piece of pieces) parser.parse(piece);
  return events;
}

function* drawn(seed: number) {
  const random = randomFrom(seed);
  const below = (n: number) => Math.floor(random() * n);
  const one = <T>(...of: readonly T[]) => of[below(of.length)] as T;
  const bytes = (length: number) =>
    Buffer.from(Array.from({ length }, () => one(0, 10, 13, 32, 72, 77, 80, below(256))));
  const word = () => one("a", "$KV.jobs.2hPx", "_INBOX.Ab3.9", "é", "$JS.ACK.KV_jobs.c.1.5.5.1700000000000000000.0");
  const line = () => {
    const body = bytes(one(0, 1, 7, below(300), below(20_000)));
    const about = `${word()} ${below(one(10, 100_000))}${random() < 0.5 ? ` ${word()}` : ""}`;
    if (random() < 0.6)
      return Buffer.concat([Buffer.from(`MSG ${about} ${body.length}\r\n`), body, Buffer.from("\r\n")]);
    const head = `NATS/1.0${one("", " 404 No Messages")}\r\n${"k: v\r\n".repeat(below(3))}\r\n`;
    const sizes = `${head.length} ${head.length + body.length}`;
    return Buffer.concat([Buffer.from(`HMSG ${about} ${sizes}\r\n${head}`), body, Buffer.from("\r\n")]);
  };
  const other = () =>
    Buffer.from(one("PING\r\n", "PONG\r\n", "+OK\r\n", "-ERR 'no MSG'\r\n", 'INFO {"a":"H MSG"}\r\n'));
  for (;;) {
    const all = Buffer.concat(Array.from({ length: 1 + below(12) }, () => (random() < 0.8 ? line() : other())));
    const longest = one(1, 3, 100, 5000, all.length);
    const pieces: Uint8Array[] = [];
    // Into pieces of one memory, as they lie in what the system handed over.
    for (let at = 0; at < all.length; ) {
      const length = 1 + below(longest);
      pieces.push(new Uint8Array(all.buffer, all.byteOffset + at, Math.min(length, all.length - at)));
      at += length;
    }
    yield { all, pieces };
  }
}

test(`random messages and lines, cut anywhere: as the library reads them (seed ${SEED})`, () => {
  let runs = 0;
  for (const { all, pieces } of drawn(SEED)) {
    if (++runs > 400) break;
    expect(read(pieces, "frames")).toEqual(read([all], "library"));
  }
});

describe("what is not the protocol is an error, and what came before it is heard", () => {
  const GOOD = "MSG a 1 2\r\nhi\r\n";
  test.each([
    ["no number of a subscription", "MSG a 5\r\nhello\r\n", "a message begins with MSG a 5"],
    ["numbers beyond the line", "MSG 5\r\n1 2 \r\n", "a message begins with MSG 5"],
    ["a size that is none", "MSG a 1 x\r\n", "a message begins with MSG a 1 x"],
    ["no size", "MSG a 1 \r\n", "a message begins with MSG a 1"],
    ["a line without CR", "MSG a 1 15\nhello, hello...\r\n", "a message begins with MSG a 1 1"],
    ["another word", "MSX a 1 5\r\nhello\r\n", "a message begins with MSX a 1 5"],
    ["another word with headers", "HXSG a 1 0 5\r\nhello\r\n", "a message begins with HXSG"],
    ["more headers than bytes", "HMSG a 1 9 5\r\nhello\r\n", "a message begins with HMSG a 1 9 5"],
    ["headers without a number", "HMSG a 1 5\r\nhello\r\n", "a message begins with HMSG a 1 5"],
    ["control characters", "MSG \u001b[31m 1\r\n", "a message begins with MSG \\x1b[31m 1"],
    ["another protocol", "HTTP/1.1 400 Bad Request\r\n", "a message begins with HTTP/1.1 400 Bad Request"],
    ["more than may be", "MSG a 1 4000000\r\n", "a message of 4000000 bytes was announced"],
    ["more than a number holds", `MSG a 1 ${"9".repeat(400)}\r\n`, "a message of Infinity bytes was announced"],
    ["a message's line without an end", `MSG ${"a".repeat(1 << 20)}`, "a line of the protocol has no end"],
    ["another line without an end", `INFO ${"a".repeat(2 << 20)}`, "a line of the protocol has no end"],
    ["anything else", "\0\0", "parse error [0]"],
  ])("%s", (_, words, error) => {
    const events: unknown[] = [];
    const receiver = { push: (event: unknown) => void events.push(event) };
    const frames = new Frames(new Parser(receiver) as Parser & { argBuf?: never }, receiver, () => 1 << 20);
    frames.parse(Buffer.from(GOOD));
    expect(() => {
      for (const piece of [words.slice(0, 3), words.slice(3)]) frames.parse(Buffer.from(piece, "latin1"));
    }).toThrow(error);
    expect(events).toMatchObject([{ kind: Kind.MSG }]);
  });
});

test("a large message is gathered once, not again with each piece", () => {
  const size = 8 << 20;
  const pieces = [Buffer.from(`MSG a 1 ${size}\r\n`)];
  const piece = Buffer.alloc(1 << 10, "x");
  for (let at = 0; at < size; at += piece.length) pieces.push(piece);
  pieces.push(Buffer.from("\r\n"));
  const copied: number[] = [];
  const { concatArrayBuffers } = Bun;
  Bun.concatArrayBuffers = ((parts: Uint8Array[], length: number, asBytes: true) => {
    copied.push(length);
    return concatArrayBuffers(parts, length, asBytes);
  }) as typeof concatArrayBuffers;
  try {
    expect(read(pieces, "frames", size).map((event) => event.size)).toEqual([size]);
  } finally {
    Bun.concatArrayBuffers = concatArrayBuffers;
  }
  expect(copied.reduce((sum, length) => sum + length, 0)).toBeLessThan(2 * size);
});
