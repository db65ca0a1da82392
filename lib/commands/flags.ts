// The arguments of every command, each defined once, and the types of what citty makes of them.
import type { ArgsDef } from "citty";
import type { Flags } from "../cli/command.ts";

/** A flag that may be repeated: its value is a list. */
const repeated = { type: "string", multiple: true } as const;

/** Flags that say which server to ask, and as whom. */
export const connecting = {
  config: {
    type: "string",
    valueHint: "file",
    description: "config file [$ZESTER_CONFIG] (default /etc/zester/master.yaml, then ~/.zester/config.yaml)",
  },
  context: {
    type: "string",
    valueHint: "name",
    description: "context of the nats command [$NATS_CONTEXT] (default the selected one, without config file)",
  },
  master: {
    ...repeated,
    valueHint: "url",
    description: "NATS server; repeat it or separate by commas [$NATS_URL] (default nats://localhost:4222)",
  },
  creds: { type: "string", valueHint: "file", description: "credentials file [$NATS_CREDS]" },
  nkey: { type: "string", valueHint: "seed file", description: "nkey seed file [$NATS_NKEY]" },
  "nats-ca": { type: "string", valueHint: "file", description: "CA certificate to trust [$NATS_CA_FILE, $NATS_CA]" },
  "tls-cert": { type: "string", valueHint: "file", description: "client certificate [$NATS_CERT]" },
  "tls-key": { type: "string", valueHint: "file", description: "key of the client certificate [$NATS_KEY]" },
  "tls-first": { type: "boolean", description: "TLS from the first byte (handshake_first)" },
  "js-domain": { type: "string", valueHint: "name", description: "JetStream domain of the buckets [$NATS_JS_DOMAIN]" },
  "js-prefix": { type: "string", valueHint: "subject", description: "JetStream API prefix of the buckets" },
  "inbox-prefix": {
    type: "string",
    valueHint: "subject",
    description: "prefix of the subjects for answers (default _INBOX)",
  },
  timeout: {
    type: "string",
    valueHint: "duration",
    description: "how long the server may stay silent (default 5s) [$ZESTER_TIMEOUT]",
  },
} as const satisfies ArgsDef;

/** Flags that say what an answer looks like. */
export const answering = {
  format: { type: "string", valueHint: "text|json|yaml", description: "output format (default text) [$ZESTER_FORMAT]" },
  utc: { type: "boolean", description: "times in UTC on terminals too, and in what is typed [TZ=UTC]" },
  color: { type: "boolean", description: "", negativeDescription: "no colour [$NO_COLOR, TERM=dumb]" },
  "force-color": {
    type: "boolean",
    description: "colour even when piped; overrides $NO_COLOR and TERM=dumb [$FORCE_COLOR]",
  },
  direct: { type: "boolean", description: "accepted as elsewhere in zester; does nothing here" },
  test: { type: "boolean", description: "accepted as elsewhere, does nothing; kill, retry refuse it" },
  help: { type: "boolean", alias: "h", description: "show this help" },
  version: { type: "boolean", description: "show the version" },
} as const satisfies ArgsDef;

/** Flags that every command takes. */
export const globals = { ...connecting, ...answering } as const satisfies ArgsDef;

/** --format of a command that has not the formats that most have. */
const formats = <T extends string>(valueHint: T) => ({ ...globals.format, valueHint }) as const;

const jid = {
  type: "positional",
  required: true,
  description: "job id, or its first characters; or @last, @last-bad, @last~2",
} as const;
/** `many`: every remaining word is one. */
const jids = { ...jid, many: true } as const;
const twoJids = { ...jids, exactly: 2 } as const;

/** For commands that wait. */
const limited = {
  for: { type: "string", valueHint: "duration", description: "how long to wait in all; then exit code 124" },
} as const satisfies ArgsDef;

/** The conditions for jobs. */
export const conditions = {
  state: { ...repeated, valueHint: "state", description: "states, or active, terminal, bad; separated by commas" },
  function: { ...repeated, valueHint: "glob", description: "function, such as 'pkg.*'" },
  target: { ...repeated, valueHint: "glob", description: "target expression or any targeted peel" },
  user: { ...repeated, valueHint: "glob", description: "who started it" },
  owner: { ...repeated, valueHint: "glob", description: "the master that owns it" },
  source: { ...repeated, valueHint: "operator|schedule|reactor", description: "who made it" },
  since: { type: "string", valueHint: "when", description: "created then or later: 90m, today, 15:00; see help time" },
  until: { type: "string", valueHint: "when", description: "created before" },
  limit: { type: "string", alias: "n", valueHint: "number", description: "only the newest N jobs" },
} as const satisfies ArgsDef;

