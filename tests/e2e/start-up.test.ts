// What each command loads before it answers. Starting takes as long as the modules that are loaded: a library, or a module of
// another command, that slips in costs milliseconds each time. A command that needs one more gets a higher budget here, with
// the reason in the commit.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createBuckets, encode, jobRecord, run, type Server, startServer, tempDir } from "../support/harness.ts";

const ROOT = resolve(import.meta.dir, "../..");
let server: Server;

beforeAll(async () => {
  server = await startServer();
  const nc = await server.connect();
  const { jobs } = await createBuckets(nc);
  await jobs.put("20260115-001", encode(jobRecord("20260115-001", { status: "running" })));
  await nc.close();
});
afterAll(() => server.stop());

/** Modules of ours, the packages, and the modules of Node that a run has loaded. */
async function loaded(argv: readonly string[]) {
  const file = join(tempDir(), "loaded");
  const preload = join(ROOT, "tests/support/loaded.ts");
  const { code, stderr } = await run([process.execPath, "--preload", preload, join(ROOT, "zester.ts"), ...argv], {
    env: { NATS_URL: server.url, LOADED: file, HOME: tempDir() },
    cwd: ROOT,
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const paths = readFileSync(file, "utf8").split("\n");
  const own = paths.filter((path) => path.startsWith(`${ROOT}/lib/`));
  const packages = paths.flatMap((path) => /.*\/node_modules\/([^/]+)/.exec(path)?.[1] ?? []);
  const node = own.flatMap((path) =>
    [...readFileSync(path, "utf8").matchAll(/^import .*"(node:\w+)";$/gm)].map(([, name]) => name as string),
  );
  const distinct = (names: string[]) => [...new Set(names)].sort();
  return {
    own: own.map((path) => path.slice(ROOT.length + 5)).sort(),
    packages: distinct(packages),
    node: distinct(node),
  };
}

const LIBRARY = ["citty", "nats", "nkeys.js", "tweetnacl"];
const SYSTEM = ["node:fs", "node:os", "node:path", "node:util"];

test.each<[argv: string[], budget: number, packages: string[], node: string[]]>([
  [["help", "time"], 20, ["citty"], ["node:fs", "node:util"]],
  [["config"], 36, ["citty"], SYSTEM],
  [["job", "list"], 89, LIBRARY, SYSTEM],
  [["job", "show", "20260115-001"], 84, LIBRARY, SYSTEM],
  [["job", "kill", "20260115-001"], 100, LIBRARY, SYSTEM],
  // From the sources, the answer of a server would come too late for a prompt.
  [["__complete", "="], 45, ["citty"], ["node:fs", "node:util"]],
])("%j loads few modules", async (argv, budget, packages, node) => {
  const found = await loaded(argv);
  expect({ packages: found.packages, node: found.node }).toEqual({ packages, node });
  if (found.own.length > budget) throw new Error(`${found.own.length} modules: ${found.own.join(", ")}`);
  // A budget that is far from what is needed would let the next module slip in.
  expect(found.own.length).toBeGreaterThan(budget - 10);
});
