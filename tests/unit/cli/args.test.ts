// argv → the command and its arguments, on the tree of zester itself.
import { expect, test } from "bun:test";
import { readCommandLine } from "../../../lib/cli/args.ts";
import { UserError } from "../../../lib/errors.ts";
import { zester } from "../../../zester.ts";

/** The words of a line; quotes keep blanks and the empty word. */
const words = (line: string) => (line.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^'|'$/g, ""));

async function parse(line: string) {
  const { path, args, help } = await readCommandLine(zester, words(line));
  return { command: path.slice(1).join(" "), args, help };
}

test.each([
  ["job list", "job list", { _: [] }],
  ["job show A", "job show", { _: ["A"], jid: "A" }],
  ["job kill A B", "job kill", { _: ["A", "B"], jid: "A" }],
  ["job kill --state running", "job kill", { _: [], state: ["running"] }],
  ["job watch", "job watch", { _: [] }],
  ["completion fish", "completion", { _: ["fish"], shell: "fish" }],
  ["config", "config", { _: [] }],
  ["config check", "config check", { _: [] }],
  ["config show", "config show", { _: [] }],
  ["config --format json", "config", { _: [], format: "json" }],
  // Flags that every command has may stand in front of its name as well.
  ["--master h job list", "job list", { _: [], master: ["h"] }],
  ["--format json job --utc list -q", "job list", { _: [], format: "json", utc: true, quiet: true }],
  ["job show --peel 'web-*' A", "job show", { _: ["A"], jid: "A", peel: ["web-*"] }],
  ["job list --format=json", "job list", { _: [], format: "json" }],
  ["--format csv job list", "job list", { _: [], format: "csv" }],
  ["job list -n 5", "job list", { _: [], limit: "5" }],
  ["job list -n5", "job list", { _: [], limit: "5" }],
  ["job list -n=5", "job list", { _: [], limit: "5" }],
  ["job list -n -5", "job list", { _: [], limit: "-5" }],
  ["job list -qn 5", "job list", { _: [], quiet: true, limit: "5" }],
  // A value may look like a flag where an equals sign says so.
  ["job list --creds=-odd", "job list", { _: [], creds: "-odd" }],
  ["job list --user=a=b", "job list", { _: [], user: ["a=b"] }],
  ["job list --user -", "job list", { _: [], user: ["-"] }],
  // A flag that may be repeated is a list of what was typed.
  ["job list --state failed --state running,bad", "job list", { _: [], state: ["failed", "running,bad"] }],
  ["job list --master a,b --master c", "job list", { _: [], master: ["a,b", "c"] }],
  ["job list --reverse --reverse", "job list", { _: [], reverse: true }],
  ["job list --no-color --no-header", "job list", { _: [], color: false, header: false }],
  ["job show -s A --output --diff", "job show", { _: ["A"], jid: "A", summary: true, output: true, diff: true }],
  ["job show --diff A --output", "job show", { _: ["A"], jid: "A", diff: true, output: true }],
  ["job show --diff=web-1 A --output", "job show", { _: ["A"], jid: "A", diff: "web-1", output: true }],
  // Behind -- every word is an argument.
  ["job show -- -x", "job show", { _: ["-x"], jid: "-x" }],
  ["job kill -- list --force", "job kill", { _: ["list", "--force"], jid: "list" }],
] as [string, string, object][])("%s", async (line, command, args) => {
  expect(await parse(line)).toEqual({ command, args, help: false } as never);
});

test.each([
  ["", ""],
  ["job", "job"],
  ["help", ""],
  ["help job show", "job show"],
  ["help show", "job show"],
  ["help check", "config check"],
  ["job help", "job"],
  ["job help exit-codes", "job"],
  ["job help show", "job show"],
  ["job show --help", "job show"],
  ["job show -h A B C", "job show"],
  ["--help job list", "job list"],
  ["config --help", "config"],
])("help: %s", async (line, command) => {
  expect(await parse(line)).toMatchObject({ command, help: true });
});

test.each(["--version", "job --version", "job show --version", "version --version"])("version: %s", async (line) => {
  expect(await parse(line)).toMatchObject({ args: { version: true }, help: false });
});