const { state, function: fn, target, user, owner, source, since } = conditions;
const watched = { state, function: fn, target, user, owner, source, since } as const;

/** For commands that select something, in scripts. @param none what it means that nothing was selected */
const scripted = <T extends string>(none: T) =>
  ({ "fail-if-empty": { type: "boolean", description: `exit code 1 when ${none}` } }) as const;

const selection = {
  ...conditions,
  sort: { type: "string", valueHint: "order", description: "created (default), updated, duration, jid or state" },
  format: formats("text|json|jsonl|yaml|csv"),
  reverse: { type: "boolean", description: "reverse order" },
  wide: { type: "boolean", description: "also what ran, when, returns, failures, who, stuck" },
  columns: { ...repeated, valueHint: "columns", description: "these, or fields of records: jid,state,args.name" },
  header: { type: "boolean", description: "", negativeDescription: "omit the header" },
  quiet: { type: "boolean", alias: "q", description: "job ids alone, one a line" },
  count: { type: "boolean", description: "only the number of jobs" },
  ...scripted("no job matches"),
} as const satisfies ArgsDef;

/** The conditions for the peels of a job. */
export const peels = {
  bad: { type: "boolean", description: "peels that are not ok" },
  failed: { type: "boolean", description: "peels that failed" },
  missing: { type: "boolean", description: "targeted peels that have not returned" },
  unreachable: { type: "boolean", description: "peels that the master gave up" },
  late: { type: "boolean", description: "peels that returned after they were given up" },
  peel: { ...repeated, valueHint: "glob", description: "only these peels, in either form of their id" },
  "slower-than": {
    type: "string",
    valueHint: "duration",
    description: "only peels that took longer, or have been at it for longer",
  },
} as const satisfies ArgsDef;

const forms = {
  summary: { type: "boolean", description: "instead of the record: who, when, what became of the peels" },
  output: { type: "boolean", description: "instead of the record: what peels printed and changed" },
  each: { type: "boolean", description: "with --summary or --output: peel by peel" },
  changes: { type: "boolean", description: "with --output: only what changed or failed" },
  diff: { type: "boolean", description: "with --output: as a diff from the largest group that is ok" },
  "diff-with": { type: "string", valueHint: "peel", description: "the same, from the group of this peel" },
  full: { type: "boolean", description: "with --output: every line on a terminal" },
  quiet: { type: "boolean", alias: "q", description: "peel ids alone, one a line" },
  fold: { type: "boolean", description: "with --quiet: on one line, for clush and nodeset" },
  "as-target": { type: "boolean", description: "the peels as a target expression: L@web-137,web-300" },
  "all-peels": { type: "boolean", description: "every peel on a terminal, however many" },
} as const satisfies ArgsDef;

export const list = { ...globals, ...selection } as const satisfies ArgsDef;

export const show = {
  ...globals,
  jid: jids,
  ...forms,
  ...peels,
  ...scripted("no peel was selected"),
} as const satisfies ArgsDef;

export const watch = {
  ...globals,
  jid: { ...jid, required: false },
  ...watched,
  format: formats("text|json|jsonl"),
  ...limited,
} as const satisfies ArgsDef;

export const wait = {
  ...globals,
  jid: { ...jids, required: false },
  ...conditions,
  ...limited,
  ...scripted("no job matches"),
} as const satisfies ArgsDef;

export const trace = {
  ...globals,
  jid,
  format: formats("text|json|jsonl|yaml"),
  follow: { type: "boolean", alias: "f", description: "keep on until the job has ended" },
  "all-peels": { type: "boolean", description: "every peel and event on a terminal, however many" },
} as const satisfies ArgsDef;

/** For commands that ask before they act, and may wait for what comes of it. */
const steering = {
  for: { ...limited.for, description: "with --wait: how long in all; then exit code 124" },
  yes: { type: "boolean", alias: "y", description: "don't ask" },
} as const satisfies ArgsDef;

