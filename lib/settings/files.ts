// Paths as users write them, and the files there.
import { lstatSync } from "node:fs";
import { open } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
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

export function expand(path: string, env: NodeJS.ProcessEnv): string {
  return path === "~" || path.startsWith("~/") ? join(home(env), path.slice(1)) : path;
}

/** True when something is at `path`, including a broken link; the error code of the file system when that is unknown. */
export function existsAt(path: string): boolean | string {
  try {
    lstatSync(path);
    return true;
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code);
    return code === "ENOENT" || code === "ENOTDIR" ? false : code;
  }
}

interface FileContent {
  readonly bytes: Buffer;
  /** Users other than its owner can read it; never on Windows, which has no such bits. */
  readonly readableByOthers: boolean;
}

/** The content of pipes (`--creds <(…)`), which can be read only once, by path: each login reads its files again. */
const pipes = new Map<string, FileContent>();

/** Makes the error for an unusable file, which it names. */
export type Fail = (why: string, hint?: string) => UserError;

/** No file with settings, credentials or certificates is larger. */
const LARGEST_FILE = { bytes: 1 << 20, shown: "1 MiB" } as const;

/** Our own reason why a file cannot be read. */
class Unreadable extends Error {}

async function readAll(path: string): Promise<FileContent> {
  const known = pipes.get(path);
  if (known) return known;
  const file = await open(path, "r");
  try {
    const pieces: Buffer[] = await Array.fromAsync(
      file.createReadStream({ end: LARGEST_FILE.bytes, autoClose: false }),
    );
    const bytes = Buffer.concat(pieces);
    if (bytes.length > LARGEST_FILE.bytes) throw new Unreadable(`it is larger than ${LARGEST_FILE.shown}`);
    const stat = await file.stat();
    const content = { bytes, readableByOthers: process.platform !== "win32" && (stat.mode & 0o044) !== 0 };
    if (!stat.isFile()) pipes.set(path, content);
    return content;
  } finally {
    await file.close();
  }
}

/** Reads anything: also a pipe without a writer, a terminal, a device without an end. @throws an error for `faultOf` */
export async function readFile(path: string, withinMs: number): Promise<FileContent> {
  const content = await Promise.race([readAll(path), sleep(withinMs, undefined, { ref: false })]);
  if (!content) throw new Unreadable(`nothing came within ${formatMs(withinMs)}`);
  return content;
}

export const faultOf = (error: unknown): string => (error instanceof Unreadable ? error.message : fileFault(error));

/** Text as any system stores it: it may have a byte order mark, and on Windows two bytes per character. */
export function decodeText(bytes: Uint8Array): string {
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  return new TextDecoder(isUtf16 ? "utf-16le" : "utf-8").decode(bytes);
}
