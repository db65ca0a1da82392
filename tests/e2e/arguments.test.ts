// What the executable says to arguments, without a server: nothing here may touch the network (the address is one that refuses).
import { expect, test } from "bun:test";
import { freePort, zester } from "../support/harness.ts";

const NOWHERE = `nats://127.0.0.1:${await freePort()}`;
const run = (args: readonly string[]) => zester(args, { env: { NATS_URL: NOWHERE } });

test.each([
  [["joob"], 'unknown command "joob" for zester. Did you mean job?'],
  [["toString"], 'unknown command "toString" for zester.'],
  [["job", "__proto__"], 'unknown command "__proto__" for zester job.'],
  [["job", "kil", "x"], "Did you mean kill?"],
  [["job", "cancel", "x"], "Did you mean kill?"],
  [["job", "logs", "x"], "Did you mean zester job show --output?"],
  [["list"], 'unknown command "list" for zester. Did you mean zester job list?'],
  [["ps"], "Did you mean zester job active?"],
  [["help", "conection"], 'unknown help topic "conection". Did you mean zester help connection?'],
  [["help", "selektion"], 'unknown help topic "selektion". Did you mean zester help selection?'],
  [["help", "nonsense"], 'unknown topic or command "nonsense".'],
  [["job", "list", "--stat"], "unknown flag --stat for zester job list."],
  [["job", "list", "--masterr=x"], "Did you mean --master?"],
  [["job", "show", "--server", "nats://x", "ID"], "unknown flag --server"],
  [["job", "list", "--no-format"], "unknown flag --no-format"],
  [["job", "show", "x", "--log-failed"], "Did you mean zester job show <jid> --output --bad?"],
  [["job", "watch", "x", "--exit-status"], "Did you mean zester job wait?"],
  [["job", "grep", "x", "-i"], "Did you mean -e '(?i)<text>'?"],
  [["job", "grep", "x", "-v"], "unknown flag -v for zester job grep.\n"],
  [["help", "stuck"], 'unknown help topic "stuck". Did you mean zester help terms?'],
  [["job", "list", "--color"], "unknown flag --color for zester job list. Did you mean --no-color?"],
  [["job", "list", "-x"], "unknown flag -x"],
  [["job", "list", "x"], 'unexpected argument "x" for zester job list.'],
  [["job", "show", "A", "--fail-if-empty"], "--fail-if-empty needs a flag that selects peels."],
  [["job", "trace", "A", "B"], 'unexpected argument "B"'],
  [["job", "kill", "A", "--state", "running"], "<jid> and --state cannot be used together."],
  [["job", "kill", "--state", "running", "--force"], "--force needs a <jid>."],
  [["job", "kill", "A", "B C"], 'invalid job ID "B C"'],
  [["job", "wait"], "missing argument <jid> for zester job wait."],
  [["job", "wait", "A", "--state", "failed"], "<jid> and --state cannot be used together."],
  [["job", "watch", "A", "--owner", "m"], "<jid> and --owner cannot be used together."],
  [["job", "wait", "A", "--timeout", "soon"], 'invalid duration "soon" for --timeout.'],
  [["job", "watch", "A", "--state", "failed"], "<jid> and --state cannot be used together."],
  [["job", "watch", "--format", "yaml"], 'unknown format "yaml" for --format.'],
  [["job", "show"], "missing argument <jid> for zester job show."],
  [["job", "kill", "--force"], "missing argument <jid> for zester job kill."],
  [["job", "kill", "--force=yes", "x"], "--force takes no value."],
  [["job", "list", "--creds"], "--creds needs a value: --creds <file>."],
  [["job", "list", "--creds", "--timeout", "5s"], "--creds needs a value"],
  [["job", "list", "--creds="], "--creds needs a value"],
  [["job", "list", "--timeout", "5"], 'invalid duration "5" for --timeout.'],
  [["job", "list", "--timeout=-1s"], "invalid duration"],
  [["job", "list", "--format", "jsno"], 'unknown format "jsno" for --format. Did you mean json?'],
  [["job", "list", "--master", "http://x"], "its scheme is not supported"],
  [["job", "list", "--master", "nats://u:hunter2@[::1"], "invalid server URL from flag --master"],
  [["job", "show", "x", "--format", "jsonl"], "Did you mean json?"],
  [
    ["job", "show", "x", "--summary", "--format", "yaml"],
    "Use --summary with --format text, or `zester job trace x --format json`.",
  ],
  [["job", "list", "--wide", "--format", "jsonl"], "--wide and --format jsonl cannot be used together."],
  [["completion", "bash", "--format", "json"], 'unknown format "json" for --format.'],
  [["job", "list", "--state", "faild"], 'unknown state "faild" for --state. Did you mean failed?'],
  [["job", "list", "--state", "failed,"], 'unknown state "" for --state.'],
  [["job", "list", "--since", "2026-02-30"], 'invalid time "2026-02-30" for --since.'],
  [["job", "list", "--until", "tomorow"], 'invalid time "tomorow" for --until.'],
  [
    ["job", "list", "--since", "1h", "--until", "2h"],
    '--since "1h" is later than --until "2h".\nUse an earlier --since',
  ],
  [["job", "kill", "--since", "today", "--until", "yesterday"], '--since "today" is later than --until "yesterday".'],
  [["job", "grep", "x", "--since", "2026-11-02", "--until", "2026-11-01"], "is later than --until"],
  [["job", "history", "web-01", "--since", "2026-11-02", "--until", "2026-11-01"], "is later than --until"],
  [["job", "list", "-n", "0"], 'invalid number "0" for --limit.'],
  [["job", "list", "-n", "-5"], 'invalid number "-5" for --limit.'],
  [["job", "list", "--limit=1e3"], "invalid number"],
  [["job", "list", "--sort", "age"], 'unknown order "age" for --sort.'],
  [["job", "list", "--target", "[z-a]"], 'invalid pattern "[z-a]".'],
  [["job", "list", "-q", "--count"], "--quiet and --count cannot be used together."],
  [["job", "show", ""], 'invalid job ID "": it is empty.'],
  [["job", "show", "a b"], 'invalid job ID "a b"'],
  [["job", "kill", "a.b"], 'invalid job ID "a.b"'],
  [["job", "kill", "*"], 'invalid job ID "*"'],
  [["job", "kill", ">"], 'invalid job ID ">"'],
  [["job", "kill", "a\nb"], 'invalid job ID "a\\nb"'],
  [["job", "kill", "a\x1b[2J"], 'invalid job ID "a\\x1b[2J"'],
  [["job", "kill", "x".repeat(100_000)], ": it is longer than 255 bytes"],
  [["job", "show", "x"], "connection refused"],
  [["--master", NOWHERE, "job", "show", "x"], "connection refused"],
  [["job", "show", "--", "-x"], "connection refused"],
] as [string[], string][])("%j: error", async (args, message) => {
  const { stdout, stderr, code } = await run(args);
  expect(stderr).toStartWith("error: ");
  expect(stderr).toContain(message);
  expect(stderr).not.toContain("hunter2");
  expect(stderr.trimEnd().split("\n").length).toBeLessThanOrEqual(2);
  expect([stdout, code]).toEqual(["", 1]);
});

