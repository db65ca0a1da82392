// The Bun inside the executable is the one whose hash is pinned, whatever lies in node_modules.
import { beforeAll, expect, test } from "bun:test";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { sha512 } from "../../.ci/runtime.mjs";
import runtimes from "../../.ci/runtimes.json" with { type: "json" };
import { compile } from "../../build.ts";
import pkg from "../../package.json" with { type: "json" };
import lock from "../../package-lock.json" with { type: "json" };
import { run, tempDir } from "../support/harness.ts";
import { PATH } from "../support/roots.ts";

const ROOT = resolve(import.meta.dir, "../..");
type Name = keyof typeof runtimes.sha512;
const names = Object.keys(runtimes.sha512) as Name[];
const own = sha512(process.execPath);
const here = names.find((name) => runtimes.sha512[name].executable === own) as Name;
const elsewhere = names.find((name) => runtimes.sha512[name].executable !== own) as Name;

/** A Bun that works and has one byte too many. */
const tampered = join(tempDir(), "bun");
beforeAll(() => {
  copyFileSync(process.execPath, tampered);
  appendFileSync(tampered, "x");
});

test("the hashes are those of package-lock.json, where it has them, and of its version of Bun", () => {
  expect([runtimes.version, runtimes.version]).toEqual([pkg.devDependencies.bun, Bun.version]);
  expect(here).toBeDefined();
  const packages = lock.packages as Record<string, { version?: string; integrity?: string }>;
  const known = names.filter((name) => packages[`node_modules/@oven/bun-${name}`]);
  expect(known.length).toBeGreaterThan(4);
  for (const name of known) {
    const entry = packages[`node_modules/@oven/bun-${name}`];
    expect([name, entry?.version, entry?.integrity]).toEqual([
      name,
      runtimes.version,
      `sha512-${runtimes.sha512[name].package}`,
    ]);
  }
});

test("no install script runs, and no command relies on npm's pre and post scripts, which don't run either", () => {
  expect(readFileSync(join(ROOT, ".npmrc"), "utf8")).toMatch(/^ignore-scripts=true$/m);
  for (const [name, script] of Object.entries(pkg.scripts)) {
    expect(name).not.toMatch(/^(pre|post)/);
    if (/^(build|test|demo|bench)$/.test(name)) expect(script).toMatch(/^sh \.ci\/setup( \w+)? && /);
  }
  expect(readFileSync(join(ROOT, ".ci/setup"), "utf8")).toMatch(/^node \.ci\/runtime\.mjs$/m);
});

test("a build for another platform embeds no Bun but the pinned one of that platform", async () => {
  const target = "bun-linux-x64";
  const outfile = join(tempDir(), "zester");
  for (const [executablePath, runtime] of [
    [tampered, here],
    [process.execPath, elsewhere],
    [process.execPath, "constructor"],
    [join(ROOT, "build.ts"), here],
  ] as const)
    await expect(compile(outfile, { target, runtime, executablePath })).rejects.toThrow("that .ci/runtimes.json pins");
  expect(existsSync(outfile)).toBe(false);
});

test.skipIf(process.platform !== "linux")("a build for this machine embeds no Bun but the pinned one", async () => {
  const outfile = join(tempDir(), "zester");
  const script = `const { compile } = await import(${JSON.stringify(join(ROOT, "build.ts"))});
process.chdir(${JSON.stringify(ROOT)});
await compile(${JSON.stringify(outfile)});`;
  const { stderr, code } = await run([tampered, "-e", script], { env: PATH });
  expect(stderr).toContain(`${tampered} is not the Bun ${runtimes.version} that .ci/runtimes.json pins`);
  expect([code, existsSync(outfile)]).toEqual([1, false]);
});

/** A folder node_modules as npm leaves it without install scripts. */
function modules({ packaged, placed }: { packaged?: string; placed?: string }): string {
  const dir = tempDir();
  mkdirSync(join(dir, "bun/bin"), { recursive: true });
  for (const file of ["bun.exe", "bunx.exe"])
    if (placed) linkSync(placed, join(dir, "bun/bin", file));
    else writeFileSync(join(dir, "bun/bin", file), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  if (packaged) {
    mkdirSync(join(dir, `@oven/bun-${here}/bin`), { recursive: true });
    linkSync(packaged, join(dir, `@oven/bun-${here}/bin/bun`));
  }
  return dir;
}
const setup = (dir: string) => run(["node", join(ROOT, ".ci/runtime.mjs"), dir], { env: PATH });

// Copied to where it can be linked from.
const right = join(tempDir(), "bun");
beforeAll(() => copyFileSync(process.execPath, right));

test.skipIf(process.platform === "win32")("setup puts the pinned Bun in its place, and nothing else", async () => {
  for (const what of [{ packaged: right }, { packaged: right, placed: tampered }, { placed: right }]) {
    const dir = modules(what);
    expect(await setup(dir)).toEqual({ stdout: "", stderr: "", code: 0 });
    for (const file of ["bun.exe", "bunx.exe"])
      expect(statSync(join(dir, "bun/bin", file)).size).toBe(statSync(right).size);
    expect((await run([join(dir, "bun/bin/bun.exe"), "--version"])).stdout).toBe(`${Bun.version}\n`);
  }
  // The package is missing (npm ci --omit=optional), or something else was put there.
  for (const what of [{}, { placed: tampered }, { packaged: tampered }]) {
    const dir = modules(what);
    const before = statSync(join(dir, "bun/bin/bun.exe")).size;
    const { stdout, stderr, code } = await setup(dir);
    expect([stdout, code]).toEqual(["", 1]);
    expect(stderr).toMatch(/^setup: \S+ is not the Bun .* that \.ci\/runtimes\.json pins: .*\nRun `npm ci`.*\n$/);
    expect(statSync(join(dir, "bun/bin/bun.exe")).size).toBe(before);
  }
});
