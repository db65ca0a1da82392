// The command tree. What commands do is in lib/commands/, loaded when one runs.
import { type ArgsDef, defineCommand } from "citty";
import type { Command } from "./lib/cli/args.ts";
import { main } from "./lib/cli/main.ts";

const globals = {
  config: {
    type: "string",
    valueHint: "file",
    description: "config file [$ZESTER_CONFIG] (default /etc/zester/master.yaml, then ~/.zester/config.yaml)",
  },
  context: {
    type: "string",
    valueHint: "name",
    description:
      "context of the nats command [$NATS_CONTEXT] (default the selected one, without config file)",
  },
  master: {
    type: "string",
    valueHint: "url",
    description: "NATS server; repeat it or separate by commas [$NATS_URL] (default nats://localhost:4222)",
  },
  creds: { type: "string", valueHint: "file", description: "credentials file [$NATS_CREDS]" },
  nkey: { type: "string", valueHint: "seed file", description: "nkey seed file [$NATS_NKEY]" },
  "nats-ca": {
    type: "string",
    valueHint: "file",
    description: "CA certificate to trust [$NATS_CA_FILE, $NATS_CA]",
  },
  "tls-cert": { type: "string", valueHint: "file", description: "client certificate [$NATS_CERT]" },
  "tls-key": { type: "string", valueHint: "file", description: "key of the client certificate [$NATS_KEY]" },
  "tls-first": {
    type: "boolean",
    description: "TLS from the first byte, as servers with handshake_first want",
  },
  "js-domain": {
    type: "string",
    valueHint: "name",
    description: "JetStream domain of the buckets [$NATS_JS_DOMAIN]",
  },
  "js-prefix": { type: "string", valueHint: "subject", description: "JetStream API prefix of the buckets" },
  "inbox-prefix": {
    type: "string",
    valueHint: "subject",
    description: "what subjects for answers begin with (default _INBOX)",
  },
  timeout: {
    type: "string",
    valueHint: "duration",
    description: "how long the server may stay silent (default 5s) [$ZESTER_TIMEOUT]",
  },
  format: {
    type: "string",
    valueHint: "text|json|yaml",
    description: "output format (default text) [$ZESTER_FORMAT]",
  },
  color: { type: "boolean", description: "", negativeDescription: "no colour [$NO_COLOR, TERM=dumb]" },
  "force-color": {
    type: "boolean",
    description: "colour even when piped, overrides $NO_COLOR [$FORCE_COLOR]",
  },
  help: { type: "boolean", alias: "h", description: "show this help" },
  version: { type: "boolean", description: "show the version" },
} as const satisfies ArgsDef;

const jid = {
  type: "positional",
  required: true,
  description: "job id, as `zester job list` shows it; its first characters are enough",
} as const;
/** `many`: every word that is left is one. */
const jids = { ...jid, many: true } as const;

/** For commands that wait, --timeout is about that. */
const wholeWait = {
  timeout: {
    type: "string",
    valueHint: "duration",
    description: "how long to wait in all; then the exit code is 124 (default: as long as it takes)",
  },
} as const satisfies ArgsDef;

const conditions = {
  state: {
    type: "string",
    valueHint: "state",
    description: "states or groups (active, terminal, bad); repeat it or separate by commas",
  },
  function: { type: "string", valueHint: "glob", description: "function, such as 'pkg.*'" },
  target: { type: "string", valueHint: "glob", description: "target expression or any targeted peel" },
  user: { type: "string", valueHint: "glob", description: "who started it" },
  owner: { type: "string", valueHint: "glob", description: "the master that owns it" },
  since: {
    type: "string",
    valueHint: "when",
    description: "created at or after: 90m, 3d, today, yesterday, 2026-01-15, RFC 3339",
  },
  until: { type: "string", valueHint: "when", description: "created before" },
  limit: { type: "string", alias: "n", valueHint: "number", description: "only the newest" },
} as const satisfies ArgsDef;

const { state, function: fn, target, user } = conditions;
const watched = { state, function: fn, target, user } as const;

