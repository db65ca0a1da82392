// Builds dist/zester, one executable for this machine.
import { execFileSync } from "node:child_process";
import pkg from "./package.json" with { type: "json" };

/** The short commit that is built, with `+` when the tree has uncommitted changes; `unknown` outside a checkout. */
function commit(): string {
  try {
    const git = (...args: string[]) =>
      execFileSync("git", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
    return git("rev-parse", "--short=12", "HEAD") + (git("status", "--porcelain") ? "+" : "");
  } catch {
    return "unknown";
  }
}

const result = await Bun.build({
  entrypoints: ["zester.ts"],
  minify: true,
  bytecode: true,
  format: "cjs",
  target: "bun",
  compile: {
    outfile: "dist/zester",
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
for (const log of result.logs) console.error(log);
if (!result.success) process.exit(1);
console.error(`built dist/zester ${pkg.version} (${commit()})`);
