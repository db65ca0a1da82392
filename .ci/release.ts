// The release: an executable for every platform with its archive, checksums and an SBOM. Two builds of one commit are the
// same bytes: every time is the commit's, every order fixed, and the runtimes have the hashes of runtimes.json.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { commitTime, compile } from "../build.ts";
import pkg from "../package.json" with { type: "json" };
import lock from "../package-lock.json" with { type: "json" };
import { writeShare } from "./docs.ts";
import { thirdPartyLicenses } from "./licenses.ts";
import { sha512 } from "./runtime.mjs";
import runtimes from "./runtimes.json" with { type: "json" };

interface Platform {
  /** In file names, as users know it. */
  readonly name: string;
  readonly target: Bun.Build.CompileTarget;
  /** The npm package with Bun's executable for it, below @oven/bun-; its hashes are in runtimes.json. */
  readonly runtime: keyof typeof runtimes.sha512;
}

const PLATFORMS: readonly Platform[] = [
  {
    name: "linux-x64",
    target: "bun-linux-x64",
    runtime: "linux-x64",
  },
  {
    name: "linux-x64-baseline",
    target: "bun-linux-x64-baseline",
    runtime: "linux-x64-baseline",
  },
  {
    name: "linux-x64-musl",
    target: "bun-linux-x64-musl",
    runtime: "linux-x64-musl",
  },
  {
    name: "linux-x64-musl-baseline",
    target: "bun-linux-x64-baseline-musl",
    runtime: "linux-x64-musl-baseline",
  },
  {
    name: "linux-arm64",
    target: "bun-linux-arm64",
    runtime: "linux-aarch64",
  },
  {
    name: "linux-arm64-musl",
    target: "bun-linux-arm64-musl",
    runtime: "linux-aarch64-musl",
  },
  {
    name: "macos-x64",
    target: "bun-darwin-x64",
    runtime: "darwin-x64",
  },
  {
    name: "macos-arm64",
    target: "bun-darwin-arm64",
    runtime: "darwin-aarch64",
  },
  {
    name: "windows-x64",
    target: "bun-windows-x64",
    runtime: "windows-x64",
  },
];

const CACHE = "node_modules/.cache/runtimes";
const OUT = "dist/release";
const BUN = lock.packages["node_modules/bun"].version;

/** What an archive has beside the executable. */
const BESIDE = [
  "LICENSE",
  "README.md",
  "CHANGELOG.md",
  "docs",
  "dist/share",
  join(OUT, "zester.cdx.json"),
  join(OUT, "THIRD-PARTY-LICENSES"),
];

const run = (program: string, args: string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) =>
  execFileSync(program, args, { stdio: ["ignore", "pipe", "inherit"], maxBuffer: 1 << 30, ...options });

/** Bun's executable for a platform, fetched once as a package with the pinned hash; what is in it `compile` checks. */
function runtimeOf({ runtime, target }: Platform): string {
  const folder = join(CACHE, `${runtime}-${BUN}`);
  const binary = join(folder, "package/bin", target.includes("windows") ? "bun.exe" : "bun");
  if (existsSync(binary)) return binary;
  mkdirSync(folder, { recursive: true });
  const wanted = `@oven/bun-${runtime}@${BUN}`;
  const packed = run("npm", ["pack", wanted, "--pack-destination", folder, "--silent"]);
  const path = join(folder, packed.toString().trim());
  if (sha512(path) !== runtimes.sha512[runtime].package)
    throw new Error(`${wanted} is not the one that is pinned in .ci/runtimes.json`);
  run("tar", ["-xzf", path, "-C", folder]);
  rmSync(path);
  return binary;
}

