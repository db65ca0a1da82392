// The vocabulary of errors: the same fault has the same words in every command. Each row is what the executable writes; each place in
// lib/ that makes an error is in a row, or in the list of those that need more than a command line.
import { beforeAll, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createBuckets, encode, freePort, jobRecord, startServer, tempDir, zester } from "../support/harness.ts";

const dir = tempDir();
const file = (name: string, text: string) => {
  mkdirSync(dirname(join(dir, name)), { recursive: true });
  writeFileSync(join(dir, name), text, { mode: 0o600 });
};
file("config.yaml", "master:\n  urls: []\n");
file("empty.yaml", "auth_dir: /nowhere\nmaster: {}\n");
file("odd.yaml", "master:\n  url: nats://h\n");
file("x", "hello\n");
file("new.jsonl", '{"zester_export":9}\n');
file(".config/nats/context/jwt.json", '{"user_jwt":"x"}');
file(".config/nats/context/seed.json", '{"user_jwt":"eyJh.e30.x","user_seed":"x"}');
file("seed", `SU${"A".repeat(56)}\n`);

let url = "";
let closed = "";
beforeAll(async () => {
  closed = `nats://127.0.0.1:${await freePort()}`;
  const server = await startServer();
  url = server.url;
  const nc = await server.connect();
  const { jobs, returns } = await createBuckets(nc);
  const put = (jid: string, fields: object) => jobs.put(jid, encode(jobRecord(jid, { targets: ["a"], ...fields })));
  await put("run-1", { status: "running" });
  await put("run-2", { status: "running" });
  await put("done", { status: "complete" });
  await put("odd", { status: "Complete" });
  await put("bad", { status: "failed" });
  await put("prefix-1", { status: "running" });
  await jobs.put("broken", Uint8Array.of(0xc1));
  await returns.put("done.a", encode({ jid: "done", peel_id: "a", success: true, return_data: { results: [] } }));
  await nc.close();
});

/**
 * argv, as words in the folder of the files, and the lines on stderr from `error: ` on. `<url>` has jobs, `<closed>` is a port without
 * a server.
 */