test.each([
  ["joob", 'unknown command "joob" for zester. Did you mean job?'],
  ["toString", 'unknown command "toString" for zester.'],
  ["job __proto__", 'unknown command "__proto__" for zester job.'],
  ["job stop", 'unknown command "stop" for zester job. Did you mean kill?'],
  ["job output", 'unknown command "output" for zester job. Did you mean zester job show --output?'],
  ["ls", 'unknown command "ls" for zester. Did you mean zester job list?'],
  ["wait x", 'unknown command "wait" for zester. Did you mean zester job wait?'],
  ["wiat x", 'unknown command "wiat" for zester. Did you mean zester job wait?'],
  ["check", 'unknown command "check" for zester. Did you mean zester config check?'],
  ["connection", 'unknown command "connection" for zester.'],
  ["job kil x", 'unknown command "kil" for zester job. Did you mean kill?'],
  ["job wiat x", 'unknown command "wiat" for zester job. Did you mean wait?'],
  ["job list --stat x", "unknown flag --stat for zester job list. Did you mean --state?"],
  ["job list --tagret x", "unknown flag --tagret for zester job list. Did you mean --target?"],
  ["job list --color", "unknown flag --color for zester job list. Did you mean --no-color?"],
  ["job list --no-format", "unknown flag --no-format for zester job list. Did you mean --format?"],
  ["job list --force", "unknown flag --force for zester job list."],
  ["job list --__proto__ x", "unknown flag --__proto__ for zester job list."],
  ["job list -x", "unknown flag -x for zester job list."],
  ["job kill --force=yes x", "--force takes no value."],
  ["job list --creds", "--creds needs a value: --creds <file>."],
  ["job list --creds --timeout 5s", "--creds needs a value: --creds <file>."],
  ["job list --creds=", "--creds needs a value: --creds <file>."],
  ["job list --creds ''", "--creds needs a value: --creds <file>."],
  ["job list -n -x", "-n needs a value: -n <number>."],
  ["job list --user a\0b", "--user: a value cannot contain a NUL character."],
  ["job show", "missing argument <jid> for zester job show."],
  ["job trace --timeout 5s", "missing argument <jid> for zester job trace."],
  ["completion", "missing argument <shell> for zester completion."],
  ["job list x", 'unexpected argument "x" for zester job list.'],
  ["job list -- x", 'unexpected argument "x" for zester job list.'],
  ["job trace A B C", 'unexpected argument "B" for zester job trace.'],
  ["job watch A B", 'unexpected argument "B" for zester job watch.'],
  ["config check x", 'unexpected argument "x" for zester config check.'],
  // What a flag does not take.
  ["job list --format xml", 'unknown format "xml" for --format.'],
  ["job export --all --format json", 'unknown format "json" for --format.'],
  ["--format csv job show A", 'unknown format "csv" for --format.'],
  ["job stats --by peels", 'unknown grouping "peels" for --by. Did you mean peel?'],
  ["job stats --by result --sort fast", 'unknown order "fast" for --sort.'],
  // What has a new name.
  ["job show A --output --full", "--full is now --all."],
  ["job show A --all-peels", "--all-peels is now --all."],
  ["job trace A --all-peels", "--all-peels is now --all."],
  ["job diff A B --full", "--full is now --all."],
  ["job show A --output --diff-with web-1", "--diff-with is now --diff=<peel>."],
  ["job show A --diff-with=web-1", "--diff-with is now --diff=<peel>."],
  ["version --check", "--check is now `zester config check`."],
  ["job show A --output --diff=", "--diff needs a value: --diff=<peel>."],
  ["job show A --output --diff=a --diff", "--diff can be used only once."],
  // A command's own flags stand after its name.
  ["--limit 5 job show A", "unknown flag --limit for zester."],
  ["job --limit 5 list", "unknown flag --limit for zester job."],
  // Only lists are repeated.
  ["job list --limit 5 -n 5", "--limit can be used only once."],
  ["job list --since 1h --state bad --since 2h", "--since can be used only once."],
  // What other tools have.
  ["job list -o json", "unknown flag -o for zester job list. Did you mean --format json?"],
  ["job list -o=yaml", "unknown flag -o for zester job list. Did you mean --format?"],
  ["job list --output", "unknown flag --output for zester job list. Did you mean --format?"],
  ["job list --json", "unknown flag --json for zester job list. Did you mean --format json?"],
  ["--json job list", "unknown flag --json for zester. Did you mean --format json?"],
  ["job show A --output json", "--output takes no value. Did you mean --format json?"],
  ["job show A --output=json", "--output takes no value. Did you mean --format json?"],
  ["job show A --csv", "unknown flag --csv for zester job show."],
  ["completion --json bash", "unknown flag --json for zester completion."],
  ["job list --watch", "unknown flag --watch for zester job list. Did you mean zester job watch?"],
  ["job list -w", "unknown flag -w for zester job list. Did you mean zester job watch?"],
  ["job trace A -w", "unknown flag -w for zester job trace. Did you mean --follow?"],
  ["job kill -f A", "unknown flag -f for zester job kill. Did you mean --yes or --force?"],
  ["job retry -f A", "unknown flag -f for zester job retry. Did you mean --yes or --force?"],
  ["job kill A -w", "unknown flag -w for zester job kill. Did you mean --wait?"],
  ["job get A", 'unknown command "get" for zester job. Did you mean zester job list or zester job show --summary?'],
  ["get A", 'unknown command "get" for zester. Did you mean zester job list or zester job show --summary?'],
  ["job describe A", 'unknown command "describe" for zester job. Did you mean zester job show --summary?'],
  ["config get", 'unknown command "get" for zester config. Did you mean show?'],
  ["job list --bad", "unknown flag --bad for zester job list. Did you mean --state bad?"],
  ["job list --peel x", "unknown flag --peel for zester job list. Did you mean --target?"],
  ["job grep --peel x", "unknown flag --peel for zester job grep. Did you mean zester job history <peel>?"],
  ["job list -o wide", "unknown flag -o for zester job list. Did you mean --wide?"],
  ["job tail A", 'unknown command "tail" for zester job. Did you mean watch?'],
  ["job top", 'unknown command "top" for zester job. Did you mean watch?'],
  ["status", 'unknown command "status" for zester. Did you mean zester job status?'],
  ["job stauts", 'unknown command "stauts" for zester job. Did you mean status?'],
  ["logs A", 'unknown command "logs" for zester. Did you mean zester job show --output?'],
  ["job jobs.list_jobs", 'unknown command "jobs.list_jobs" for zester job. Did you mean list?'],
  ["job jobs.active", 'unknown command "jobs.active" for zester job. Did you mean active?'],
  ["jobs.print_job", 'unknown command "jobs.print_job" for zester. Did you mean zester job show?'],
  ["job failed", 'unknown command "failed" for zester job. Did you mean zester job list --state bad?'],
  ["job config", 'unknown command "config" for zester job. Did you mean zester config?'],
  ["job version", 'unknown command "version" for zester job. Did you mean zester version?'],
  ["job errors --last 1h", "unknown flag --last for zester job errors. Did you mean --since?"],
  ["job stats --last=24h", "unknown flag --last for zester job stats. Did you mean --since?"],
  ["job errors --last 3", "unknown flag --last for zester job errors. Did you mean --limit?"],
  ["job list --tail 3", "unknown flag --tail for zester job list. Did you mean --limit?"],
  ["job list -s failed", "unknown flag -s for zester job list. Did you mean --state?"],
  ["job list -s nats://h", "unknown flag -s for zester job list. Did you mean --master?"],
  ["job list --desc", "unknown flag --desc for zester job list. Did you mean --reverse?"],
  ["job list --jid x", "unknown flag --jid for zester job list. Did you mean zester job show <jid>?"],
  ["job show --jid x", "unknown flag --jid for zester job show. Did you mean <jid> without a flag?"],
  ["job history --peel x", "unknown flag --peel for zester job history. Did you mean <peel> without a flag?"],
  ["job show -f @last", "unknown flag -f for zester job show. Did you mean zester job watch <jid>?"],
  ["job trace x --bad", "unknown flag --bad for zester job trace. Did you mean zester job show <jid> --summary --bad?"],
  [
    "job trace x --peel y",
    "unknown flag --peel for zester job trace. Did you mean zester job show <jid> --summary --peel",
  ],
  ["job retry @last --target x", "unknown flag --target for zester job retry. Did you mean --peel?"],
  ["job retry @last --failed-only", "unknown flag --failed-only for zester job retry. Did you mean --failed?"],
  ["job grep x -E", "unknown flag -E for zester job grep. Did you mean -e <regex>?"],
])("error: %s", async (line, message) => {
  const error = await parse(line).catch((error) => error);
  expect(error).toBeInstanceOf(UserError);
  expect(error.message).toStartWith(message);
});

