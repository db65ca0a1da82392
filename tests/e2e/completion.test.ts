// Completion: what the executable answers, and what bash, zsh and fish make of it when a person presses Tab.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { NatsConnection } from "nats";
import {
  attempt,
  createBuckets,
  encode,
  jobRecord,
  type Server,
  startServer,
  Time,
  tempDir,
  ZESTER,
  zester,
} from "../support/harness.ts";
import { Shell } from "../support/shell.ts";

let server: Server;
let nc: NatsConnection;

const JOBS: [jid: string, minutes: number, fields: Record<string, unknown>][] = [
  ["20260115-001", 30, { function: "state.apply", target_expr: "web*" }],
  ["20260115-002", 20, { function: "pkg.installed", status: "running", targets: ["db-01", "db_eu_example"] }],
  ["20260115-003", 10, { function: "state.apply", status: "failed", user: "ops" }],
  // Names that a shell would run or take for a flag are never offered.
  ["2026$(reboot)", 5, { function: "a;reboot", status: "running" }],
  ["-rf", 4, { status: "running" }],
];

beforeAll(async () => {
  server = await startServer();
  nc = await server.connect();
  const { jobs } = await createBuckets(nc);
  for (const [jid, minutes, fields] of JOBS) {
    const created = new Time(BigInt(Date.now() - minutes * 60_000) * 1_000_000n);
    const record = encode(jobRecord(jid, { created, ...fields }));
    if (/^[\w-]+$/.test(jid)) await jobs.put(jid, record);
    else await nc.jetstream().publish(`$KV.jobs.${jid}`, record);
  }
});
afterAll(async () => {
  await nc.close();
  await server.stop();
});

/** The answer to a line; its last word is the one at the cursor. */
async function complete(words: string[], env: Record<string, string> = { NATS_URL: server.url }) {
  const argv = ["__complete", ...words.slice(0, -1), `=${words.at(-1)}`];
  const result = await zester(argv, { env });
  expect({ stderr: result.stderr, code: result.code }).toEqual({ stderr: "", code: 0 });
  return result.stdout.split("\n").slice(0, -1);
}
const words = async (...line: string[]) => (await complete(line)).map((text) => text.split("\t")[0]);

describe("what the executable answers", () => {
  const cases: [line: string, expected: string[]][] = [
    ["job sh", ["show"]],
    ["nope ", []],
    ["job list --st", ["--state"]],
    ["job list --no-h", ["--no-header"]],
    ["job list --state act", ["active"]],
    ["job list --state=fai", ["--state=failed"]],
    ["job list --state failed,run", ["failed,running"]],
    ["job list --state=failed,ti", ["--state=failed,timeout"]],
    ["job list --sort ", ["created", "updated", "duration", "jid", "state"]],
    ["job list --format ", ["text", "json", "jsonl", "yaml", "csv"]],
    ["job show --format ", ["text", "json", "yaml"]],
    ["job list --function ", ["pkg.installed", "state.apply", "test.ping"]],
    ["job list --user o", ["ops"]],
    ["job list --creds ", [":files"]],
    ["job list --creds=/e", [":files"]],
    ["completion z", ["zsh"]],
    ["job show ", ["20260115-003", "20260115-002", "20260115-001"]],
    ["job kill ", ["20260115-002"]],
    ["job kill -- ", ["20260115-002"]],
    ["job kill 20260115-001 x", []],
    ["--timeout 2s job kill 2", ["20260115-002"]],
    ["job show 20260115-002 --peel ", ["db-01", "db.eu.example"]],
    ["job show --peel=db. 20260115-002", ["20260115-002"]],
    ["job show 20260115-002 --peel=db.", ["--peel=db.eu.example"]],
    ["job show 20260115-002 --output --dif", ["--diff"]],
    ["job show 20260115-002 --output --diff=db.", ["--diff=db.eu.example"]],
    ["job show 20260115-002 --output --diff ", ["20260115-003", "20260115-002", "20260115-001"]],
    ["job show nosuch --peel ", []],
    ["job history db", ["db-01", "db.eu.example"]],
    ["job history db-01 --state mis", ["missing"]],
    ["job stats --by s", ["schedule"]],
    ["job stats --format op", ["openmetrics"]],
    ["job status --ch", ["--check"]],
    ["job show @", ["@last", "@last-bad", "@last~1"]],
    ["job kill @last-", ["@last-bad"]],
    ["__complete ", []],
  ];
  for (const [line, expected] of cases) {
    test(JSON.stringify(line), () => attempt(async () => expect(await words(...line.split(" "))).toEqual(expected)));
  }

  test("a job comes with its function, state, target and age", () =>
    attempt(async () =>
      expect(await complete(["job", "show", "20260115-001"])).toEqual([
        expect.stringMatching(/^20260115-001\tstate\.apply {2}complete {2}web\* {2}30m(\d+s)? ago$/),
      ]),
    ));

  test("a flag that was given is not offered again", async () => {
    expect(await words("job", "list", "--wide", "--wi")).toEqual([]);
    // One that may be repeated is.
    expect(await words("job", "list", "--user", "ops", "--us")).toEqual(["--user"]);
  });
});

