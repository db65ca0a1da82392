// Splits the bytes of a server into messages, in place of the NATS library's parser. Lines without a message go to that parser.
//
// Why: the library's parser examines each byte of a message's line, makes a view of each part, and buffers any size that a server
// announces. This file saves a fifth of the time of a large list, and limits the memory.
//
// To remove it: in `guard` of client.ts, the only user, leave the connection its own parser. Then only the server's first line has
// a limit.
import { Kind } from "nats/lib/nats-base-client/parser.js";
import { beginsWith } from "../codec/byte-set.ts";
import { safe, shorten } from "../text.ts";

/** The library's parser. */
export interface LineParser {
  /** @throws Error when the bytes break the NATS protocol; nothing can be read after that */
  parse(bytes: Uint8Array): void;
  /** The line that it has begun. */
  readonly argBuf?: { readonly length: number } | undefined;
}

export interface Receiver {
  push(message: { readonly kind: Kind.MSG; readonly msg: MessageLine; readonly data: Uint8Array }): void;
}

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const DIGIT_0 = 0x30;
/** The first words of a message's line. No other line begins with one of their first letters. */
const MSG = Buffer.from("MSG ");
const HMSG = Buffer.from("HMSG ");
const [M] = MSG;
const [H] = HMSG;

const CRLF_BYTES = 2;
/** The longest line of a server's protocol, in bytes. */
export const LONGEST_LINE = 1 << 20;
/** Columns of a malformed line that an error shows. */
const SHOWN_OF_LINE = 60;

/** The decimal number in `bytes[from..to)`; NaN for anything but digits. */
function digitsIn(bytes: Uint8Array, from: number, to: number): number {
  let number = from < to ? 0 : Number.NaN;
  for (let at = from; at < to; at++) {
    const digit = (bytes[at] as number) - DIGIT_0;
    if (digit < 0 || digit > 9) return Number.NaN;
    number = number * 10 + digit;
  }
  return number;
}

/**
 * `MSG <subject> <sid> [<reply>] <size>` or `HMSG <subject> <sid> [<reply>] <headers> <size>`, with the library's names for the
 * parts. Subject and reply are views, made on access.
 */
class MessageLine {
  readonly #bytes: Uint8Array;
  readonly #subjectFrom: number;
  readonly #subjectTo: number;
  readonly #replyFrom: number;
  readonly #replyTo: number;
  /** Number of the subscription. */
  readonly sid: number;
  /** Bytes of the headers; -1 without headers. */
  readonly hdr: number;
  /** Bytes that follow the line, including headers. */
  readonly size: number;

  /** @param from start of the line in `bytes` @param to position of its CR @throws Error when it is malformed */
  constructor(bytes: Uint8Array, from: number, to: number) {
    const sizeFrom = bytes.lastIndexOf(SPACE, to) + 1;
    const hasHeaders = bytes[from] === H;
    const name = hasHeaders ? HMSG : MSG;
    const numbersFrom = hasHeaders ? bytes.lastIndexOf(SPACE, sizeFrom - 2) + 1 : sizeFrom;
    this.#bytes = bytes;
    this.#subjectFrom = from + name.length;
    this.#subjectTo = bytes.indexOf(SPACE, this.#subjectFrom);
    this.#replyFrom = bytes.indexOf(SPACE, this.#subjectTo + 1) + 1;
    this.#replyTo = numbersFrom - 1;
    this.sid = digitsIn(bytes, this.#subjectTo + 1, this.#replyFrom - 1);
    this.hdr = hasHeaders ? digitsIn(bytes, numbersFrom, sizeFrom - 1) : -1;
    this.size = digitsIn(bytes, sizeFrom, to);
    // Without a reply, the space after sid is also the space before the other numbers.
    const hasParts = this.#replyFrom <= numbersFrom && this.sid >= 0 && this.hdr <= this.size;
    if (!hasParts || bytes[to] !== CR || !beginsWith(bytes, from, name)) {
      const line = Buffer.from(bytes.subarray(from, Math.min(to, from + 2 * SHOWN_OF_LINE))).toString();
      throw new Error(`a message begins with ${shorten(safe(line), SHOWN_OF_LINE)}`);
    }
  }

  get subject(): Uint8Array {
    return this.#bytes.subarray(this.#subjectFrom, this.#subjectTo);
  }

  get reply(): Uint8Array | undefined {
    return this.#replyFrom < this.#replyTo ? this.#bytes.subarray(this.#replyFrom, this.#replyTo) : undefined;
  }
}

export class Frames {
  /** The pieces of an incomplete message. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  /** Its length with its line, in bytes; 0 while unknown. */
  #neededBytes = 0;
  /** True within a line that has no message. */
  #inLine = false;

  /** @param lines gets the lines without a message @param largest message, in bytes: any announced size could take all memory */
  constructor(
    readonly lines: LineParser,
    readonly receiver: Receiver,
    readonly largest: () => number,
  ) {}

  parse(piece: Uint8Array): void {
    // Not a Buffer: its `slice` makes no copy, so one kept value would keep the whole piece in memory.
    const bytes = new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength);
    let at = this.#complete(bytes);
    while (at < bytes.length) {
      const isMessage = !this.#inLine && (bytes[at] === M || bytes[at] === H);
      const next = isMessage ? this.#message(bytes, at) : this.#line(bytes, at);
      if (next < 0) break;
      at = next;
    }
    if (at < bytes.length) this.#hold(bytes.subarray(at));
  }

  #hold(bytes: Uint8Array): void {
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
  }

  /** Completes the message that has begun. @returns the position after its part of `bytes` */
  #complete(bytes: Uint8Array): number {
    let at = 0;
    while (this.#heldBytes > 0 && at < bytes.length) {
      const missing = this.#neededBytes - this.#heldBytes;
      const lineEnd = bytes.indexOf(LF, at) + 1;
      // The size is unknown until the line ends.
      const end = missing > 0 ? at + missing : lineEnd || bytes.length;
      this.#hold(bytes.subarray(at, end));
      at = Math.min(end, bytes.length);
      if (this.#heldBytes < this.#neededBytes) continue;
      const all = Bun.concatArrayBuffers(this.#held, this.#heldBytes, true);
      const isWhole = this.#message(all, 0) >= 0;
      this.#held = [];
      this.#heldBytes = 0;
      if (isWhole) this.#neededBytes = 0;
      else this.#hold(all);
    }
    return at;
  }

  /** Passes on a line, or the part that has arrived. @returns the position after it */
  #line(all: Uint8Array, from: number): number {
    const lf = all.indexOf(LF, from);
    this.#inLine = lf < 0;
    const end = lf < 0 ? all.length : lf + 1;
    this.lines.parse(all.subarray(from, end));
    this.#checkLine(this.lines.argBuf?.length ?? 0);
    return end;
  }

  /** Passes on a message. @returns the position after it; -1 when it is incomplete */
  #message(all: Uint8Array, from: number): number {
    const lf = all.indexOf(LF, from);
    if (lf < 0) {
      this.#checkLine(all.length - from);
      return -1;
    }
    const line = new MessageLine(all, from, lf - 1);
    const { size } = line;
    if (size > this.largest()) throw new Error(`a message of ${size} bytes was announced`);
    const end = lf + 1 + size + CRLF_BYTES;
    if (end > all.length) {
      this.#neededBytes = end - from;
      return -1;
    }
    this.receiver.push({ kind: Kind.MSG, msg: line, data: all.subarray(lf + 1, lf + 1 + size) });
    return end;
  }

  #checkLine(bytes: number): void {
    if (bytes > LONGEST_LINE) throw new Error("a line of the protocol has no end");
  }
}
