// Lists of ids alone: on a terminal all of them, escaped; in a pipe those that a script can use, and a count of the rest.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { NatsConnection } from "nats";
import { isPlainJid, isPlainPeel } from "../../lib/model/jid.ts";
import {
  emptyBuckets,
  encode,
  jobRecord,
  Running,
  type Server,
  startServer,
  tempDir,
  ZESTER,
  zester,
} from "../support/harness.ts";

const ESCAPES = [
  "\x1b[2J",
  "\x1b]52;c;aGk=\x07",
  "\x00",
  "\x9b31m",
  "\u202e",
  "\u200b",
  "\u00ad",
  "\u3000",
  "\u202f",
  "\ue000",
  "\ufffd",
];
const SPECIAL = [
  "'",
  '"',
  "\\",
  "$(touch$IFS$9x)",
  "`id`",
  ";id",
  "|id",
  "&",
  "?",
  "[a-z]",
  "{a,b}",
  "!",
  ">",
  "*",
  "<",
];
const HOSTILE = [
  ...ESCAPES.map((text, i) => `e${i}${text}`),
  ...SPECIAL.flatMap((text, i) => [`s${i}${text}`, text]),
  ...["-x", "--yes", "--force", "-", "a*", "~", "#1"],
];
const PLAIN = [
  "20260115-001",
  "2hPx1FNsSgJMqVn5bLSTXeBQMpO",
  `rxn-${"0f".repeat(16)}`,
  "job_7",
  "äöü-漢字",
  "a:b@c,d%e+f/g=h",
];

let server: Server;
let nc: NatsConnection;
const env = () => ({ NATS_URL: server.url });

beforeAll(async () => {
  server = await startServer();
  nc = await server.connect();
});
afterAll(async () => {
  await nc.close();
  await server.stop();
});

/** An empty bucket with a running job under each of the keys that the server takes. */
async function putJobs(keys: readonly string[]): Promise<string[]> {
  await emptyBuckets(nc);
  for (const key of keys) nc.publish(`$KV.jobs.${key}`, encode(jobRecord(key, { status: "running" })));
  await nc.flush();
  const { stdout } = await zester(["job", "list", "--format", "json"], { env: env() });
  return (JSON.parse(stdout) as { jid: string }[]).map(({ jid }) => jid);
}

const lines = (text: string) => text.split("\n").slice(0, -1);
const RAW = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u200b\u202e]/;

test("piped: plain ids as they are; the rest is counted", async () => {
  const all = await putJobs([...PLAIN, ...HOSTILE]);
  expect(all.length).toBeGreaterThan(PLAIN.length + 30);
  for (const view of ["list", "active"]) {
    const { stdout, stderr, code } = await zester(["job", view, "-q"], { env: env() });
    expect(lines(stdout).sort()).toEqual([...PLAIN].sort());
    expect(stderr).toBe(
      `warning: ${all.length - PLAIN.length} job IDs left out: a shell or a terminal could take them for something else. \`--format json\` has all.\n`,
    );
    expect(code).toBe(0);
  }
});

test("on a terminal: every id, nothing raw", async () => {
  const all = await putJobs([...PLAIN, ...HOSTILE]);
  for (const view of ["list", "active"]) {
    const screen = new Running(["job", view, "-q"], env(), { cols: 100, rows: 100 });
    expect(await screen.ended()).toBe(0);
    const shown = lines(screen.out.replaceAll("\r\n", "\n"));
    expect(shown).toHaveLength(all.length);
    expect(screen.out.replaceAll("\r\n", "\n")).not.toMatch(RAW);
    for (const text of ["e0\\x1b[2J", "e4\\u202e", ...PLAIN]) expect(shown).toContain(text);
  }
});

test("nothing is left out of ordinary lists, and nothing is said", async () => {
  await putJobs(PLAIN);
  expect(await zester(["job", "list", "-q"], { env: env() })).toEqual({
    stdout: [...PLAIN]
      .sort()
      .map((jid) => `${jid}\n`)
      .join(""),
    stderr: "",
    code: 0,
  });
  await putJobs([]);
  expect(await zester(["job", "list", "-q"], { env: env() })).toEqual({ stdout: "", stderr: "", code: 0 });
});

