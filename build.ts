// Builds dist/zester, one executable for this machine.
import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { checkRuntime } from "./.ci/runtime.mjs";
import pkg from "./package.json" with { type: "json" };

const git = (...args: string[]) =>
  execFileSync("git", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();

/** The short commit that is built, with `+` when the tree has uncommitted changes; `unknown` outside a checkout. */
export function commit(): string {
  try {
    return git("rev-parse", "--short=12", "HEAD") + (git("status", "--porcelain") ? "+" : "");
  } catch {
    return "unknown";
  }
}

/** When the commit was made, in seconds since 1970: the time of every file in a release. */
export const commitTime = () => Number(git("show", "-s", "--format=%ct", "HEAD"));

/**
 * Compiles the executable. The Bun that it embeds is checked against its pinned hash, each time.
 * @param other another platform's target and Bun executable, and what .ci/runtimes.json calls it; undefined: the Bun
 *   that runs this
 * @throws Error with what Bun says, or when the Bun to embed is not the one that is pinned
 */
export async function compile(
  outfile: string,
  other?: { target: Bun.Build.CompileTarget; runtime: string; executablePath: string },
): Promise<void> {
  const executablePath = other?.executablePath ?? process.execPath;
  checkRuntime(executablePath, other?.runtime);
  const result = await Bun.build({
    entrypoints: ["zester.ts"],
    minify: true,
    bytecode: true,
    format: "esm",
    splitting: true,
    target: "bun",
    compile: {
      ...(other && { target: other.target }),
      executablePath,
      outfile,
      // Ends the options of Bun: those that the variable BUN_OPTIONS adds (--preload runs any file) are not read then.
      execArgv: ["--"],
      // A file in the directory where the operator happens to stand must never change what runs (it may be root).
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: false,
      autoloadPackageJson: false,
    },
    define: {
      ZESTER_VERSION: JSON.stringify(pkg.version),
      ZESTER_COMMIT: JSON.stringify(commit()),
      "process.env.NODE_ENV": '"production"',
    },
  });
  if (!result.success) throw new Error(result.logs.join("\n"));
}

/** What goes into the executable. */
const SOURCES = ["zester.ts", "build.ts", "package.json", "package-lock.json", ".ci/runtimes.json", "lib/**/*"];

/** True when the executable is there and no source is newer; of another commit it may be. */
function isBuilt(outfile: string): boolean {
  const built = statSync(outfile, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return SOURCES.every((pattern) =>
    [...new Bun.Glob(pattern).scanSync({ dot: true })].every((file) => statSync(file).mtimeMs < built),
  );
}

// --if-needed: only when a source changed. --quiet: without a word.
if (import.meta.main && !(process.argv.includes("--if-needed") && isBuilt("dist/zester"))) {
  await compile("dist/zester");
  if (!process.argv.includes("--quiet")) console.error(`built dist/zester ${pkg.version} (${commit()})`);
}