describe("when the server is no help, nothing is offered, in time", () => {
  /** How long an answer to `job show <Tab>` may take in all: 300 ms, and the machine's own delays. */
  const LIMIT_MS = 450;
  const inTime = (ask: () => Promise<unknown>) =>
    attempt(async () => {
      const start = performance.now();
      await ask();
      expect(performance.now() - start).toBeLessThan(LIMIT_MS);
    });
  const timed = (env: Record<string, string>) =>
    inTime(async () => expect(await complete(["job", "show", ""], env)).toEqual([]));

  test("no server", () => timed({ NATS_URL: "nats://127.0.0.1:1" }));
  test("a broken config file", () => timed({ ZESTER_CONFIG: "/etc/hostname" }));
  test("a server without buckets", async () => {
    const empty = await startServer("", { jetstream: false });
    await timed({ NATS_URL: empty.url });
    await empty.stop();
  });
  test("a server that accepts and stays silent", async () => {
    const silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    await timed({ NATS_URL: `nats://127.0.0.1:${silent.port}` });
    silent.stop(true);
  });

  test("a scan that is stopped leaves no consumer on the server", async () => {
    const big = await startServer();
    const conn = await big.connect();
    await createBuckets(conn);
    const js = conn.jetstream();
    const record = encode(jobRecord("x", { args: { text: "x".repeat(2000) } }));
    for (let i = 0; i < 60_000; i += 1000)
      await Promise.all(Array.from({ length: 1000 }, (_, j) => js.publish(`$KV.jobs.j${i + j}`, record)));
    await inTime(() => complete(["job", "show", ""], { NATS_URL: big.url }));
    const jsm = await conn.jetstreamManager();
    let left = 1;
    for (let i = 0; i < 50 && left > 0; i++) {
      left = (await jsm.streams.info("KV_jobs")).state.consumer_count;
      await Bun.sleep(20);
    }
    expect(left).toBe(0);
    await conn.close();
    await big.stop();
  });
});

const PATH = `${dirname(ZESTER)}:${process.env.PATH}`;
/** What zsh found out about its other completions, for the next one that starts: that takes it a second. */
const DUMP = join(tempDir(), "zcompdump");

/** Starts a shell that has the completion, with a prompt of its own. */
async function start(shell: string, url = server.url): Promise<Shell> {
  const home = tempDir();
  // fish lists nothing on a dumb terminal; the others write fewer escape sequences there.
  const env = {
    PATH,
    HOME: home,
    TERM: shell === "fish" ? "xterm" : "dumb",
    NATS_URL: url,
    DUMP,
    LANG: "C.UTF-8",
    XDG_CONFIG_HOME: join(home, ".config"),
  };
  writeFileSync(join(home, ".bashrc"), "PS1='ready> '\nsource <(zester completion bash)\n");
  writeFileSync(
    join(home, ".zshrc"),
    "PS1='ready> '\nunsetopt zle_bracketed_paste\nautoload -U compinit && compinit -u -d $DUMP\nsource <(zester completion zsh)\n",
  );
  mkdirSync(join(home, ".config/fish/completions"), { recursive: true });
  writeFileSync(
    join(home, ".config/fish/config.fish"),
    "function fish_prompt; echo -n 'ready> '; end\nset -g fish_greeting\n",
  );
  writeFileSync(join(home, ".config/fish/completions/zester.fish"), (await zester(["completion", "fish"])).stdout);
  const argv = { bash: ["bash", "-i"], zsh: ["zsh", "-i"], fish: ["fish", "-i"] }[shell] as string[];
  const opened = new Shell(argv, env);
  await opened.until((screen) => screen.includes("ready> "));
  return opened;
}

/** What a shell shows when `typed` is pressed, and then its words as the shell has them, each in angle brackets. */
async function wordsAfter(shell: string, typed: string, url?: string): Promise<string> {
  const opened = await start(shell, url);
  try {
    // Home, `printf '<%s>' ` and Enter make the shell print the words as it has them.
    // All at once: a shell reads on when it has done what Tab asks, so that no time has to be guessed.
    opened.press(`${typed}\x01printf '<%s>' \r`);
    return await opened.until((screen) => screen.includes("<zester>"));
  } finally {
    await opened.close();
  }
}