export const kill = {
  ...globals,
  jid: { ...jids, required: false },
  ...conditions,
  force: { type: "boolean", description: "send the signal without looking the job up first" },
  wait: { type: "boolean", description: "wait for the jobs to end and the peels to stop" },
  ...steering,
  "dry-run": { type: "boolean", description: "show what would be canceled, and send nothing" },
  ...scripted("no job matches"),
} as const satisfies ArgsDef;

export const stats = {
  ...globals,
  by: {
    type: "string",
    valueHint: "function|peel|user|target|schedule",
    description: "a row each (default function)",
  },
  ...conditions,
  check: { type: "boolean", description: "exit code 2 when one is overdue, had no run or failed last" },
  format: formats("text|json|jsonl|yaml|csv|openmetrics"),
  header: selection.header,
  ...scripted("nothing was counted"),
} as const satisfies ArgsDef;

export const diff = {
  ...globals,
  jid: twoJids,
  full: { type: "boolean", description: "all that differs on a terminal, however much" },
  ...scripted("the runs have no peel in common"),
} as const satisfies ArgsDef;

export const history = {
  ...globals,
  peel: { type: "positional", required: true, description: "peel id, in either form" },
  function: conditions.function,
  state: {
    ...repeated,
    valueHint: "result",
    description: "states of the peel's result, or bad; separated by commas",
  },
  changed: { type: "boolean", description: "only results that changed something" },
  since: conditions.since,
  until: conditions.until,
  limit: { ...conditions.limit, description: "only the newest N results (on a terminal 20)" },
  format: selection.format,
  header: selection.header,
  ...scripted("no result matches"),
} as const satisfies ArgsDef;

export const retry = {
  ...globals,
  jid,
  bad: peels.bad,
  failed: peels.failed,
  missing: peels.missing,
  unreachable: peels.unreachable,
  peel: peels.peel,
  all: { type: "boolean", description: "every peel, those that are ok among them" },
  "job-timeout": { type: "string", valueHint: "duration", description: "of the new job (default: as the old one)" },
  force: { type: "boolean", description: "also a job that has not ended" },
  wait: { type: "boolean", description: "stay until the new job has ended, and say how" },
  ...steering,
  "dry-run": { type: "boolean", description: "show what would be dispatched, and send nothing" },
  ...scripted("no peel needs it"),
} as const satisfies ArgsDef;

const { format, header } = selection;

export const errors = {
  ...globals,
  ...conditions,
  limit: { ...conditions.limit, description: "only the first N rows" },
  by: { type: "string", valueHint: "error|job", description: "a row for each error (default), or for each job" },
  format,
  header,
  ...scripted("no job matches"),
} as const satisfies ArgsDef;

export const grep = {
  ...globals,
  text: { type: "positional", required: false, description: "what is searched for, as it is" },
  regexp: { type: "string", alias: "e", valueHint: "regex", description: "in place of <text>: a regular expression" },
  ...conditions,
  jids: { type: "boolean", alias: "l", description: "only the ids of the jobs, one a line" },
  quiet: { type: "boolean", alias: "q", description: "only the exit code" },
  format,
  header,
} as const satisfies ArgsDef;

export const completion = {
  ...globals,
  format: formats("text"),
  shell: {
    type: "positional",
    required: true,
    valueHint: "bash|zsh|fish|powershell",
    description: "bash, zsh, fish or powershell",
  },
} as const satisfies ArgsDef;

export const version = {
  ...globals,
  check: { type: "boolean", description: "also compare the version of the records on the server" },
} as const satisfies ArgsDef;

/** The names of the flags that every command takes. */
export const globalNames: ReadonlySet<string> = new Set(Object.keys(globals));

export type GlobalArgs = Flags<typeof globals>;
export type ListArgs = Flags<typeof list>;
export type ShowArgs = Flags<typeof show>;
export type WatchArgs = Flags<typeof watch>;
export type WaitArgs = Flags<typeof wait>;
export type TraceArgs = Flags<typeof trace>;
export type KillArgs = Flags<typeof kill>;
export type StatsArgs = Flags<typeof stats>;
export type DiffArgs = Flags<typeof diff>;
export type HistoryArgs = Flags<typeof history>;
export type RetryArgs = Flags<typeof retry>;
export type GrepArgs = Flags<typeof grep>;
export type ErrorsArgs = Flags<typeof errors>;
export type CompletionArgs = Flags<typeof completion>;
export type VersionArgs = Flags<typeof version>;