/** The dependencies as CycloneDX, with Bun itself among them, and nothing that differs from run to run. */
export function sbom(seconds: number): string {
  const made = run("npm", ["sbom", "--sbom-format", "cyclonedx", "--omit", "dev", "--package-lock-only"]);
  const document = JSON.parse(made.toString());
  delete document.serialNumber;
  document.metadata.component.name = pkg.name; // npm takes the folder's
  document.metadata.timestamp = new Date(seconds * 1000).toISOString();
  const purl = `pkg:npm/bun@${BUN}`;
  document.components.push({
    "bom-ref": purl,
    type: "platform",
    name: "bun",
    version: BUN,
    purl,
    description: "the runtime inside the executable",
    // JavaScriptCore and WebKit, which it links, are under the LGPL (https://bun.com/docs/project/license).
    licenses: [{ expression: "MIT AND LGPL-2.0-or-later" }],
  });
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** Packs a folder of dist/release with fixed times, owners and order. */
async function pack(folder: string, platform: Platform, seconds: number): Promise<string> {
  const from = join(OUT, folder);
  if (!platform.target.includes("windows")) {
    const archive = `${folder}.tar.xz`;
    const fixed = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", `--mtime=@${seconds}`];
    const env = { ...process.env, XZ_OPT: "-9e -T1" };
    run("tar", ["-cJf", archive, ...fixed, "--mode=u=rwX,go=rX", folder], { cwd: OUT, env });
    return archive;
  }
  const { zipSync } = await import("fflate");
  const list = run("find", [".", "-type", "f"], { cwd: from }).toString().trim().split("\n").sort();
  const files = Object.fromEntries(
    list.map((file) => [`${folder}/${file.slice(2)}`, new Uint8Array(readFileSync(join(from, file)))]),
  );
  const archive = `${folder}.zip`;
  writeFileSync(join(OUT, archive), zipSync(files, { level: 9, mtime: new Date(seconds * 1000) }));
  return archive;
}

/**
 * Builds all platforms, or those named, into dist/release; with `--unpacked` among the names without the archives, which
 * take most of the time.
 * @throws Error when a step fails, a name is unknown, or a runtime is not the one that is pinned
 */
export async function release(names: readonly string[] = []): Promise<void> {
  const only = names.filter((name) => name !== "--unpacked");
  const unknown = only.find((name) => !PLATFORMS.some((platform) => platform.name === name));
  if (unknown) throw new Error(`no platform ${unknown}; there are ${PLATFORMS.map(({ name }) => name).join(", ")}`);
  const seconds = commitTime();
  process.env.TZ = "UTC"; // zip archives hold local times
  rmSync(OUT, { recursive: true, force: true });
  mkdirSync(OUT, { recursive: true });
  writeShare("dist/share");
  const sums: string[] = [];
  const add = (file: string) => {
    const bytes = readFileSync(join(OUT, file));
    sums.push(`${createHash("sha256").update(bytes).digest("hex")}  ${file}`);
    console.error(`${file}  ${(bytes.length / 1e6).toFixed(1)} MB`);
  };
  writeFileSync(join(OUT, "zester.cdx.json"), sbom(seconds));
  add("zester.cdx.json");
  writeFileSync(join(OUT, "THIRD-PARTY-LICENSES"), thirdPartyLicenses());
  add("THIRD-PARTY-LICENSES");
  const wanted = PLATFORMS.filter(({ name }) => only.length === 0 || only.includes(name));
  for (const platform of wanted) {
    const folder = `zester-${pkg.version}-${platform.name}`;
    mkdirSync(join(OUT, folder));
    const outfile = join(OUT, folder, platform.target.includes("windows") ? "zester.exe" : "zester");
    const { target, runtime } = platform;
    await compile(outfile, { target, runtime, executablePath: runtimeOf(platform) });
    utimesSync(outfile, seconds, seconds);
    for (const file of BESIDE) cpSync(file, join(OUT, folder, basename(file)), { recursive: true });
    if (only.length === names.length) add(await pack(folder, platform, seconds));
  }
  writeFileSync(join(OUT, "SHA256SUMS"), `${sums.join("\n")}\n`);
}

if (import.meta.main) await release(process.argv.slice(2));
