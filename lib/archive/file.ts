// Reads the file of an export, message by message, once for each pass. The first pass compares the checksum; a file that was damaged
// or cut off, or that is no export, is an error that names the line.
//
// Fast, without parsing each line:
//
//  1. A line that zester wrote starts with its subject. If that is not asked for, the line is skipped.
//  2. Where the newest message of each subject counts, only the last one in each block of lines is parsed.
//  3. A line with a backslash, or with its fields in another order, is always parsed.
//  4. If the checksum differs, all lines are parsed to find the damaged one.
import { gcAndSweep } from "bun:jsc";
import { createReadStream, fstatSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Transform } from "node:stream";
import { asTime } from "../codec/value.ts";
import { fileFault, UserError } from "../errors.ts";
import { PARTS, type Part, type StoredMessage } from "../store.ts";
import { safe, shorten } from "../text.ts";
import { FORMAT } from "./format.ts";

/** Bytes of the longest line: one of the largest message that a server accepts. */
const MAX_LINE_BYTES = 128 << 20;
const READ_BYTES = 256 << 10;
/** Memory is swept after so many bytes. */
const SWEPT = 32 << 20;
const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
const QUOTE = 0x22;

type Zlib = typeof import("node:zlib");
/** Compressed forms, by their first bytes. */
const PACKED: readonly (readonly [first: readonly number[], unpack: (zlib: Zlib) => Transform])[] = [
  [[0x1f, 0x8b], ({ createGunzip }) => createGunzip({ chunkSize: READ_BYTES })],
  [[0x28, 0xb5, 0x2f, 0xfd], ({ createZstdDecompress }) => createZstdDecompress({ chunkSize: READ_BYTES })],
];

/** A line is not as it was exported. If it is the first, the file is no export. */
class Damaged extends UserError {}

/** What readers need of the header. */
export interface OpenedFile {
  /** When it was exported. */
  readonly ns: bigint;
  readonly missing: readonly Part[];
}

type LineObject = Readonly<Record<string, unknown>>;

const isPair = (item: unknown) =>
  Array.isArray(item) && item.length === 2 && item.every((text) => typeof text === "string");

/** The bytes of base64; undefined for another value. */
function bytesOf(data: unknown): Uint8Array | undefined {
  try {
    return typeof data === "string" ? Uint8Array.fromBase64(data, { lastChunkHandling: "strict" }) : undefined;
  } catch {
    return undefined;
  }
}

/** A message as its line has it; undefined for another value. */
function messageOf({ subject, seq, time, headers = [], data }: LineObject): StoredMessage | undefined {
  const storedNs = typeof time === "string" ? asTime(time)?.ns : undefined;
  const bytes = bytesOf(data);
  if (typeof subject !== "string" || !Number.isSafeInteger(seq) || storedNs === undefined || !bytes) return undefined;
  if (!Array.isArray(headers) || !headers.every(isPair)) return undefined;
  return { subject, sequence: seq as number, storedNs, headers, bytes };
}

/** The start of each line of a message that zester writes. */
const LINE_START = Buffer.from('{"subject":"');

function beginsWith(bytes: Uint8Array, from: number, start: Uint8Array): boolean {
  for (let i = 0; i < start.length; i++) if (bytes[from + i] !== start[i]) return false;
  return true;
}

/** Subjects by how they begin. */
export interface Subjects {
  readonly begin: string;
  /** None of those that begin like this. */
  readonly except?: string | undefined;
}
const ALL_SUBJECTS: readonly Subjects[] = [{ begin: "" }];

const isAmong = (subjects: readonly Subjects[], subject: string) =>
  subjects.some(({ begin, except }) => subject.startsWith(begin) && !(except && subject.startsWith(except)));

/** The same for a line that starts with LINE_START. */
function lineFilter(subjects: readonly Subjects[]): (bytes: Uint8Array, from: number) => boolean {
  const startOf = (subject: string) => Buffer.from(`${LINE_START}${subject}`);
  const starts = subjects.map(({ begin, except }) => ({ begin: startOf(begin), except: except && startOf(except) }));
  return (bytes, from) =>
    starts.some(({ begin, except }) => beginsWith(bytes, from, begin) && !(except && beginsWith(bytes, from, except)));
}

