// Reads the file of an export, message by message, once for each pass. The first pass compares the checksum; a file that was damaged
// or cut off, or that is not an export, is an error that names the line.
//
// Fast, without parsing each line:
//  1. A line that zester wrote starts with its subject. If that is not requested, the line is skipped.
//  2. Where the newest message of each subject counts, only the last one in each block of lines is parsed.
//  3. A line with a backslash, or with its fields in another order, is always parsed.
//  4. If the checksum differs, all lines are parsed to find the damaged one.
import { closeSync, createReadStream, fstatSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Transform } from "node:stream";
import { beginsWith } from "../codec/byte-set.ts";
import { asTime, RFC3339 } from "../codec/value.ts";
import { fileFault, UserError } from "../errors.ts";
import { PARTS, type Part, type StoredMessage } from "../store.ts";
import { sweeper } from "../sweep.ts";
import { safe, shorten } from "../text.ts";
import { FORMAT_VERSION } from "./format.ts";

/** Bytes of the longest line: one of the largest message that a server accepts. */
const MAX_LINE_BYTES = 128 << 20;
/** Bytes per read of a plain file: large blocks have few old states of a record that is newer in the same block. */
const READ_BYTES = 1 << 20;
/** Of a compressed file: several blocks are on their way at once. */
const PACKED_BYTES = 256 << 10;
const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
const QUOTE = 0x22;

type Zlib = typeof import("node:zlib");
/** Compressed forms, by their first bytes. */
const PACKED: readonly (readonly [first: readonly number[], unpack: (zlib: Zlib) => Transform])[] = [
  [[0x1f, 0x8b], ({ createGunzip }) => createGunzip({ chunkSize: PACKED_BYTES })],
  [[0x28, 0xb5, 0x2f, 0xfd], ({ createZstdDecompress }) => createZstdDecompress({ chunkSize: PACKED_BYTES })],
];

/** A line has changed since the export. If it is the first, the file is not an export. */
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

/** Few readers use the time, and converting it takes as long as parsing the line. */
class Message implements StoredMessage {
  constructor(
    readonly subject: string,
    readonly sequence: number,
    readonly time: string,
    readonly headers: StoredMessage["headers"],
    readonly bytes: Uint8Array,
  ) {}

  get storedNs(): bigint {
    return asTime(this.time)?.ns ?? 0n;
  }
}

/** A message as its line has it; undefined for another value. */
function messageOf({ subject, seq, time, headers = [], data }: LineObject): Message | undefined {
  const bytes = bytesOf(data);
  if (typeof subject !== "string" || !Number.isSafeInteger(seq) || !bytes) return undefined;
  if (typeof time !== "string" || !RFC3339.test(time)) return undefined;
  if (!Array.isArray(headers) || !headers.every(isPair)) return undefined;
  return new Message(subject, seq as number, time, headers, bytes);
}

/** The start of each line of a message that zester writes. */
const LINE_START = Buffer.from('{"subject":"');

/** The number of the line that starts at `from`. @param before lines before the block */
function lineAt(block: Buffer, from: number, before: number): number {
  let line = before + 1;
  for (let at = block.indexOf(NEWLINE); at >= 0 && at < from; at = block.indexOf(NEWLINE, at + 1)) line++;
  return line;
}

/** Subjects with a common prefix. */
export interface Subjects {
  readonly begin: string;
  /** Without those that have this longer prefix. */
  readonly except?: string | undefined;
}
const ALL_SUBJECTS: readonly Subjects[] = [{ begin: "" }];

/** A test whether a subject is among these. */
function lineFilter(subjects: readonly Subjects[]): (bytes: Uint8Array, at: number) => boolean {
  const starts = subjects.map(({ begin, except }) => ({
    begin: Buffer.from(begin),
    except: except && Buffer.from(except),
  }));
  return (bytes, at) =>
    starts.some(({ begin, except }) => beginsWith(bytes, at, begin) && !(except && beginsWith(bytes, at, except)));
}

export class ArchiveFile {
  #isVerified = false;
  /** The descriptor of stdin, or of the copy of a pipe; other files are opened for each pass. */
  #kept: number | undefined;

  /** @param path `-` is stdin */
  constructor(readonly path: string) {}

  get name(): string {
    return this.path === "-" ? "stdin" : safe(this.path);
  }