const word = fc
  .array(
    fc.oneof(
      fc.constantFrom("a", "B", "7", "-", "_"),
      fc.constantFrom(...ESCAPES, ...SPECIAL),
      fc.string({ unit: "binary", maxLength: 3 }),
    ),
    {
      minLength: 1,
      maxLength: 6,
    },
  )
  .map((parts) => parts.join(""));

/** What `script` makes of the ids, one a line, in a folder where patterns match files. */
async function through(script: string, ids: readonly string[]): Promise<string[]> {
  const cwd = tempDir();
  for (const name of ["a", "B", "7", "aa", "-n"]) writeFileSync(join(cwd, name), "");
  const child = Bun.spawn(["bash", "-c", script], {
    cwd,
    env: { PATH: process.env.PATH },
    stdin: Buffer.from(ids.map((id) => `${id}\n`).join("")),
    stdout: "pipe",
    stderr: "pipe",
  });
  return lines(await new Response(child.stdout).text());
}

test("plain ids stay what they are in xargs, in a shell's word list, and in a command line made of them", async () => {
  const ids = [...new Set(fc.sample(word, 20_000).filter(isPlainJid)), ...PLAIN];
  expect(ids.length).toBeGreaterThan(200);
  for (const script of [
    "xargs -n1 printf '%s\\n'",
    "for id in $(cat); do printf '%s\\n' $id; done",
    "while read id; do eval \"printf '%s\\n' $id\"; done",
    "xargs -I{} sh -c \"printf '%s\\n' {}\"",
  ])
    expect(await through(script, script.includes("-I") ? ids.slice(-60) : ids)).toEqual(
      ids.slice(script.includes("-I") ? -60 : 0),
    );
});

test("random keys: what is printed are their own ids, and those that kill takes", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(
        word.filter((text) => text.isWellFormed() && !/[\s.]/.test(text)),
        { maxLength: 40 },
      ),
      async (keys) => {
        const all = await putJobs([...keys, "good-1"]);
        const { stdout } = await zester(["job", "list", "-q"], { env: env() });
        const printed = lines(stdout);
        for (const id of printed) expect(all).toContain(id);
        expect(printed).toEqual(expect.arrayContaining(all.filter((id) => /^[A-Za-z0-9_][A-Za-z0-9_-]*$/.test(id))));
        expect(stdout).not.toMatch(RAW);
        const child = Bun.spawnSync(["xargs", ZESTER, "job", "kill", "--dry-run", "--format", "json"], {
          env: { ...env(), PATH: process.env.PATH },
          stdin: Buffer.from(stdout),
        });
        const named = JSON.parse(child.stdout.toString()) as { jid: string }[];
        expect(named.map(({ jid }) => jid).sort()).toEqual(printed.sort());
      },
    ),
    { numRuns: 10 },
  );
});

test("show -q: peels in the same way", async () => {
  await putJobs([]);
  const good = ["web-01", "db_eu_example", "_x"];
  const bad = ["a\x1b[2J", "b\u202e", "w*", "--all", "G@os:ubuntu", "a,b", "x'", "two words", ""];
  nc.publish("$KV.jobs.j1", encode(jobRecord("j1", { targets: [...good, ...bad] })));
  await nc.flush();
  const { stdout, stderr, code } = await zester(["job", "show", "j1", "-q"], { env: env() });
  expect(lines(stdout)).toEqual(["_x", "db.eu.example", "web-01"]);
  expect([stderr, code]).toEqual([
    `warning: ${bad.length} peel IDs left out: a shell or a terminal could take them for something else. \`--format json\` has all.\n`,
    0,
  ]);
  const screen = new Running(["job", "show", "j1", "-q"], env(), { cols: 100, rows: 50 });
  await screen.ended();
  const text = screen.out.replaceAll("\r\n", "\n");
  expect(lines(text)).toHaveLength(good.length + bad.length);
  expect(text).not.toMatch(RAW);
  expect(text).toContain("a\\x1b[2J\n");
});

test.each(["web-01", "db.eu.example", "_x", "server:8080", "ä1"])("%p is a plain peel id", (id) =>
  expect(isPlainPeel(id)).toBe(true),
);
