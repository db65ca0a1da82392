// Takes apart what a server sends, in place of the NATS library's own parser, which looks at each byte of a message's line in
// turn, makes a view of each part, and gathers whatever a server announces. This saves a fifth of the time of a large list, and
// bounds the memory. Lines without a message are left to the library's parser.
//
// To do without it: in client.ts, the only place that uses it, let the connection keep its own parser. Memory is then bounded up to
// the server's first line alone.
import { Kind } from "nats/lib/nats-base-client/parser.js";
import { safe, shorten } from "../text.ts";

/** What takes the bytes of a connection, piece by piece. */
export interface Parser {
  /** @throws Error when this is not the protocol of NATS; nothing can be read after that */
  parse(bytes: Uint8Array): void;
}

/** The library's own parser, as far as it tells what it is gathering. */
export interface LineParser extends Parser {
  readonly argBuf?: { readonly length: number } | undefined;
}

/** What the library does with a message. */
export interface Receiver {
  push(message: { readonly kind: Kind.MSG; readonly msg: MessageLine; readonly data: Uint8Array }): void;
}

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const DIGIT_0 = 0x30;
/** The words before a message; no other line has one of their first letters. */
const MSG = Buffer.from("MSG ");
const HMSG = Buffer.from("HMSG ");
const [M] = MSG;
const [H] = HMSG;

/** What ends a line, or the bytes of a message. */
const CRLF_BYTES = 2;
/** The longest line of a server's protocol, in bytes. */
export const LONGEST_LINE = 1 << 20;
/** Of a line that can't be read, an error shows so many columns. */
const SHOWN = 60;

/** The number that is written in `bytes[from..to)`; NaN where there is anything but digits. */
function numberIn(bytes: Uint8Array, from: number, to: number): number {
  let number = from < to ? 0 : Number.NaN;
  for (let at = from; at < to; at++) {
    const digit = (bytes[at] as number) - DIGIT_0;
    if (digit < 0 || digit > 9) return Number.NaN;
    number = number * 10 + digit;
  }
  return number;
}

function beginsWith(bytes: Uint8Array, from: number, word: Uint8Array): boolean {
  for (let i = 0; i < word.length; i++) if (bytes[from + i] !== word[i]) return false;
  return true;
}

/**
 * `MSG <subject> <sid> [<reply>] <size>` or `HMSG <subject> <sid> [<reply>] <headers> <size>`, under the names that the library
 * has for its parts. Subject and reply are views that are made when they are asked for.
 */
export class MessageLine {
  readonly #bytes: Uint8Array;
  readonly #subjectFrom: number;
  readonly #subjectTo: number;
  readonly #replyFrom: number;
  readonly #replyTo: number;
  /** The number of the subscription. */
  readonly sid: number;
  /** Bytes of the headers; -1 without any. */
  readonly hdr: number;
  /** Bytes that follow the line, headers among them. */
  readonly size: number;

  /**
   * @param from where the line begins in `bytes`
   * @param to where its CR stands
   * @throws Error when it is malformed
   */
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
    this.sid = numberIn(bytes, this.#subjectTo + 1, this.#replyFrom - 1);
    this.hdr = hasHeaders ? numberIn(bytes, numbersFrom, sizeFrom - 1) : -1;
    this.size = numberIn(bytes, sizeFrom, to);
    // Without a reply the space after the number of the subscription is the one before the other numbers.
    const hasParts = this.#replyFrom <= numbersFrom && this.sid >= 0 && this.hdr <= this.size;
    if (!hasParts || bytes[to] !== CR || !beginsWith(bytes, from, name)) {
      const line = Buffer.from(bytes.subarray(from, Math.min(to, from + 2 * SHOWN))).toString();
      throw new Error(`a message begins with ${shorten(safe(line), SHOWN)}`);
    }
  }

  get subject(): Uint8Array {
    return this.#bytes.subarray(this.#subjectFrom, this.#subjectTo);
  }

  get reply(): Uint8Array | undefined {
    return this.#replyFrom < this.#replyTo ? this.#bytes.subarray(this.#replyFrom, this.#replyTo) : undefined;
  }
}

export class Frames implements Parser {
  readonly #lines: LineParser;
  readonly #receiver: Receiver;
  readonly #largest: () => number;
  /** The beginning of a message that has not come whole, in pieces. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  /** How long it is, with its line; 0 while that is not known. */
  #neededBytes = 0;
  /** A line that is not a message's has begun, and has not ended. */
  #inLine = false;

  /**
   * @param lines takes the lines that no message follows
   * @param largest a message of more bytes is an error: gathering what a server announces may take all memory
   */
  constructor(lines: LineParser, receiver: Receiver, largest: () => number) {
    this.#lines = lines;
    this.#receiver = receiver;
    this.#largest = largest;
  }

  parse(piece: Uint8Array): void {
    // Not as a Buffer, whose `slice` is no copy: a value that is kept would keep all that came with it.
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

  /** Hands over the message that has begun, when it ends in `bytes`. Returns where it ends there. */
  #complete(bytes: Uint8Array): number {
    let at = 0;
    while (this.#heldBytes > 0 && at < bytes.length) {
      const missing = this.#neededBytes - this.#heldBytes;
      const lineEnd = bytes.indexOf(LF, at) + 1;
      // Until the line has an end, how much follows is not known.
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

  /** Hands over a line, or as much of it as there is. Returns where that ends. */
  #line(all: Uint8Array, from: number): number {
    const lf = all.indexOf(LF, from);
    this.#inLine = lf < 0;
    const end = lf < 0 ? all.length : lf + 1;
    this.#lines.parse(all.subarray(from, end));
    this.#checkLine(this.#lines.argBuf?.length ?? 0);
    return end;
  }

  /** Hands over a message. Returns where it ends; -1 when it is not whole. */
  #message(all: Uint8Array, from: number): number {
    const lf = all.indexOf(LF, from);
    if (lf < 0) {
      this.#checkLine(all.length - from);
      return -1;
    }
    const line = new MessageLine(all, from, lf - 1);
    const { size } = line;
    if (size > this.#largest()) throw new Error(`a message of ${size} bytes was announced`);
    const end = lf + 1 + size + CRLF_BYTES;
    if (end > all.length) {
      this.#neededBytes = end - from;
      return -1;
    }
    this.#receiver.push({ kind: Kind.MSG, msg: line, data: all.subarray(lf + 1, lf + 1 + size) });
    return end;
  }

  #checkLine(bytes: number): void {
    if (bytes > LONGEST_LINE) throw new Error("a line of the protocol has no end");
  }
}
