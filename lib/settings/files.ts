// Paths as users write them, and the files there.
import { lstatSync } from "node:fs";
import { open } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { formatMs } from "../duration.ts";
import { fileFault, type UserError } from "../errors.ts";

/** The home directory. HOME is empty in some containers; then the user database has it. */
export function home(env: NodeJS.ProcessEnv): string {
  if (env.HOME) return env.HOME;
  try {
    return homedir();
  } catch {
    return "/";
  }
}

/** `path` with a leading `~` replaced by the home directory. */
export function expand(path: string, env: NodeJS.ProcessEnv): string {
  return path === "~" || path.startsWith("~/") ? join(home(env), path.slice(1)) : path;
}

/** Whether something is at `path`, a broken link included; the file system's code when it does not tell. */
export function existsAt(path: string): boolean | string {
  try {
    lstatSync(path);
    return true;
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code);
    return code === "ENOENT" || code === "ENOTDIR" ? false : code;
  }
}

export interface FileContent {
  readonly bytes: Buffer;
  /** Users other than its owner can read it; never on Windows, which has no such bits. */
  readonly readableByOthers: boolean;
}

/** What came out of pipes (`--creds <(…)`), which give it once, by path: each login reads its files again. */
const pipes = new Map<string, FileContent>();

/** Makes the error for a file that cannot be used: it names the file. */
export type Fail = (why: string, hint?: string) => UserError;

/** No file with settings, credentials or certificates is larger. */
const LARGEST_FILE = { bytes: 1 << 20, shown: "1 MiB" } as const;
const PIECE_BYTES = 64 << 10;

/** Why a file can't be read, when it is not the file system that says so. */
class Unreadable extends Error {}

async function readAll(path: string): Promise<FileContent> {
  const known = pipes.get(path);
  if (known) return known;
  const file = await open(path, "r");
  try {
    const pieces: Buffer[] = [];
    for (let bytes = 0; ; ) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(PIECE_BYTES), 0, PIECE_BYTES);
      if (bytesRead === 0) break;
      pieces.push(buffer.subarray(0, bytesRead));
      bytes += bytesRead;
      if (bytes > LARGEST_FILE.bytes) throw new Unreadable(`it is larger than ${LARGEST_FILE.shown}`);
    }
    const stat = await file.stat();
    const content = {
      bytes: Buffer.concat(pieces),
      readableByOthers: process.platform !== "win32" && (stat.mode & 0o044) !== 0,
    };
    if (!stat.isFile()) pipes.set(path, content);
    return content;
  } finally {
    await file.close();
  }
}

/**
 * A file that may be anything: a pipe without a writer, a terminal, a device without an end.
 * @param withinMs how long it may take
 * @throws what `faultOf` has words for
 */
export async function readFile(path: string, withinMs: number): Promise<FileContent> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Unreadable(`nothing came within ${formatMs(withinMs)}`)), withinMs);
  });
  try {
    return await Promise.race([readAll(path), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Why a file could not be read. */
export function faultOf(error: unknown): string {
  if (error instanceof Unreadable) return error.message;
  return fileFault(error);
}

/** Text as editors and shells of any system store it: with a byte order mark, and on Windows of two bytes a character. */
export function decodeText(bytes: Uint8Array): string {
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  return new TextDecoder(isUtf16 ? "utf-16le" : "utf-8").decode(bytes);
}