const ROWS: readonly (readonly [argv: string, ...lines: string[]])[] = [
  ["job nosuch", 'error: unknown command "nosuch" for zester job.', "`zester job --help` lists the commands."],
  [
    "job lsit",
    'error: unknown command "lsit" for zester job. Did you mean list?',
    "`zester job --help` lists the commands.",
  ],
  ["help foo", 'error: unknown topic or command "foo".', "`zester help` lists both."],
  ["help conection", 'error: unknown help topic "conection". Did you mean zester help connection?'],
  [
    "job list --stat failed",
    "error: unknown flag --stat for zester job list. Did you mean --state?",
    "`zester job list --help` lists the flags.",
  ],
  [
    "job show",
    "error: missing argument <jid> for zester job show.",
    "Usage: zester job show <jid>… [flags]. <jid>: job ID or a prefix of it, or @last, @last-bad, @last~2.",
  ],
  [
    "completion",
    "error: missing argument <shell> for zester completion.",
    "Usage: zester completion <shell> [flags]. <shell>: bash, zsh or fish.",
  ],
  [
    "job log j",
    'error: unknown command "log" for zester job. Did you mean zester job show --output?',
    "`zester job --help` lists the commands.",
  ],
  [
    "job rm j",
    'error: unknown command "rm" for zester job. Did you mean kill?',
    "`zester job --help` lists the commands.",
  ],
  [
    "job get",
    'error: unknown command "get" for zester job. Did you mean zester job list or zester job show --summary?',
    "`zester job --help` lists the commands.",
  ],
  [
    "job kill --all",
    "error: unknown flag --all for zester job kill. Did you mean --state active?",
    "`zester job kill --help` lists the flags.",
  ],
  [
    "job list -L 5",
    "error: unknown flag -L for zester job list. Did you mean --limit?",
    "`zester job list --help` lists the flags.",
  ],
  [
    "--server nats://h job list",
    "error: unknown flag --server for zester. Did you mean --master?",
    "`zester --help` lists the flags.",
  ],
  ["completion tcsh", 'error: unknown shell "tcsh".', "Use one of: bash, zsh, fish."],
  ["job watch x y", 'error: unexpected argument "y" for zester job watch.', "Usage: zester job watch <jid> [flags]"],
  [
    "job list web-1",
    'error: unexpected argument "web-1" for zester job list.',
    "`zester job show <jid>` shows one job; --target <peel> selects the jobs of a peel.",
  ],
  [
    "job status @last",
    'error: unexpected argument "@last" for zester job status.',
    "`zester job show <jid> --summary` shows one job.",
  ],
  [
    "job retry @last web-1",
    'error: unexpected argument "web-1" for zester job retry.',
    "Retry one job at a time; --peel selects its peels.",
  ],
  [
    "job retry @last --target web-1",
    "error: unknown flag --target for zester job retry. Did you mean --peel?",
    "`zester job retry --help` lists the flags.",
  ],
  [
    "job list -s failed",
    "error: unknown flag -s for zester job list. Did you mean --state?",
    "`zester job list --help` lists the flags.",
  ],
  [
    "job stats --peel web-1",
    "error: unknown flag --peel for zester job stats. Did you mean zester job history <peel>?",
    "`zester job stats --help` lists the flags.",
  ],
  [
    "job list --stuck",
    "error: unknown flag --stuck for zester job list. Did you mean zester job status?",
    "`zester job list --help` lists the flags.",
  ],
  ["job list --user", "error: --user needs a value: --user <glob>.", "`zester job list --help` lists the flags."],
  [
    "job list --since -1h",
    "error: --since needs a value: --since <when>.",
    "Omit the dash: --since 1h is one hour ago.",
  ],
  [
    "job list --creds -odd",
    "error: --creds needs a value: --creds <file>.",
    "Write a value that starts with a dash as --creds=…",
  ],
  ["job list -n 5 -n 6", "error: --limit can be used only once.", "Omit all but one."],
  ["job list --wide=yes", "error: --wide takes no value.", "Use --wide alone."],
  [
    "job list --state faild",
    'error: unknown state "faild" for --state. Did you mean failed?',
    "Use one of: pending, claimed, running, complete, failed, partial, timeout, canceled, unreadable; groups: active, terminal, bad.",
  ],
  [
    "job list --state stuck",
    'error: unknown state "stuck" for --state. Did you mean zester job status?',
    "Use one of: pending, claimed, running, complete, failed, partial, timeout, canceled, unreadable; groups: active, terminal, bad.",
  ],
  [
    "job history a --state success",
    'error: unknown state "success" for --state. Did you mean ok?',
    "Use one of: failed, unreadable, unreachable, late, offline, silent, unfinished, missing, queued, executing, ok; bad is every result that is not ok.",
  ],
  ["job list --format xml", 'error: unknown format "xml" for --format.', "Use one of: text, json, jsonl, yaml, csv."],
  [
    "job list --sort age",
    'error: unknown order "age" for --sort.',
    "Use one of: created, updated, duration, jid, state.",
  ],
  ["job list --source cron", 'error: unknown source "cron" for --source.', "Use one of: operator, schedule, reactor."],
  [
    "job list --since tomorow",
    'error: invalid time "tomorow" for --since.',
    "Use 90m, 3d, '1 hour ago', today, monday, 15:00 or 2026-01-15T09:30:00Z. `zester help time` lists all forms.",
  ],
  ["job list --since 1M", 'error: invalid time "1M" for --since.', "Use 1m for a minute, 30d for a month."],
  ["job wait j --for 1M", 'error: invalid duration "1M" for --for.', "Use 1m for a minute, 30d for a month."],
  [
    "job list --since 1h --until 2h",
    'error: --since "1h" is later than --until "2h".',
    "Use an earlier --since or a later --until.",
  ],
  [
    "job show j --slower-than soon",
    'error: invalid duration "soon" for --slower-than.',
    "Use a form like 500ms, 5s, 1m30s, 2h, 3d or 1w.",
  ],
  [
    "job list --timeout 5",
    'error: invalid duration "5" for --timeout.',
    "Use a form like 500ms, 5s, 1m30s, 2h, 3d or 1w.",
  ],
  ["job list -n -1", 'error: invalid number "-1" for --limit.', "Use a whole number above zero: --limit 20."],
  ["job list -n 0", 'error: invalid number "0" for --limit.', "Use a whole number above zero: --limit 20."],
  [
    "job list --target [z-a]",
    'error: invalid pattern "[z-a]".',
    "Use * for any text, ? for one character, [a-z] for one character of a range, [08-12] for numbers of equal length.",
  ],
  ["job list -q --count", "error: --quiet and --count cannot be used together.", "Use one of them."],
  [
    "job list --wide --format jsonl",
    "error: --wide and --format jsonl cannot be used together.",
    "Use --wide with one of: text, csv.",
  ],
  [
    "job list --columns jid,,state",
    'error: --columns: empty name in "jid,,state".',
    "Separate names by one comma: --columns jid,state,user. Columns: jid, function, target, targets, what, state, status, created, updated, deadline, duration, returns, returned, targeted, bad, user, owner, source, retry_of, stuck, timeout, args, state_id, metadata, and any field of the record.",
  ],
  [
    "job list --columns metdata --master <url>",
    'error: unknown field "metdata" for --columns. Did you mean metadata?',
    "Columns: jid, function, target, targets, what, state, status, created, updated, deadline, duration, returns, returned, targeted, bad, user, owner, source, retry_of, stuck, timeout, args, state_id, metadata, and any field of the record.",
  ],
  [
    "job show a.b",
    'error: invalid job ID "a.b": white space, control characters and . * > are not allowed.',
    "`zester job list` shows all job IDs.",
  ],
  ["job show --each j", "error: --each needs --summary or --output.", "Add --summary, or omit --each."],
  ["job show --output --each --diff j", "error: --each and --diff cannot be used together.", "Use one of them."],
  ["job show --summary --output j", "error: --summary and --output cannot be used together.", "Use one of them."],
  ["job show --fail-if-empty j", "error: --fail-if-empty needs a flag that selects peels.", "Add one, such as --bad."],
  [
    "job wait",
    "error: missing argument <jid> for zester job wait.",
    "Use an ID from `zester job active`, @last, or flags that select jobs, such as --function 'pkg.*'.",
  ],
  [
    "job wait j --state failed",
    "error: <jid> and --state cannot be used together.",
    "Name the jobs, or select them by flags.",
  ],
  [
    "job kill cmd.run",
    'error: invalid job ID "cmd.run": white space, control characters and . * > are not allowed.',
    "To select jobs by function, use `zester job kill --function cmd.run`.",
  ],
  ["job wait --from x j", "error: --from cannot be used here: this command needs a server.", "Omit --from."],
  ["job kill --state running --force", "error: --force needs a <jid>.", "Omit --force, or name the jobs."],
  [
    "job kill @last --force",
    "error: --force and @last cannot be used together.",
    "Omit --force, or use the full ID of the job.",
  ],
  ["job kill j --for 5s", "error: --for needs --wait.", "Add --wait, or omit --for."],
  ["job kill j --test", "error: --test is not a dry run here. Nothing was sent.", "Use --dry-run."],
  ["job diff j", "error: missing argument <jid> for zester job diff.", "Usage: zester job diff <jid> <jid> [flags]"],
  ["job retry --all --failed j", "error: --all and --failed cannot be used together.", "Use one of them."],
  ["job grep", "error: missing argument <text> for zester job grep.", "Usage: zester job grep <text> [flags]"],
  [
    "job grep -n lock",
    'error: invalid number "lock" for --limit.',
    "Omit -n: it is --limit here, a number of jobs. Lines have no numbers.",
  ],
  ["job grep x -e y", "error: <text> and -e cannot be used together.", "Use one of them."],
  ["job grep x --by peel", 'error: unknown grouping "peel" for --by.', "Use one of: job, text."],
  [
    "job grep x --by text --format csv",
    "error: --by and --format csv cannot be used together.",
    "Use --by with one of: text.",
  ],
  [
    "job grep -e (",
    'error: invalid regular expression "(": missing closing ) `(`.',
    "Use RE2 syntax: no look-around, no back references.",
  ],
  ["job grep ", "error: the search text is empty.", "Use a text, or a regular expression with -e."],
  ["job list --context jwt", "error: user_jwt does not contain a JWT.", "Use one word that starts with eyJ."],
  ["job list --context seed", "error: user_seed does not contain an nkey seed.", "Use one word that starts with SU."],
  ["job stats --sort failed", "error: --sort needs --by result.", "Add --by result, or omit --sort."],
  [
    "job stats --by usr",
    'error: unknown grouping "usr" for --by. Did you mean user?',
    "Use one of: function, peel, result, user, target, schedule.",
  ],
  [
    "job stats --by user --format openmetrics --master <url>",
    "error: --by user and --format openmetrics cannot be used together.",
    "Use --by function, peel or schedule, or omit --by to write all three.",
  ],
  ["job errors --by host", 'error: unknown grouping "host" for --by.', "Use one of: error, job."],
  [
    "job history a.b*",
    'error: invalid peel ID "a.b*": a pattern is not possible here.',
    "Use the ID of one peel. `zester job list --target 'a.b*'` lists the jobs of several.",
  ],
  [
    "job history a>b",
    'error: invalid peel ID "a>b": white space, control characters and . * > are not allowed.',
    "Use the ID of one peel, as `zester job show <jid>` shows it.",
  ],
  [
    "job history web --state fialed",
    'error: unknown state "fialed" for --state. Did you mean failed?',
    "Use one of: failed, unreadable, unreachable, late, offline, silent, unfinished, missing, queued, executing, ok; bad is every result that is not ok.",
  ],
  [
    "job export",
    "error: missing argument <jid> for zester job export.",
    "Use an ID from `zester job list`, @last, or flags that select jobs, such as --function 'pkg.*'.",
  ],
  ["job export @last --all", "error: --all and <jid> cannot be used together.", "Use one of them."],
  [
    "job export --all --state bad",
    "error: --all and flags that select jobs cannot be used together.",
    "Use one of them.",
  ],
  ["job export --force j", "error: --force needs --output.", "Add --output, or omit --force."],
  [
    "job report --output json j",
    'error: --output needs a file: "json" is a format.',
    "To write to this file, use --output ./json.",
  ],
  [
    "job export -o x.jsonl j",
    "error: unknown flag -o for zester job export. Did you mean --output?",
    "`zester job export --help` lists the flags.",
  ],
  ["job report --force j", "error: --force needs --output.", "Add --output, or omit --force."],
  [
    "job list --from x --master nats://h",
    "error: --from and --master cannot be used together.",
    "Use one of them: --from reads files, not a server.",
  ],
  ["job list --from x", "error: x, line 1: not an export.", "Use a file written by `zester job export`."],
  [
    "job list --from new.jsonl",
    "error: new.jsonl, line 1: format version 9 is newer than this zester supports (1).",
    "Use a newer zester.",
  ],
  ["job list --from nowhere", "error: cannot read nowhere: no such file.", "Check the path and its permissions."],
  ["job list --from no*such", "error: no file matches no*such.", "Check the pattern."],
  ["job list --context c --config d", "error: --context and --config cannot be used together.", "Use one of them."],
  [
    "job list --config nats://h",
    "error: flag --config contains a URL instead of the path of a config file.",
    "Name a server with --master or NATS_URL.",
  ],
  [
    "job list --config nowhere.yaml",
    "error: cannot read config file nowhere.yaml: no such file.",
    "Check the path and the file's permissions.",
  ],
  [
    "job list --config config.yaml",
    "error: config file config.yaml: line 2: master.urls is empty.",
    "Correct the file, or use another with --config.",
  ],
  [
    "job list --config empty.yaml",
    "error: config file empty.yaml names no server.",
    "Add `urls:` under `master:` (in the daemon's own file `nats_url:`), or name a server with --master.",
  ],
  [
    "job list --config odd.yaml",
    'error: config file odd.yaml: line 2: unknown key "url" under master. Did you mean urls?',
    "Known keys: urls, creds_file, nkey_seed_file, tls_ca, tls_cert, tls_key, tls_first, js_domain, js_prefix, inbox_prefix.",
  ],
  [
    "job list --context nosuch",
    'error: no NATS context "nosuch" in <dir>/.config/nats/context.',
    "Use one of: jwt, seed.",
  ],
  [
    "job list --master http://h",
    "error: invalid server URL from flag --master: its scheme is not supported.",
    "Use a form like nats://host:4222 or tls://host:4222.",
  ],
  [
    "job list --master ,",
    "error: flag --master names no server.",
    "Use a form like nats://host:4222 or tls://host:4222.",
  ],
  ["job list --creds a --nkey b", "error: flag --creds and flag --nkey cannot be used together.", "Use one of them."],
  [
    "job list --creds eyJhbGciOiJlZDI1NTE5LW5rZXkiLCJ0eXAiOiJKV1QifQ.e30.x",
    "error: flag --creds contains a JWT instead of the path of a file.",
    "Keep secrets in a file that only you can read, and name that file.",
  ],
  [
    "job list --creds nowhere",
    "error: cannot read credentials file nowhere: no such file.",
    "Check the path and the file's permissions.",
  ],
  [
    "job list --creds x",
    "error: credentials file x does not contain a user's JWT and seed.",
    "Use a .creds file as written by nsc, or --nkey for a seed alone.",
  ],
  ["job list --nkey seed", "error: nkey seed file seed contains a damaged nkey seed.", "Create the file again."],
  [
    "job list --js-domain a.b",
    'error: invalid JetStream domain "a.b" for flag --js-domain.',
    "Use one word without dots.",
  ],
  [
    "job list --js-domain a --js-prefix b",
    "error: a JetStream domain (flag --js-domain) and an API prefix (flag --js-prefix) cannot be used together.",
    "Use one of them.",
  ],
  ["job list --tls-cert x", "error: --tls-cert and --tls-key must be used together.", "Add the missing one."],
  [
    "job list --tls-cert x --tls-key x",
    "error: TLS certificate file x contains no PEM certificate.",
    "Use a PEM file, with a line BEGIN CERTIFICATE.",
  ],
  [
    "job list --master <closed>",
    "error: cannot connect to <closed>: connection refused.",
    "Set the server with --master, NATS_URL, a context or a config file; test it with `zester config check`.",
  ],
  [
    "job show nosuch --master <url>",
    'error: no job "nosuch".',
    "Jobs are kept for 7 days. `zester job list` shows them.",
  ],
  [
    "job show @lst --master <url>",
    'error: no job "@lst". Did you mean @last?',
    "Use an ID, or one of: @last, @last-bad, @last~1.",
  ],
  ["job show @last~9 --master <url>", 'error: no job "@last~9": 7 jobs in all.', "`zester job list` lists all jobs."],
  [
    "job show last --master <url>",
    'error: no job "last". Did you mean @last?',
    "Jobs are kept for 7 days. `zester job list` shows them.",
  ],
  [
    "job show latest --master <url>",
    'error: no job "latest". Did you mean @last?',
    "Jobs are kept for 7 days. `zester job list` shows them.",
  ],
  [
    "job list --target web --fail-if-empty --master <url>",
    "error: no jobs match --target web (of 7). Did you mean --target 'web*'?",
  ],
  [
    "job errors --target web --since 1d --fail-if-empty --master <url>",
    "error: no jobs match --target web --since 1d (of 7). Did you mean --target 'web*'?",
  ],
  [
    "job kill --user root,ops --fail-if-empty --master <url>",
    "error: no jobs that could be canceled match --user root,ops. For several users, repeat --user.",
  ],
  ["job show run --master <url>", 'error: no job "run".', "An ID prefix needs at least 4 characters."],
  [
    "job show run- --master <url>",
    "error: ID prefix run- matches 2 jobs:",
    "  run-2  running  <age>  test.ping",
    "  run-1  running  <age>  test.ping",
    "Use more characters.",
  ],
  [
    "job kill prefix --force --master <url>",
    'error: no job "prefix": it is a prefix of prefix-1.',
    "Use the full ID with --force.",
  ],
  [
    "job show broken --master <url>",
    "error: job broken cannot be decoded: not MessagePack or JSON: it has the byte 0xc1 (1 bytes).",
    "`nats kv get jobs broken --raw` shows the value.",
  ],
  [
    "job kill prefix --master <url>",
    "error: refusing to cancel 1 job without confirmation. No signal was sent.",
    "Use --yes to cancel it, or --dry-run to list it.",
  ],
  [
    "job kill done --yes --master <url>",
    "error: job done has already ended: complete. No signal was sent.",
    "`zester job show done` shows its returns.",
  ],
  [
    "job kill @last --user x --state running",
    "error: @last and --state cannot be used together.",
    "Use only --function, --target, --user with it.",
  ],
  [
    "job retry bad --master <url>",
    "error: refusing to dispatch a job to 1 peel without confirmation. Nothing was sent.",
    "Use --yes to dispatch the job, or --dry-run to preview it.",
  ],
  [
    "job retry run-1 --master <url>",
    "error: job run-1 has not ended: running. Nothing was sent.",
    "`zester job wait run-1` waits for its end, `zester job kill run-1` cancels it, --force retries it anyway.",
  ],
  [
    "job retry bad --peel nosuch --master <url>",
    "error: no target of job bad matches --peel nosuch. Nothing was sent.",
    "`zester job show bad --quiet` lists its peels; with --as-target, as a value for --peel.",
  ],
  [
    "job retry odd --master <url>",
    'error: job odd: state "Complete" is unknown: cannot tell whether the job has ended. Nothing was sent.',
    "Use --force to retry it anyway.",
  ],
  [
    "job retry bad --job-timeout soon",
    'error: invalid duration "soon" for --job-timeout.',
    "Use a form like 500ms, 5s, 1m30s, 2h, 3d or 1w.",
  ],
  [
    "job retry bad --yes --master <url>",
    "error: no master listens on zester.dispatch. Nothing was dispatched.",
    "`zester config check` shows which masters run.",
  ],
  [
    "job wait run-1 --for 1s --master <url>",
    "error: timed out after 1s: 1 job had not ended: run-1 (0 of 1 peel done; 1 missing: a).",
    "Wait longer with --for; `zester job trace <jid>` shows what a job waits for.",
  ],
  [
    "job wait odd --master <url>",
    'error: job odd: state "Complete" is unknown: cannot tell whether the job has ended.',
    "Use --for to wait anyway.",
  ],
  [
    "job history web-1 --master <url>",
    'error: no peel "web-1": no job targeted it.',
    "Jobs and returns are kept for 7 days.",
  ],
  [
    "job show done --output --diff=b --master <url>",
    'error: no peel "b" among 1 peel.',
    "Use --diff=<peel> with another peel, or --diff for the largest group.",
  ],
  ["job list --user x --fail-if-empty --master <url>", "error: no jobs match --user x (of 7)."],
  ["job export done --output x --master <url>", "error: x already exists.", "Use --force to replace it."],
  [
    "job export done --output nowhere/x --master <url>",
    "error: cannot write nowhere/x: no such file.",
    "Check the folder, its permissions and the disk.",
  ],
];

