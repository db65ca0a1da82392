// Almost empty root folders, as in minimal containers, and the executable run inside.
import { chmodSync, cpSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Result, run, tempDir } from "./harness.ts";

export const PATH = { PATH: process.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin" };

/** Paths of the loader and the libraries that a program for this machine needs. */
export async function libraries(program: string): Promise<string[]> {
  const { stdout } = await run(["ldd", program], { env: PATH });
  return [...stdout.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1] as string);
}

/** A folder with the executable as /zester, the given files by path, and an empty /proc as a mount point. */
export function makeRoot(executable: string, files: Readonly<Record<string, string>>): string {
  const root = join(tempDir(), "root");
  mkdirSync(join(root, "proc"), { recursive: true });
  for (const [to, from] of Object.entries({ "/zester": executable, ...files })) {
    mkdirSync(dirname(join(root, to)), { recursive: true });
    cpSync(from, join(root, to), { dereference: true });
    chmodSync(join(root, to), 0o755);
  }
  return root;
}

/**
 * Runs the executable in a root: read-only, with an empty environment, as a user id that is not assigned (without
 * root's rights here: as the root of a user namespace).
 * @param proc whether /proc is mounted
 */
export function inRoot(root: string, args: readonly string[], proc: boolean): Promise<Result> {
  const isRoot = process.getuid?.() === 0;
  const user = isRoot ? "--userspec=54321:54321 " : "";
  const script = `set -e
mount --bind "$1" "$1"
${proc ? 'mount -t proc proc "$1/proc"' : ""}
mount -o remount,bind,ro "$1"
root=$1; shift
exec env -i "$(command -v chroot)" ${user}"$root" /zester "$@"`;
  const alone = isRoot ? [] : ["--map-root-user", "--pid", "--fork"];
  return run(["unshare", "--mount", ...alone, "sh", "-c", script, "sh", root, ...args], { env: PATH });
}
