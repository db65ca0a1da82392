// Reads the file of an export, message by message, as often as it is asked for. What was damaged, cut off or written by something
// else is an error that names the line: the first pass compares the checksum.
import { createReadStream } from "node:fs";
import type { Transform } from "node:stream";
import { asTime } from "../codec/value.ts";
import { UserError } from "../errors.ts";
import { PARTS, type Part, type StoredMessage } from "../store.ts";
import { safe, shorten } from "../text.ts";
import { FORMAT, STORED } from "./format.ts";

/** Bytes of the longest line: one of the largest message that a server accepts. */
const LONGEST_LINE = 128 << 20;
const NEWLINE = 0x0a;
const CHUNK = 256 << 10;

/** How each line of a message starts that zester writes. */
const STARTS = PARTS.map((part) => [part, Buffer.from(`{"subject":"${STORED[part].prefix}`)] as const);

type Zlib = typeof import("node:zlib");
/** Compressed forms, by their first bytes. */
const PACKED: readonly (readonly [first: readonly number[], unpack: (zlib: Zlib) => Transform])[] = [
  [[0x1f, 0x8b], ({ createGunzip }) => createGunzip()],
  [[0x28, 0xb5, 0x2f, 0xfd], ({ createZstdDecompress }) => createZstdDecompress()],
];

/** A line is not as it was exported: of the first one, that the file is something else. */
class Damaged extends UserError {}

/** What readers need of the header. */
export interface Opened {
  /** When it was exported. */
  readonly ns: bigint;
  readonly missing: readonly Part[];
}

type Json = Readonly<Record<string, unknown>>;

/** The part whose message a line is by its first bytes; undefined for a line in another form. */
function plainPart(line: Buffer): Part | undefined {
  for (const [part, start] of STARTS)
    if (line.length > start.length && line.compare(start, 0, start.length, 0, start.length) === 0) return part;
  return undefined;
}

const isPair = (item: unknown) =>
  Array.isArray(item) && item.length === 2 && item.every((text) => typeof text === "string");
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** A message as its line has it; undefined for another value. */
function messageOf({ subject, seq, time, headers = [], data }: Json): StoredMessage | undefined {
  const storedNs = typeof time === "string" ? asTime(time)?.ns : undefined;
  if (typeof subject !== "string" || !Number.isSafeInteger(seq) || storedNs === undefined) return undefined;
  if (typeof data !== "string" || data.length % 4 !== 0 || !BASE64.test(data)) return undefined;
  if (!Array.isArray(headers) || !headers.every(isPair)) return undefined;
  return { subject, sequence: seq as number, storedNs, headers, bytes: Buffer.from(data, "base64") };
}

export class ArchiveFile {
  #isVerified = false;
  /** What came from stdin, which can be read only once. */
  #kept: Buffer[] | undefined;

  /** @param path `-` is stdin */
  constructor(readonly path: string) {}

  get name(): string {
    return this.path === "-" ? "stdin" : safe(this.path);
  }

