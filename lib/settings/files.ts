// Paths as users write them, and the files there.
import { closeSync, fstatSync, lstatSync, openSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** HOME is empty in some containers; then the user data base knows it, if anything does. */
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
export function lookUp(path: string): boolean | string {
  try {
    lstatSync(path);
    return true;
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code);
    return code === "ENOENT" || code === "ENOTDIR" ? false : code;
  }
}

/**
 * A file's bytes, and whether users other than its owner can read it (never on Windows, which has no such bits).
 * @throws what the file system says
 */
export function readFileAndMode(path: string): { bytes: Buffer; readableByOthers: boolean } {
  const fd = openSync(path, "r");
  try {
    const bytes = readFileSync(fd); // first: a folder is no secret that others could read
    return { bytes, readableByOthers: process.platform !== "win32" && (fstatSync(fd).mode & 0o044) !== 0 };
  } finally {
    closeSync(fd);
  }
}
