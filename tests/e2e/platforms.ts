// The executables of a release for other machines than this one, run as far as this one can. Not part of `npm test`:
// `.ci/run` builds them first, with `npm run release -- --unpacked`.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import pkg from "../../package.json" with { type: "json" };
import {
  createBuckets,
  encode,
  jobRecord,
  run,
  type Server,
  startServer,
  tempDir,
  zester,
} from "../support/harness.ts";
import { inRoot, makeRoot, PATH } from "../support/roots.ts";

const executable = (platform: string) =>
  resolve(import.meta.dir, `../../dist/release/zester-${pkg.version}-${platform}/zester`);

let server: Server;
let list: string;
beforeAll(async () => {
  server = await startServer();
  const nc = await server.connect();
  const { jobs } = await createBuckets(nc);
  await jobs.put("job-1", encode(jobRecord("job-1")));
  await nc.close();
  list = (await zester(["job", "list", "--master", server.url])).stdout;
  expect(list).toContain("job-1");
});
afterAll(() => server.kill());

test("beside the executable: documents, licences and the SBOM", () => {
  expect(readdirSync(dirname(executable("linux-x64"))).sort()).toEqual([
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "THIRD-PARTY-LICENSES",
    "docs",
    "share",
    "zester",
    "zester.cdx.json",
  ]);
});

const listed = () => ["job", "list", "--master", server.url, "--timeout", "60s"];

/** musl's loader, and the one library that the musl build needs beside it. */
async function muslFiles(): Promise<Record<string, string>> {
  const dir = tempDir();
  const library = join(dir, "libstdc++.so.6");
  const gcc = async (name: string) => (await run(["g++", `-print-file-name=${name}`], { env: PATH })).stdout.trim();
  const built = await run(
    [
      ...["musl-gcc", "-shared", "-fPIC", "-o", library, "-Wl,-soname,libstdc++.so.6"],
      join(import.meta.dir, "musl-compat.c"),
      ...["-Wl,--whole-archive", await gcc("libstdc++.a"), await gcc("libgcc_eh.a"), "-Wl,--no-whole-archive"],
      await gcc("libgcc.a"),
    ],
    { env: PATH },
  );
  expect(built).toMatchObject({ stderr: "", code: 0 });
  const loader = "/lib/ld-musl-x86_64.so.1";
  return { [loader]: loader, "/lib/libc.musl-x86_64.so.1": loader, "/lib/libstdc++.so.6": library };
}

test.each(["linux-x64-musl", "linux-x64-musl-baseline"])(
  "%s: musl and libstdc++ alone, even without /proc",
  async (name) => {
    const root = makeRoot(executable(name), await muslFiles());
    for (const proc of [true, false])
      expect(await inRoot(root, listed(), proc)).toMatchObject({ stdout: list, stderr: "", code: 0 });
  },
);

test.each(["linux-x64-baseline", "linux-x64"])(
  "%s: a processor of 2008, without AVX",
  async (name) => {
    const found = await run(["qemu-x86_64", "-cpu", "Nehalem", executable(name), ...listed()], { env: PATH });
    expect(found).toMatchObject({ stdout: list, code: 0 });
  },
  120_000,
);

test("linux-arm64: emulated", async () => {
  const argv = ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", executable("linux-arm64"), ...listed()];
  expect(await run(argv, { env: PATH })).toMatchObject({ stdout: list, code: 0 });
}, 120_000);

test.each(["linux-x64", "linux-arm64"])("%s starts with glibc 2.17 (CentOS 7, Debian 8) and newer", async (name) => {
  const { stdout } = await run(["readelf", "--version-info", "--wide", executable(name)], { env: PATH });
  const versions = [...new Set([...stdout.matchAll(/GLIBC_2\.(\d+)/g)].map((match) => Number(match[1])))];
  expect(versions.length).toBeGreaterThan(0);
  expect(Math.max(...versions)).toBe(17);
});

test("all that was asked for was built", () => {
  for (const name of ["linux-x64", "linux-x64-baseline", "linux-x64-musl", "linux-x64-musl-baseline", "linux-arm64"])
    expect(existsSync(executable(name))).toBe(true);
});