for (const shell of ["bash", "zsh", "fish"]) {
  describe(`Tab in ${shell}`, () => {
    // What is typed, and the words that the shell then has on its line.
    const lines: [typed: string, becomes: string][] = [
      ["zester jo\tli\t", "zester job list "],
      ["zester job list --sta\tfai\t", "zester job list --state failed "],
      ["zester job list --state=fai\t", "zester job list --state=failed"],
      ["zester job list --state failed,run\t", "zester job list --state failed,running"],
      ["zester job list --state 'fai\t", "zester job list --state failed "],
      ['zester job list --function "state.\t', "zester job list --function state.apply "],
      ["zester job kill \t", "zester job kill 20260115-002"],
      ["zester job wait @last-\t", "zester job wait @last-bad"],
      ["zester job show 20260115-002 --peel db.\t", "zester job show 20260115-002 --peel db.eu.example"],
      ["zester --master NOURL job kill \t", "zester --master NOURL job kill "],
      ["zester --master=URL job kill \t", "zester --master=URL job kill 20260115-002"],
      ["zester job list --creds=/etc/hostn\t", "zester job list --creds=/etc/hostname"],
      ["zester job list --creds /etc/hostn\t", "zester job list --creds /etc/hostname"],
    ];
    for (const [typed, becomes] of lines) {
      const press = async () => {
        const fill = (text: string) => text.replace("NOURL", "nats://127.0.0.1:1").replace("URL", server.url);
        const expected = fill(becomes).trim().split(" ");
        expect(await wordsAfter(shell, fill(typed))).toContain(expected.map((word) => `<${word}>`).join(""));
      };
      test(typed.replaceAll("\t", "<Tab>"), () => attempt(press, 3));
    }

    const list = async () => {
      const opened = await start(shell);
      try {
        opened.press("zester job show 2026");
        // One Tab writes what all have in common; bash lists at the third, the others sooner. fish shortens the ids.
        for (let tabs = 0; tabs < 3; tabs++) {
          await Bun.sleep(700);
          if (opened.screen.includes("260115-001")) break;
          opened.press("\t");
        }
        const screen = await opened.until((text) => text.includes("260115-001") && text.includes("failed"));
        expect(screen).toMatch(/260115-003.*state\.apply +failed/);
        expect(screen).toMatch(/260115-002.*pkg\.installed +running/);
        expect(screen).not.toContain("reboot");
      } finally {
        await opened.close();
      }
    };
    // How often Tab has to be pressed depends on how long each one takes.
    test("Tab lists the jobs with function and state", () => attempt(list, 3));
  });
}

// bash replaces what stands behind a = or : alone, but for one that is quoted or escaped.
describe("Tab in bash keeps what was typed, in quotes and behind a backslash", () => {
  let odd: Server;
  beforeAll(async () => {
    odd = await startServer();
    const nc = await odd.connect();
    const { jobs } = await createBuckets(nc);
    const fields = [
      { user: "reactor:restart", function: "ns:fn.a", target_expr: "G@os:debian" },
      { user: "o'brien", function: "ns:fn.b", target_expr: "G@os:ubuntu and web*" },
      { user: "obelix", function: "x[1]", target_expr: "L@web-1,web-2" },
      { user: "DOM\\ops", function: "a$b", target_expr: "E@web-\\d+" },
      { user: "DOMops" },
    ];
    for (const [i, more] of fields.entries()) await jobs.put(`c${i}`, encode(jobRecord(`c${i}`, more)));
    await nc.close();
  });
  afterAll(() => odd.stop());

  test.each([
    ["--user reactor:", "reactor:restart"],
    ["--user reactor:re", "reactor:restart"],
    ["--user 'reactor:", "reactor:restart"],
    ["--user 'reactor:re", "reactor:restart"],
    ['--user "reactor:re', "reactor:restart"],
    ["--user reactor\\:re", "reactor:restart"],
    ["--user 'reactor':re", "reactor:restart"],
    ["--user='reactor:", "--user=reactor:restart"],
    ["--user=reactor:", "--user=reactor:restart"],
    ['--user="reactor:re', "--user=reactor:restart"],
    ["--user 'rea", "reactor:restart"],
    ["--target 'G@os:", "G@os:debian"],
    ["--target G@os:", "G@os:debian"],
    ["--target G@", "G@os:debian"],
    ["--target 'G@", "G@os:debian"],
    ["--target G\\@os\\:d", "G@os:debian"],
    ['--target="G@os:d', "--target=G@os:debian"],
    ["--target L@web-1,", "L@web-1,web-2"],
    ["--function ns\\:fn.", "ns:fn."],
    ["--function 'ns:fn.", "ns:fn.", "'"],
    ["--function ns:", "ns:fn."],
    ["--function 'pkg.*,ns:", "pkg.*,ns:fn.", "'"],
    // No value that needs quotes is offered, and what was typed is not taken for another value.
    ["--user o\\'b", "o'b"],
    ["--user \"o'b", "o'b", '"'],
    ["--user 'DOM\\o", "DOM\\o", "'"],
    ["--user DOM\\\\o", "DOM\\o"],
    ["--target 'G@os:ubuntu a", "G@os:ubuntu a", "'"],
    ["--function 'x[", "x[", "'"],
    ["--function 'a$", "a$", "'"],
  ] as [typed: string, word: string, close?: string][])("kill %s<Tab>", (typed, word, close = "") =>
    attempt(async () => {
      const screen = await wordsAfter("bash", `zester job kill ${typed}\t${close}`, odd.url);
      const flag = word.startsWith("--") ? [] : [typed.split(" ")[0]];
      expect(screen).toContain(["zester", "job", "kill", ...flag, word].map((one) => `<${one}>`).join(""));
    }, 3),
  );
});

test("an unknown shell", async () => {
  expect(await zester(["completion", "zssh"])).toEqual({
    stdout: "",
    stderr: 'error: unknown shell "zssh". Did you mean zsh?\nUse one of: bash, zsh, fish.\n',
    code: 1,
  });
});
