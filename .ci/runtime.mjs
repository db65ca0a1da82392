// Bun itself, which goes into the executable: put in its place, and checked against its pinned hash. Plain JavaScript,
// because Node runs it before Bun is there: `node .ci/runtime.mjs [node_modules]`.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, linkSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Of each npm package `@oven/bun-<name>` the SHA-512 in base64, and that of Bun's executable in it. They change with the
 * version of Bun: the error of a mismatch has the new one.
 * @type {{ version: string, sha512: Record<string, { package: string, executable: string }> }}
 */
const pinned = JSON.parse(readFileSync(new URL("runtimes.json", import.meta.url), "utf8"));

/**
 * The SHA-512 of a file, in base64.
 * @param {string} path
 */
export const sha512 = (path) => createHash("sha512").update(readFileSync(path)).digest("base64");

/**
 * @param {string} path Bun's executable
 * @param {string} [name] the platform that it has to be for, as runtimes.json calls it; undefined: any
 * @throws {Error} when it is not the one that is pinned
 */
export function checkRuntime(path, name) {
  const found = sha512(path);
  const names = name === undefined ? Object.keys(pinned.sha512) : [name];
  if (names.some((one) => pinned.sha512[one]?.executable === found)) return;
  const wanted = `Bun ${pinned.version}${name === undefined ? "" : ` for ${name}`}`;
  throw new Error(
    `${path} is not the ${wanted} that .ci/runtimes.json pins: its SHA-512 is ${found}.\n` +
      "Run `npm ci` (without --omit=optional) and `npm run setup`.",
  );
}

/** @param {string} path */
function works(path) {
  try {
    execFileSync(path, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/**
 * Puts Bun's executable where `npx bun` looks for it, from the package that npm has checked against package-lock.json.
 * @param {string} modules the folder node_modules
 * @throws {Error} when what is there then is not the one that is pinned
 */
function placeRuntime(modules) {
  const [bun = "", bunx = ""] = ["bun.exe", "bunx.exe"].map((file) => join(modules, "bun/bin", file));
  const found = sha512(bun);
  if (Object.values(pinned.sha512).some(({ executable }) => executable === found)) return;
  for (const name of Object.keys(pinned.sha512)) {
    const file = process.platform === "win32" ? "bun.exe" : "bun";
    const path = join(modules, `@oven/bun-${name}/bin`, file);
    if (!existsSync(path)) continue;
    checkRuntime(path, name);
    // Old versions of npm install the packages for glibc and for musl.
    if (!works(path)) continue;
    for (const place of [bun, bunx]) {
      rmSync(place, { force: true });
      try {
        linkSync(path, place);
      } catch {
        copyFileSync(path, place);
      }
    }
    return;
  }
  checkRuntime(bun);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    placeRuntime(process.argv[2] ?? "node_modules");
  } catch (error) {
    console.error(`setup: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
}
