// Arguments of several commands.
import type { ArgsDef } from "citty";
import type { Flags } from "../cli/command.ts";

/** A flag that may be repeated: its value is a list. */
export const repeated = { type: "string", multiple: true } as const;

/** Flags that select the server and the user. */
export const connecting = {
  from: {
    ...repeated,
    valueHint: "file",
    description: "read an export instead of a server; - is stdin",
  },
  config: {
    type: "string",
    valueHint: "file",
    description: "config file [$ZESTER_CONFIG]",
  },
  context: {
    type: "string",
    valueHint: "name",
    description: "context of the nats command [$NATS_CONTEXT]",
  },
  master: {
    ...repeated,
    valueHint: "url",
    description: "URLs of the NATS servers, comma-separated [$NATS_URL]",
  },
  creds: { type: "string", valueHint: "file", description: "credentials file [$NATS_CREDS]" },
  nkey: { type: "string", valueHint: "seed file", description: "nkey seed file [$NATS_NKEY]" },
  "nats-ca": { type: "string", valueHint: "file", description: "CA certificate to trust [$NATS_CA_FILE, $NATS_CA]" },
  "tls-cert": { type: "string", valueHint: "file", description: "client certificate [$NATS_CERT]" },
  "tls-key": { type: "string", valueHint: "file", description: "private key of the client certificate [$NATS_KEY]" },
  "tls-first": { type: "boolean", description: "start TLS with the first byte (handshake_first)" },
  "js-domain": { type: "string", valueHint: "name", description: "JetStream domain of the buckets [$NATS_JS_DOMAIN]" },
  "js-prefix": { type: "string", valueHint: "subject", description: "JetStream API prefix of the buckets" },
  "inbox-prefix": {
    type: "string",
    valueHint: "subject",
    description: "subject prefix of replies (default _INBOX)",
  },
  timeout: {
    type: "string",
    valueHint: "duration",
    description: "fail if the server is silent this long [$ZESTER_TIMEOUT]",
  },
} as const satisfies ArgsDef;

/** Flags that control the output. */
export const answering = {
  format: { type: "string", valueHint: "text|json|yaml", description: "output format [$ZESTER_FORMAT]" },
  utc: { type: "boolean", description: "show and read times in UTC [TZ=UTC]" },
  color: { type: "boolean", description: "", negativeDescription: "no color [$NO_COLOR, TERM=dumb]" },
  "force-color": {
    type: "boolean",
    description: "color even in a pipe [$FORCE_COLOR]",
  },
  direct: { type: "boolean", description: "ignored (accepted for compatibility)" },
  test: { type: "boolean", description: "ignored; kill and retry refuse it: use --dry-run" },
  help: { type: "boolean", alias: "h", description: "show help" },
  version: { type: "boolean", description: "show the version" },
} as const satisfies ArgsDef;

/** Flags of all commands. */
export const globals = { ...connecting, ...answering } as const satisfies ArgsDef;

/** Commands differ in their formats. */
export type GlobalArgs = Omit<Flags<typeof globals>, "format"> & { readonly format: string | undefined };

/** --format of a command that has other formats than most. */
export const formats = <T extends string>(valueHint: T) => ({ ...globals.format, valueHint }) as const;
export const listFormat = formats("text|json|jsonl|yaml|csv");
export const header = { type: "boolean", description: "", negativeDescription: "omit the header" } as const;

export const jid = {
  type: "positional",
  required: true,
  description: "job ID or a prefix of it, or @last, @last-bad, @last~2",
} as const;
/** `many`: every remaining word is one. */
export const jids = { ...jid, many: true } as const;

export const limited = {
  for: { type: "string", valueHint: "duration", description: "give up after this long (exit code 124)" },
} as const satisfies ArgsDef;

/** For commands that ask before they act, and may wait for the end. */
export const steering = {
  for: { ...limited.for, description: "with --wait: give up after this long (exit code 124)" },
  yes: { type: "boolean", alias: "y", description: "do not ask for confirmation" },
} as const satisfies ArgsDef;

export const conditions = {
  state: { ...repeated, valueHint: "state", description: "states, or active, terminal, bad; separated by commas" },
  function: { ...repeated, valueHint: "glob", description: "function, such as 'pkg.*'" },
  target: { ...repeated, valueHint: "glob", description: "jobs with this target expression or targeted peel" },
  user: { ...repeated, valueHint: "glob", description: "user that started the job" },
  owner: { ...repeated, valueHint: "glob", description: "master that owns the job" },
  source: { ...repeated, valueHint: "operator|schedule|reactor", description: "origin of the job" },
  since: { type: "string", valueHint: "when", description: "created at or after: 90m, today, 15:00 (see help time)" },
  until: { type: "string", valueHint: "when", description: "created before" },
  limit: { type: "string", alias: "n", valueHint: "number", description: "only the newest N jobs" },
} as const satisfies ArgsDef;

export const peels = {
  bad: { type: "boolean", description: "peels that did not return ok, in time or late" },
  failed: { type: "boolean", description: "peels that failed, also late; not those stopped by a cancel" },
  missing: { type: "boolean", description: "peels without a return, except unreachable peels" },
  unreachable: { type: "boolean", description: "peels that the master marked unreachable" },
  late: { type: "boolean", description: "peels that returned after unreachable, or after the end" },
  peel: { ...repeated, valueHint: "glob", description: "only these peels (ID with dots or underscores)" },
  "slower-than": {
    type: "string",
    valueHint: "duration",
    description: "peels with a longer run time, also if they still run",
  },
} as const satisfies ArgsDef;

const SELECT_FIRST =
  "Select the job first: `zester job list --state bad --function <glob> -n 1 -q` prints the ID of the newest one.";

/** Flags that select jobs, for commands whose jobs are arguments. `retry @last --target web-1` means a peel. */
export const selectFirst = {
  ...Object.fromEntries(
    ["state", "function", "user", "owner", "source", "since"].map((name) => [name, [SELECT_FIRST]]),
  ),
  target: ["--peel", SELECT_FIRST],
};

/** For commands that select something, in scripts. @param none when nothing is selected */
export const scripted = <T extends string>(none: T) =>
  ({ "fail-if-empty": { type: "boolean", description: `exit code 1 if ${none}` } }) as const;