export class ArchiveFile {
  #isVerified = false;
  /** A file descriptor: see `seekableStdin`. */
  #stdin: Promise<number> | undefined;

  /** @param path `-` is stdin */
  constructor(readonly path: string) {}

  get name(): string {
    return this.path === "-" ? "stdin" : safe(this.path);
  }

  #damaged(line: number, why: string, Kind = Damaged): UserError {
    return new Kind(`${this.name}, line ${line}: ${why}.`, "Export it again, or take another copy.");
  }

  async *#stored(): AsyncGenerator<Buffer> {
    if (this.path !== "-") return yield* createReadStream(this.path, { highWaterMark: READ_BYTES });
    this.#stdin ??= seekableStdin();
    const fd = await this.#stdin;
    // Not a stream: one that ends early closes the descriptor, whatever `autoClose` says (Bun 1.4.5).
    for (let at = 0, size = 0; ; at += size) {
      const chunk = Buffer.allocUnsafe(READ_BYTES);
      size = readSync(fd, chunk, 0, READ_BYTES, at);
      if (size === 0) return;
      yield chunk.subarray(0, size);
    }
  }

  /** The bytes of the file, unpacked. */
  async *#bytes(): AsyncGenerator<Buffer> {
    const stored = this.#stored();
    try {
      const { value: first = Buffer.alloc(0) } = await stored.next();
      const whole = async function* () {
        yield first;
        yield* stored;
      };
      const unpack = PACKED.find(([bytes]) => bytes.every((byte, i) => first[i] === byte))?.[1];
      if (!unpack) return yield* whole();
      const [{ Readable }, zlib] = await Promise.all([import("node:stream"), import("node:zlib")]);
      const source = Readable.from(whole(), { objectMode: false });
      const unpacked = unpack(zlib);
      source.on("error", (error) => unpacked.destroy(error));
      yield* source.pipe(unpacked) as AsyncIterable<Buffer>;
    } finally {
      // Otherwise the file stays open when only its start is read.
      await stored.return(undefined);
    }
  }

  /** Blocks of whole lines, each valid until the next. @param at how many lines were read, for errors */
  async *#blocks(at: { readonly line: number }): AsyncGenerator<Buffer> {
    let buffer = Buffer.allocUnsafe(2 * READ_BYTES);
    /** Bytes of a line that has not ended yet. */
    let rest = 0;
    try {
      for await (const chunk of this.#bytes()) {
        const size = rest + chunk.length;
        if (size > buffer.length) {
          const larger = Buffer.allocUnsafe(2 * size);
          buffer.copy(larger, 0, 0, rest);
          buffer = larger;
        }
        chunk.copy(buffer, rest);
        const end = chunk.lastIndexOf(NEWLINE) + 1;
        const whole = end > 0 ? rest + end : 0;
        if (whole > 0) yield buffer.subarray(0, whole);
        buffer.copyWithin(0, whole, size);
        rest = size - whole;
        if (rest > MAX_LINE_BYTES) throw this.#damaged(at.line + 1, "too long");
      }
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (error instanceof UserError || typeof code !== "string") throw error;
      if (/^E[A-Z]+$/.test(code))
        throw new UserError(`cannot read ${this.name}: ${fileFault(error)}.`, "Check the path and its permissions.");
      throw this.#damaged(at.line + 1, `cannot be decompressed (${message})`, UserError);
    }
    if (rest > 0) throw this.#damaged(at.line + 1, "the file is incomplete");
  }

  /** @throws Damaged */
  #json(block: Buffer, from: number, to: number, line: number): LineObject {
    const text = block.toString("utf8", from, to);
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === "object" && value !== null) return value as LineObject;
    } catch {
      // See below.
    }
    throw this.#damaged(line, `not a JSON object: ${shorten(safe(text.slice(0, 60).trimEnd()), 40)}`);
  }

  async #header(): Promise<LineObject> {
    try {
      for await (const block of this.#blocks({ line: 0 })) return this.#json(block, 0, block.indexOf(NEWLINE), 1);
    } catch (error) {
      if (!(error instanceof Damaged)) throw error;
    }
    return {};
  }

  /** @throws UserError when the file cannot be read, or is no export that this zester knows */
  async open(): Promise<OpenedFile> {
    const { zester_export: version, time, missing } = await this.#header();
    const ns = typeof time === "string" ? asTime(time)?.ns : undefined;
    if (typeof version === "number" && version > FORMAT)
      throw new UserError(
        `${this.name}, line 1: format version ${version} is newer than this zester supports (${FORMAT}).`,
        "Use a newer zester.",
      );
    if (version !== FORMAT || ns === undefined || !Array.isArray(missing))
      throw new UserError(`${this.name}, line 1: not an export.`, "Use a file written by `zester job export`.");
    return { ns, missing: PARTS.filter((part) => missing.includes(part)) };
  }

  /**
   * Hands over the messages of these subjects, in the order of the file for each. Only the first pass compares the checksum.
   * @param newest true when the last message of each subject counts: older ones may be left out
   * @throws UserError for a file that is not as it was exported
   */
  async read(
    subjects: readonly Subjects[],
    newest: boolean,
    onMessage: (message: StoredMessage) => void,
  ): Promise<void> {
    const isWanted = lineFilter(subjects);
    const hash = this.#isVerified ? undefined : new Bun.CryptoHasher("sha256");
    const at = { line: 0 };
    let end: LineObject | undefined;
    let unswept = 0;
    for await (const block of this.#blocks(at)) {
      /** Bytes that the checksum covers. */
      let covered = block.length;
      const take = (from: number, to: number, line: number) => {
        const value = this.#json(block, from, to, line);
        if ("sha256" in value) {
          end = value;
          covered = from;
          return;
        }
        const message = messageOf(value);
        if (!message) throw this.#damaged(line, "not a message");
        if (isAmong(subjects, message.subject)) onMessage(message);
      };
      /** The last line of each subject. */
      const latest = new Map<string, readonly [from: number, to: number, line: number]>();
      const takeLatest = () => {
        for (const place of latest.values()) take(...place);
        latest.clear();
      };
      let escaped = -1;
      for (let from = 0, to = 0; from < block.length; from = to) {
        to = block.indexOf(NEWLINE, from) + 1;
        const line = ++at.line;
        if (end) throw this.#damaged(line, "data after the end");
        if (line === 1) continue;
        if (escaped < from) escaped = block.indexOf(BACKSLASH, from);
        if (escaped < 0) escaped = block.length;
        if (escaped < to || !beginsWith(block, from, LINE_START)) {
          takeLatest();
          take(from, to, line);
        } else if (!isWanted(block, from)) continue;
        else if (newest)
          latest.set(block.toString("latin1", from, block.indexOf(QUOTE, from + LINE_START.length)), [from, to, line]);
        else take(from, to, line);
      }
      takeLatest();
      hash?.update(block.subarray(0, covered));
      unswept += block.length;
      if (unswept > SWEPT) {
        gcAndSweep();
        unswept = 0;
      }
    }
    if (!end) throw this.#damaged(at.line + 1, "the file is incomplete");
    if (!hash) return;
    if (end.messages !== at.line - 2 || end.sha256 !== hash.digest("hex")) {
      if (subjects !== ALL_SUBJECTS) await this.read(ALL_SUBJECTS, false, () => {});
      throw this.#damaged(at.line, "the checksum of the lines before it differs: one was changed, added or removed");
    }
    this.#isVerified = true;
  }
}

/** Stdin as a file that can be read again: a copy, unless it is one. The copy has no name, so nothing is left of it. */
async function seekableStdin(): Promise<number> {
  if (fstatSync(0).isFile()) return 0;
  const path = join(tmpdir(), `zester-${crypto.randomUUID()}`);
  const fd = openSync(path, "wx+", 0o600);
  unlinkSync(path);
  for await (const chunk of createReadStream("", { fd: 0, autoClose: false })) writeSync(fd, chunk);
  return fd;
}