test.each([
  ["job list --since -1h", "Omit the dash: --since 1h is one hour ago."],
  ["job list --since=-1h", "Omit the dash: --since 1h is one hour ago."],
  ["job list --sort -created", "Omit the dash, and use --reverse for the opposite order."],
  ["job list --sort=-created", "Omit the dash, and use --reverse for the opposite order."],
  ["job list --since 1h ago", "Quote a time that has spaces: --since '1 hour ago'."],
  ["job list --since=1h web-1", "`zester job show <jid>` shows one job; --target <peel> selects the jobs of a peel."],
  ["job grep no space", "Quote a text that has spaces: `zester job grep 'no space left'`."],
  ["job run x", "zester job starts no new jobs; `zester job retry <jid>` runs one again."],
  ["exec x", "zester job starts no new jobs; `zester job retry <jid>` runs one again."],
  ["job kill -9 x", "Omit it: there is one cancel signal."],
  ["job kill -s TERM x", "Omit it: there is one cancel signal."],
  ["job kill x --grace-period=0", "Omit it: there is one cancel signal."],
  ["job watch -n 2", "Omit it: the screen updates by itself."],
  ["job list -a", "`zester job list` shows all jobs."],
  ["job grep x -v", "Lines that do not match cannot be shown."],
  ["job report @last --function x", expect.stringContaining("`zester job list --state bad --function <glob> -n 1 -q`")],
  ["job trace @last --target x", expect.stringContaining("`zester job list --state bad --function <glob> -n 1 -q`")],
  ["job list -n -x", "Write a value that starts with a dash as --limit=…"],
  ["job list --creds --timeout 5s", "`zester job list --help` lists the flags."],
  ["job list --creds --timeout=5s", "`zester job list --help` lists the flags."],
])("hint: %s", async (line, hint) => {
  expect(await parse(line).catch((error) => error)).toMatchObject({ hint });
});

test("citty is given the names first, then the words that are left", async () => {
  const line = await readCommandLine(zester, words("--master h job --utc list -n 5 --user a --user=b"));
  expect(line.rawArgs.join(" ")).toBe("job list --master h --utc -n 5 --user a --user=b");
});