/**
 * Errors that need more than a command line, a file and a few jobs, by the longest fixed part of the message, or by the code when
 * the message is made elsewhere: what it takes, and the tests that make it.
 */
const ELSEWHERE: readonly (readonly [reason: string, ...errors: string[]])[] = [
  [
    "a connection that breaks, or a server that answers wrongly: tests/faults, tests/trust/garbage",
    ": no answer to",
    "is incomplete:",
    ": the answer to a JetStream request",
    ": the connection is being closed.",
    ": the connection to the server was lost.",
    ": the credentials have expired.",
    ": the server broke the NATS protocol:",
    ": the server reported an error:",
    "stopped answering.",
    "the server refused to read",
    ": it needs direct get.",
    "does not report its time.",
    "error.message",
  ],
  [
    "a master, or its absence, at one moment: tests/trust/retry-*, tests/trust/kill-*",
    ", but has not written its record for a minute.",
    ".cancel and no stream stores it: no master or peel got the signal.",
    "a master refused the job:",
    "cannot tell whether job",
    "cannot tell whether the cancel signal for job",
    "no longer exists.",
    "no longer exists. Nothing was sent.",
  ],
  ["a limit of the server: tests/trust/small-payload, tests/trust/retry-hostile", "a message on", "the new job has"],
  [
    "records that no master writes: tests/trust/retry-hostile, tests/trust/keys",
    "has an unusual record: its arguments cannot be copied byte for byte. Nothing was sent.",
    "invalid key",
  ],
  ["more data than a quick test has: tests/e2e/stats, tests/unit/model", "too many", "too many series:"],
  [
    "files without permission, a full disk, a terminal: tests/trust/settings, tests/e2e/surroundings, tests/e2e/terminals",
    "cannot tell whether config file",
    "the selected context is not usable:",
    "cannot write the output:",
    ": not confirmed. No signal was sent.",
    "refusing to write HTML to a terminal.",
    "the search text has a line end.",
  ],
  [
    "the message is a parameter: a row, or the test of the caller, has it",
    "message",
    "none);",
    "words",
    "words.charAt(0).toLowerCase() + words.slice(1));",
  ],
];