  #damaged(line: number, why: string, Kind = Damaged): UserError {
    return new Kind(`${this.name}, line ${line}: ${why}.`, "Export it again, or take another copy.");
  }

  async *#stored(): AsyncGenerator<Buffer> {
    if (this.path !== "-") return yield* createReadStream(this.path, { highWaterMark: CHUNK });
    if (!this.#kept) {
      const kept: Buffer[] = [];
      for await (const chunk of createReadStream("", { fd: 0, autoClose: false })) kept.push(chunk);
      this.#kept = kept;
    }
    yield* this.#kept;
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
      // Those who have read enough leave the file open otherwise.
      await stored.return(undefined);
    }
  }

  /** Hands over every line with its end, until `onLine` returns true. @returns the number of lines */
  async #lines(onLine: (line: Buffer, number: number) => boolean): Promise<number> {
    let number = 0;
    let pending: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of this.#bytes()) {
        const end = chunk.lastIndexOf(NEWLINE) + 1;
        const lines =
          end > 0 && pending.length > 0 ? Buffer.concat([...pending, chunk.subarray(0, end)]) : chunk.subarray(0, end);
        if (end > 0) pending = [];
        for (let from = 0; from < lines.length; ) {
          const next = lines.indexOf(NEWLINE, from) + 1;
          if (onLine(lines.subarray(from, next), ++number)) return number;
          from = next;
        }
        // A copy: the rest would keep all of the chunk.
        if (end < chunk.length) pending.push(Buffer.from(chunk.subarray(end)));
        size = (end > 0 ? 0 : size) + chunk.length - end;
        if (size > LONGEST_LINE) throw this.#damaged(number + 1, "it is too long");
      }
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (error instanceof UserError || typeof code !== "string") throw error;
      if (/^E[A-Z]+$/.test(code))
        throw new UserError(`cannot read ${this.name}: ${code}.`, "Check the path and its permissions.");
      throw this.#damaged(number + 1, `it cannot be decompressed (${message})`, UserError);
    }
    if (size > 0) throw this.#damaged(number + 1, "the file is cut off there");
    return number;
  }

  /** @throws Damaged */
  #json(line: Buffer, number: number): Json {
    try {
      const value: unknown = JSON.parse(line.toString());
      if (typeof value === "object" && value !== null) return value as Json;
    } catch {
      // It is said below.
    }
    throw this.#damaged(number, `it is no JSON object: ${shorten(safe(line.toString("utf8", 0, 60).trimEnd()), 40)}`);
  }

  /** @throws UserError when the file cannot be read, or is no export that this zester knows */
  async open(): Promise<Opened> {
    let header: Json = {};
    const first = (line: Buffer) => {
      header = this.#json(line, 1);
      return true;
    };
    await this.#lines(first).catch((error) => {
      if (!(error instanceof Damaged)) throw error;
    });
    const { zester_export: version, time, missing } = header;
    const ns = typeof time === "string" ? asTime(time)?.ns : undefined;
    if (typeof version === "number" && version > FORMAT)
      throw new UserError(
        `${this.name}, line 1: version ${version} of the format is newer than this zester knows (${FORMAT}).`,
        "Use a newer zester.",
      );
    if (version !== FORMAT || ns === undefined || !Array.isArray(missing))
      throw new UserError(
        `${this.name}, line 1: it is no header of an export.`,
        "`zester job export` writes files for --from.",
      );
    return { ns, missing: PARTS.filter((part) => missing.includes(part)) };
  }

  /**
   * Hands over the messages of these parts, in order. Only the first pass compares the checksum.
   * @throws UserError for a file that is not as it was exported
   */
  async read(parts: ReadonlySet<Part>, onMessage: (message: StoredMessage, part: Part) => void): Promise<void> {
    const hash = this.#isVerified ? undefined : new Bun.CryptoHasher("sha256");
    let end: Json | undefined;
    let messages = 0;
    const lines = await this.#lines((line, number) => {
      if (end) throw this.#damaged(number, "something stands behind the end");
      const plain = plainPart(line);
      if (number > 1 && (plain === undefined || parts.has(plain))) {
        const value = this.#json(line, number);
        if ("sha256" in value) {
          end = value;
          return false;
        }
        const message = messageOf(value);
        if (!message) throw this.#damaged(number, "it is no message");
        const part = plain ?? PARTS.find((name) => message.subject.startsWith(STORED[name].prefix));
        if (part && parts.has(part)) onMessage(message, part);
      }
      if (number > 1) messages++;
      hash?.update(line);
      return false;
    });
    if (!end) throw this.#damaged(lines + 1, "the file is cut off there");
    if (!hash) return;
    if (end.messages !== messages || end.sha256 !== hash.digest("hex")) {
      // The line that is damaged may be one that was left out.
      if (parts.size < PARTS.length) await this.read(new Set(PARTS), () => {});
      throw this.#damaged(
        lines,
        `the ${messages} messages before it are not those that were exported: their checksum differs`,
      );
    }
    this.#isVerified = true;
  }
}