  #damaged(line: number, why: string, Kind = Damaged): UserError {
    return new Kind(`${this.name}, line ${line}: ${why}.`, "Export it again, or take another copy.");
  }

  async #open(): Promise<number> {
    if (this.#kept !== undefined) return this.#kept;
    const fd = this.path === "-" ? 0 : openSync(this.path, "r");
    const isFile = fstatSync(fd).isFile();
    if (isFile && fd !== 0) return fd;
    this.#kept = isFile ? fd : await copyOf(fd);
    return this.#kept;
  }

  /** The bytes of the file, unpacked. Each block is valid until the next. */
  async *#bytes(): AsyncGenerator<Buffer> {
    const fd = await this.#open();
    try {
      const first = Buffer.alloc(4);
      readSync(fd, first, 0, first.length, 0);
      const unpack = PACKED.find(([bytes]) => bytes.every((byte, i) => first[i] === byte))?.[1];
      if (!unpack) return yield* blocksOf(fd, READ_BYTES);
      const [{ Readable }, zlib] = await Promise.all([import("node:stream"), import("node:zlib")]);
      const source = Readable.from(
        blocksOf(fd, PACKED_BYTES).map((block) => Buffer.from(block)),
        { objectMode: false },
      );
      const unpacked = unpack(zlib);
      source.on("error", (error) => unpacked.destroy(error));
      yield* source.pipe(unpacked) as AsyncIterable<Buffer>;
    } finally {
      if (fd !== this.#kept) closeSync(fd);
    }
  }

  /** Blocks of whole lines, each valid until the next. @param at how many lines were read, for errors */
  async *#blocks(at: { readonly line: number }): AsyncGenerator<Buffer> {
    /** A line that has not ended yet. */
    let rest: Buffer[] = [];
    let restBytes = 0;
    try {
      for await (const chunk of this.#bytes()) {
        const first = chunk.indexOf(NEWLINE) + 1;
        const end = chunk.lastIndexOf(NEWLINE) + 1;
        if (first > 0) {
          yield Buffer.concat([...rest, chunk.subarray(0, first)]);
          if (first < end) yield chunk.subarray(first, end);
          rest = [];
          restBytes = 0;
        }
        rest.push(Buffer.from(chunk.subarray(end)));
        restBytes += chunk.length - end;
        if (restBytes > MAX_LINE_BYTES) throw this.#damaged(at.line + 1, "too long");
      }
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (error instanceof UserError || typeof code !== "string") throw error;
      if (/^E[A-Z]+$/.test(code))
        throw new UserError(`cannot read ${this.name}: ${fileFault(error)}.`, "Check the path and its permissions.");
      throw this.#damaged(at.line + 1, `cannot be decompressed (${message})`, UserError);
    }
    if (restBytes > 0) throw this.#damaged(at.line + 1, "the file is incomplete");
  }

  /** @param before lines before the block, for errors @throws Damaged */
  #json(block: Buffer, from: number, before: number): LineObject {
    const text = block.toString("utf8", from, block.indexOf(NEWLINE, from));
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === "object" && value !== null) return value as LineObject;
    } catch {
      // See below.
    }
    throw this.#damaged(
      lineAt(block, from, before),
      `not a JSON object: ${shorten(safe(text.slice(0, 60).trimEnd()), 40)}`,
    );
  }

  async #header(): Promise<LineObject> {
    try {
      for await (const block of this.#blocks({ line: 0 })) return this.#json(block, 0, 0);
    } catch (error) {
      if (!(error instanceof Damaged)) throw error;
    }
    return {};
  }

  /** @throws UserError when the file cannot be read, or is not an export in a known format */
  async open(): Promise<OpenedFile> {
    const { zester_export: version, time, missing } = await this.#header();
    const ns = typeof time === "string" ? asTime(time)?.ns : undefined;
    if (typeof version === "number" && version > FORMAT_VERSION)
      throw new UserError(
        `${this.name}, line 1: format version ${version} is newer than this zester supports (${FORMAT_VERSION}).`,
        "Use a newer zester.",
      );
    if (version !== FORMAT_VERSION || ns === undefined || !Array.isArray(missing))
      throw new UserError(`${this.name}, line 1: not an export.`, "Use a file written by `zester job export`.");
    return { ns, missing: PARTS.filter((part) => missing.includes(part)) };
  }

  /**
   * Passes on the messages of these subjects, in the order of the file for each. Only the first pass compares the checksum.
   * @param newest true when the last message of each subject counts: older ones may be left out
   * @throws UserError for a file that has changed since the export
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
    const sweep = sweeper("lines");
    for await (const block of this.#blocks(at)) {
      /** Bytes that the checksum covers. */
      let covered = block.length;
      const before = at.line;
      /** Where the lines to decode start: the last one of each subject, or all. */
      const found = new Map<unknown, number>();
      let escaped = -1;
      for (let from = 0, to = 0; from < block.length; from = to) {
        to = block.indexOf(NEWLINE, from) + 1;
        const line = ++at.line;
        if (end) throw this.#damaged(line, "data after the end");
        if (line === 1) continue;
        if (escaped < from) escaped = block.indexOf(BACKSLASH, from);
        if (escaped < 0) escaped = block.length;
        const start = from + LINE_START.length;
        const isUsual = escaped >= to && beginsWith(block, from, LINE_START);
        if (isUsual && !isWanted(block, start)) continue;
        const value = isUsual ? undefined : this.#json(block, from, before);
        if (value && "sha256" in value) {
          end = value;
          covered = from;
        } else if (typeof value?.subject === "string" && !isWanted(Buffer.from(value.subject), 0)) continue;
        else if (newest) {
          const subject = value ? value.subject : block.toString("utf8", start, block.indexOf(QUOTE, start));
          found.set(subject, from);
        } else found.set(line, from);
      }
      for (const from of found.values()) {
        const message = messageOf(this.#json(block, from, before));
        if (!message) throw this.#damaged(lineAt(block, from, before), "not a message");
        onMessage(message);
      }
      hash?.update(block.subarray(0, covered));
      // For timers: a plain file is read without waiting for anything.
      if (sweep(block)) await new Promise((resume) => setImmediate(resume));
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

/** The bytes of a file, each block in the memory of the one before. */
function* blocksOf(fd: number, bytes: number): Generator<Buffer, undefined> {
  const block = Buffer.allocUnsafe(bytes);
  for (let at = 0, size = 0; ; at += size) {
    size = readSync(fd, block, 0, bytes, at);
    if (size === 0) return undefined;
    yield block.subarray(0, size);
  }
}

/** A copy of a pipe, which can be read again. It has no name, so nothing is left of it. */
async function copyOf(pipe: number): Promise<number> {
  const path = join(tmpdir(), `zester-${crypto.randomUUID()}`);
  const fd = openSync(path, "wx+", 0o600);
  unlinkSync(path);
  for await (const chunk of createReadStream("", { fd: pipe, autoClose: false })) writeSync(fd, chunk);
  return fd;
}