/** Commands that run at the same time. */
const AT_ONCE = 4;

test("each error is one line, then what to do", async () => {
  const said: [argv: string, ...lines: string[]][] = [];
  const queue = ROWS.map(([argv], i) => ({ argv, i }));
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const { argv, i } = next;
      const words = argv.replaceAll("<url>", url).replaceAll("<closed>", closed).split(" ");
      const { stdout, stderr, code } = await zester(words, { cwd: dir, env: { HOME: dir } });
      expect([argv, stdout, code]).toEqual([argv, "", stderr.includes("timed out") ? 124 : 1]);
      const text = stderr
        .slice(stderr.search(/^error: /m))
        .replaceAll(url, "<url>")
        .replaceAll(closed, "<closed>");
      said[i] = [
        argv,
        ...text
          .replaceAll(dir, "<dir>")
          .replace(/\d+d ago/g, "<age>")
          .trimEnd()
          .split("\n"),
      ];
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  expect(said).toEqual(ROWS.map((row) => [...row]));
});

test("the message ends with a period or a list; what to do is an imperative, a usage or a command", () => {
  for (const [argv, message = "", ...hint] of ROWS) {
    expect([argv, message]).toEqual([argv, expect.stringMatching(/[.?:]$/)]);
    if (hint.length > 0) expect([argv, hint.at(-1)]).toEqual([argv, expect.stringMatching(/^[A-Z`].*[.…\])]$/)]);
  }
});

const LIB = join(import.meta.dir, "../../lib");
const MAKES = /new (?:UserError|Transient|Unavailable|NoBucket|Stale|Damaged|Declined|JobPrefix)\(\s*/g;

/** What names the error that the code makes: the longest fixed part of its message, or the code where that is no text. */
function nameOf(code: string): string {
  const [, before = "", text = ""] = /^([^,)"`]*)["`]((?:[^"`\\]|\\.)*)/.exec(code) ?? [];
  if (text === "" || before.includes(";")) return (code.split(/[,\n]/)[0] as string).slice(0, 60);
  const parts = text.split(/\$\{[^}]*\}*/).map((part) => part.replaceAll("\\", ""));
  return parts.reduce((longest, part) => (part.length > longest.length ? part : longest)).trim();
}

test("each place in lib/ that makes an error has a row, or a reason", () => {
  const said = ROWS.map(([, ...lines]) => lines.join("\n"));
  const open = new Set<string>();
  for (const name of readdirSync(LIB, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".ts")) continue;
    const source = readFileSync(join(LIB, name), "utf8");
    for (const { 0: call, index } of source.matchAll(MAKES)) {
      const error = nameOf(source.slice(index + call.length));
      if (!said.some((text) => text.includes(error))) open.add(error);
    }
  }
  expect([...open].sort()).toEqual(ELSEWHERE.flatMap(([, ...errors]) => errors).sort());
});