const selection = {
  ...conditions,
  sort: {
    type: "string",
    valueHint: "order",
    description: "created (default), updated, duration, jid or state",
  },
  // Beside what every command knows.
  format: { ...globals.format, valueHint: "text|json|jsonl|yaml|csv" },
  reverse: { type: "boolean", description: "the other way round" },
  wide: { type: "boolean", description: "also when, how long, returns, failures, user and owner" },
  columns: {
    type: "string",
    valueHint: "columns",
    description: "exactly these columns, any field of the record among them: jid,state,args.name",
  },
  header: { type: "boolean", description: "", negativeDescription: "no titles" },
  quiet: { type: "boolean", alias: "q", description: "job ids alone, one a line" },
  count: { type: "boolean", description: "only the number of jobs" },
} as const satisfies ArgsDef;

const peels = {
  summary: {
    type: "boolean",
    description: "instead of the record: who, when, how long, and the peels, worst first",
  },
  output: { type: "boolean", description: "instead of the record: what the peels printed and changed" },
  peel: { type: "string", valueHint: "glob", description: "only these peels, in either form of their id" },
  failed: { type: "boolean", description: "only peels that failed" },
  missing: { type: "boolean", description: "only targeted peels that have not returned" },
  unreachable: { type: "boolean", description: "only peels that never got the job" },
  quiet: { type: "boolean", alias: "q", description: "peel ids alone, one a line" },
  "all-peels": { type: "boolean", description: "every peel on a terminal, however many" },
} as const satisfies ArgsDef;

/** What it returns is the exit code; nothing means 0. */
type Run = (flags: never) => unknown;

/** A command that does something: its own arguments beside the global ones. */
function leaf(
  description: string,
  args: ArgsDef,
  load: () => Promise<{ run: Run }>,
  help: { details?: string; examples?: string[] } = {},
): Command {
  const run = async (context: { args: unknown }) => (await load()).run(context.args as never);
  return defineCommand({ meta: { description, ...help }, args: { ...globals, ...args }, run }) as Command;
}

function group(description: string, subCommands: Record<string, Command>, details?: string): Command {
  return { meta: { description, ...(details && { details }) }, args: globals, subCommands };
}

const config = {
  ...leaf(
    "Show the connection settings and where each came from; connects nowhere.",
    {},
    () => import("./lib/commands/config.ts"),
    { examples: ["zester config", "zester config --context prod --format json", "zester config check"] },
  ),
  subCommands: {
    check: leaf(
      "Connect, and say of each thing that the commands need whether it is there.",
      {},
      () => import("./lib/commands/config-check.ts"),
      {
        details:
          "Leaves nothing on the server, and sends no cancel signal. Exit code 1 when a line says FAIL.",
        examples: ["zester config check", "zester config check --context prod"],
      },
    ),
  },
};