test.each([
  [[], "zester <command> [flags]"],
  [["job"], "zester job <command> [flags]"],
  [["help"], "zester <command> [flags]"],
  [["help", "job", "show"], "zester job show <jid>… [flags]"],
  [["job", "show", "--help"], "zester job show <jid>… [flags]"],
  [["--help", "job", "list"], "zester job list [flags]"],
  [["job", "-h", "kill"], "zester job kill [<jid>…] [flags]"],
  [["job", "active", "--help"], "zester job active [flags]"],
  [["job", "help", "wait"], "zester job wait [<jid>…] [flags]"],
] as [string[], string][])("%j: help", async (args, usage) => {
  const { stdout, stderr, code } = await run(args);
  expect(stdout.split("\n")).toContain(`Usage: ${usage}`);
  expect(stdout).toContain("help connection");
  expect([stderr, code]).toEqual(["", 0]);
});

test("help on topics has the flags of every command", async () => {
  const topics = await Promise.all(["connection", "output"].map((topic) => run(["help", topic])));
  expect(topics.map(({ stderr, code }) => [stderr, code])).toEqual(topics.map(() => ["", 0]));
  const flags = topics.flatMap(({ stdout }) => stdout.match(/(?<=^ {2}(-\w, )?--)[\w-]+/gm) ?? []);
  for (const flag of [
    "config",
    "master",
    "creds",
    "nkey",
    "nats-ca",
    "tls-cert",
    "timeout",
    "format",
    "no-color",
    "help",
  ])
    expect(flags).toContain(flag);
});

test.each([[["--version"]], [["version"]], [["job", "list", "--version"]]])("%j", async (args) => {
  const { stdout, code } = await run(args);
  expect(stdout).toMatch(/^zester \d+\.\d+\.\d+ \(commit \S+, Bun \d+\.\d+\.\d+, \w+ \w+\)\n$/);
  expect(code).toBe(0);
});
