// `show --output` of a job with 400 peels, as it stands on terminals of 80 and of 200 columns and in a pipe.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createBuckets, encode, jobRecord, Running, type Server, startServer, zester } from "../support/harness.ts";

const id = (n: number) => `web-${String(n).padStart(3, "0")}`;
const OPENSSL = { name: "pkg.installed:openssl", changed: false, duration: 1n, details: { version: "3.0.14" } };
const LONG = `server_name ${Array.from({ length: 12 }, (_, i) => `www${i}.example.com`).join(" ")};`;
/** One of them is longer than a line of a terminal: it stands there whole, to be copied. */
const CONFIG_LINES = Array.from({ length: 24 }, (_, i) => (i === 3 ? LONG : `line ${i + 1}`));
const CONFIG = {
  name: "file.managed:/etc/nginx/nginx.conf",
  changed: false,
  duration: 1n,
  details: { stdout: `${CONFIG_LINES.join("\n")}\n` },
};
const UPGRADED = {
  ...OPENSSL,
  changed: true,
  details: { version: "3.0.15" },
  diff: "-openssl 3.0.14\n+openssl 3.0.15",
};

const ODD: Readonly<Record<string, object>> = {
  [id(42)]: { duration: 187_000_000_000n },
  [id(137)]: { success: false, error: "write /etc/nginx/nginx.conf: no space left on device", return_data: null },
  ...Object.fromEntries(
    [37, 74, 111, 148, 185, 222, 259, 296, 333, 370, 371].map((n) => [
      id(n),
      { return_data: { results: [UPGRADED, CONFIG] }, duration: BigInt(n) * 10_000_000n },
    ]),
  ),
  [id(300)]: { success: false, unreachable: true, error: "UNREACHABLE: no heartbeat", return_data: null, duration: 0n },
};

let server: Server;

beforeAll(async () => {
  server = await startServer();
  const nc = await server.connect();
  const { jobs } = await createBuckets(nc);
  const targets = Array.from({ length: 400 }, (_, i) => id(i + 1));
  await jobs.put("2hPx1", encode(jobRecord("2hPx1", { targets, status: "failed" })));
  const usual = { jid: "2hPx1", success: true, return_data: { results: [OPENSSL, CONFIG] }, duration: 1_500_000_000n };
  for (const peel of targets)
    nc.publish(`$KV.job-returns.2hPx1.${peel}`, encode({ ...usual, peel_id: peel, ...ODD[peel] }));
  await nc.flush();
  await nc.close();
});
afterAll(() => server.stop());

/** What stands there on a terminal of so many columns; in a pipe for none. */
async function screen(columns: number | undefined, ...flags: string[]): Promise<string> {
  const argv = ["job", "show", "2hPx1", "--output", ...flags];
  const env = { NATS_URL: server.url };
  if (columns === undefined) return (await zester(argv, { env })).stdout;
  const run = new Running([...argv, "--no-color"], env, { cols: columns, rows: 40 });
  await run.ended();
  return run.out.replaceAll("\r", "");
}

const NAMES = {
  whole:
    "web-[001-036,038-073,075-110,112-136,138-147,149-184,186-221,223-258,260-295,297-299,301-332,334-369,372-400]",
  /** Beside what else its head line says, and on a line of its own, in 80 columns. */
  cut: {
    head: "web-[001-036,038-073,075-110,…,400]",
    alone: "web-[001-036,038-073,075-110,112-136,138-147,149-184,186-221,223-258,…,400]",
  },
  upgraded: "web-[037,074,111,148,185,222,259,296,333,370-371]",
  upgradedCut: "web-[037,074,111,148,185,…,371]",
};
const BAD = `web-137  failed  1.5s
  error: write /etc/nginx/nginx.conf: no space left on device

web-300  unreachable
  error: no ack
`;
const OK = "  387 peels  ok  median 1.5s  2 results\n";
const UPGRADE = "  11 peels  ok  median 2.2s  2 results: 1 changed\n";
const CHANGE = `  pkg.installed:openssl  changed
    version: 3.0.15
    diff:
      -openssl 3.0.14
      +openssl 3.0.15
`;
const SAME = "  pkg.installed:openssl  unchanged\n    version: 3.0.14\n";
/** The first lines of the result that is the same everywhere. */
const config = (lines: number) =>
  ["  file.managed:/etc/nginx/nginx.conf  unchanged", "    stdout:", ...CONFIG_LINES.map((line) => `      ${line}`)]
    .slice(0, lines)
    .map((line) => `${line}\n`)
    .join("");
const more = (lines: number) => `  … and ${lines} more lines; --all shows them\n`;

test.each<[title: string, columns: number | undefined, usual: string, upgraded: string, flags: string[]]>([
  ["80 columns", 80, NAMES.cut.head, NAMES.upgradedCut, []],
  ["200 columns", 200, NAMES.whole, NAMES.upgraded, []],
  ["80 columns, --all", 80, NAMES.cut.head, NAMES.upgradedCut, ["--all"]],
  ["a pipe", undefined, NAMES.whole, NAMES.upgraded, []],
])("groups: %s", async (_, columns, usual, upgraded, flags) => {
  const cut = columns !== undefined && flags.length === 0;
  const [first, second] = cut ? [config(15) + more(11), config(20) + more(8)] : [config(26), config(26) + SAME];
  expect(await screen(columns, ...flags)).toBe(
    `${BAD}\n${upgraded}${UPGRADE}${CHANGE}${first}\n${usual}${OK}${second}`,
  );
});

const HUNK = `@@ -24,5 +24,8 @@
       line 22
       line 23
       line 24
-  pkg.installed:openssl  unchanged
-    version: 3.0.14
+  pkg.installed:openssl  changed
+    version: 3.0.15
+    diff:
+      -openssl 3.0.14
+      +openssl 3.0.15
`;

test.each<[title: string, columns: number | undefined, names: [head: string, base: string, head: string, of: string]]>([
  ["80 columns", 80, [NAMES.cut.head, NAMES.cut.alone, NAMES.upgradedCut, NAMES.upgraded]],
  ["200 columns", 200, [NAMES.whole, NAMES.whole, NAMES.upgraded, NAMES.upgraded]],
  ["a pipe", undefined, [NAMES.whole, NAMES.whole, NAMES.upgraded, NAMES.upgraded]],
])("--diff: %s", async (_, columns, [usual, base, head, upgraded]) => {
  const last = columns === undefined ? config(26) + SAME : config(20) + more(8);
  expect(await screen(columns, "--diff")).toBe(
    `${BAD}\n${head}${UPGRADE}--- ${base}\n+++ ${upgraded}\n${HUNK}\n${usual}${OK}${last}`,
  );
});

test.each([
  [80, NAMES.upgraded],
  [200, NAMES.upgraded],
  [undefined, NAMES.upgraded],
] as const)("--changes: %p columns", async (columns, upgraded) => {
  const head = `${upgraded}${UPGRADE.replace("  2 results: 1 changed", "")}`;
  expect(await screen(columns, "--changes")).toBe(`${BAD}\n${head}${CHANGE}\n387 peels: nothing changed\n`);
});