const job = group("List, show and cancel the jobs of the fleet.", {
  list: leaf("List all recent jobs, oldest first.", selection, () => import("./lib/commands/list.ts"), {
    examples: [
      "zester job list",
      "zester job list --state bad --since 2h --target 'db*' --wide",
      "zester job list -n 20 --reverse",
      "zester job list --format jsonl | jq -r .jid",
    ],
  }),
  show: leaf(
    "Show a job's record and its per-peel returns.",
    { jid, ...peels },
    () => import("./lib/commands/show.ts"),
    {
      examples: [
        "zester job show 20260115-001",
        "zester job show 20260115-001 --summary",
        "zester job show 20260115-001 --output --peel 'web-*'",
        "zester job show 20260115-001 --missing -q",
      ],
    },
  ),
  watch: leaf(
    "Watch the jobs that are active, or one job until it has ended.",
    { jid: { ...jid, required: false }, ...watched },
    () => import("./lib/commands/watch.ts"),
    {
      details:
        "On a terminal a table that changes in place, until Ctrl-C; piped, one line a change. With a <jid>: each return as it\narrives; the exit codes are those of `zester job wait`.",
      examples: ["zester job watch", "zester job watch --target 'db*'", "zester job watch 20260115-002"],
    },
  ),
  wait: leaf(
    "Wait until jobs have ended.",
    { jid: jids, ...wholeWait },
    () => import("./lib/commands/wait.ts"),
    {
      details:
        "Says nothing until every job has ended. Exit codes: 0 complete, 2 some peel returned a failure, 3 some peel was\nunreachable or missing, 4 both, 5 canceled, 1 an error, 124 --timeout ran out. Of several jobs the highest counts.",
      examples: ["zester job wait 20260115-001 --timeout 10m"],
    },
  ),
  trace: leaf(
    "Show a job's life: dispatch, acks, returns, cancel signals and the end, and what each peel is doing.",
    {
      jid,
      follow: { type: "boolean", alias: "f", description: "keep on until the job has ended" },
      "all-peels": { type: "boolean", description: "every peel and event on a terminal, however many" },
    },
    () => import("./lib/commands/trace.ts"),
    {
      details:
        "Peels that have not returned are executing (they accepted the job) or silent (they never did). Times count from\nthe dispatch, by the server's clock.",
      examples: ["zester job trace 20260115-002", "zester job trace 20260115-002 --follow"],
    },
  ),
  active: leaf(
    "List the jobs that are running or pending.",
    selection,
    () => import("./lib/commands/active.ts"),
    {
      examples: ["zester job active", "zester job active --sort duration --wide"],
    },
  ),
  kill: leaf(
    "Cancel running jobs.",
    {
      jid: { ...jids, required: false },
      ...conditions,
      force: { type: "boolean", description: "send the signal without looking the job up first" },
      wait: { type: "boolean", description: "stay until the jobs have ended, and say how" },
      timeout: {
        type: "string",
        valueHint: "duration",
        description:
          "with --wait: how long to wait in all; then the exit code is 124 (default: as long as it takes)",
      },
      yes: { type: "boolean", alias: "y", description: "don't ask" },
      "dry-run": { type: "boolean", description: "show what would be canceled, and send nothing" },
    },
    () => import("./lib/commands/kill.ts"),
    {
      details:
        "Publishes the cancel signal. Masters and peels act on it as they can: an operation that must not be interrupted ends\nfirst. With --wait the exit code is 0 when every job was canceled, 6 when one ended otherwise before the signal took\neffect, 124 when --timeout ran out. Jobs that are selected by flags, or by a shortened id, are shown and asked about.",
      examples: [
        "zester job kill 20260115-002",
        "zester job kill 20260115-002 --wait --timeout 1m",
        "zester job kill --state running --function 'pkg.*' --since 1h --dry-run",
      ],
    },
  ),
});

/** The whole tree. What is generated from it (completion, man page, reference) knows nothing else. */
export const zester = group(
  "See and steer the jobs of a Zester fleet over NATS.",
  {
    job,
    config,
    completion: leaf(
      "Print the completion script of a shell.",
      {
        shell: {
          type: "positional",
          required: true,
          valueHint: "bash|zsh|fish|powershell",
          description: "bash, zsh, fish or powershell",
        },
      },
      () => import("./lib/commands/completion.ts"),
      {
        details:
          "Completes commands, flags, their values, and the ids of jobs and peels as they are at that moment.",
        examples: [
          "source <(zester completion bash)   # in ~/.bashrc, or the same with zsh in ~/.zshrc",
          "zester completion fish > ~/.config/fish/completions/zester.fish",
        ],
      },
    ),
    version: leaf(
      "Show version, commit, Bun version and platform.",
      {
        check: {
          type: "boolean",
          description: "also whether this zester knows the version of the records on the server",
        },
      },
      () => import("./lib/commands/version.ts"),
    ),
  },
  "Connection settings: flag, then environment, then config file or NATS context, then default.\nExit codes: 0 done, 1 error, 130 interrupted.",
);

/** The names of the flags that every command takes. */
export const globalNames: ReadonlySet<string> = new Set(Object.keys(globals));

if (import.meta.main) {
  const [first, ...words] = process.argv.slice(2);
  // What completion scripts ask; no command, because its words are anything that stands on a command line.
  if (first === "__complete")
    void import("./lib/cli/candidates.ts").then(({ run }) => run(zester, globalNames, words));
  else void main(zester, "zester", process.argv.slice(2), globalNames);
}
