// Arguments that several commands have, each defined once.
import type { ArgsDef } from "citty";
import type { Flags } from "../cli/command.ts";

/** A flag that may be repeated: its value is a list. */
export const repeated = { type: "string", multiple: true } as const;

/** Flags that say which server to ask, and as whom. */
export const connecting = {
  from: {
    ...repeated,
    valueHint: "file",
    description: "read a file of `zester job export` in place of a server; - is stdin",
  },
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

export type GlobalArgs = Flags<typeof globals>;

/** The names of the flags that every command takes. */
export const globalNames: ReadonlySet<string> = new Set(Object.keys(globals));

/** --format of a command that has other formats than most. */
export const formats = <T extends string>(valueHint: T) => ({ ...globals.format, valueHint }) as const;
/** --format and --no-header of a list. */
export const listFormat = formats("text|json|jsonl|yaml|csv");
export const header = { type: "boolean", description: "", negativeDescription: "omit the header" } as const;

export const jid = {
  type: "positional",
  required: true,
  description: "job id, or its first characters; or @last, @last-bad, @last~2",
} as const;
/** `many`: every remaining word is one. */
export const jids = { ...jid, many: true } as const;

/** For commands that wait. */
export const limited = {
  for: { type: "string", valueHint: "duration", description: "how long to wait in all; then exit code 124" },
} as const satisfies ArgsDef;

/** For commands that ask before they act, and may wait for what comes of it. */
export const steering = {
  for: { ...limited.for, description: "with --wait: how long in all; then exit code 124" },
  yes: { type: "boolean", alias: "y", description: "don't ask" },
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

/** For commands that select something, in scripts. @param none what it means that nothing was selected */
export const scripted = <T extends string>(none: T) =>
  ({ "fail-if-empty": { type: "boolean", description: `exit code 1 when ${none}` } }) as const;
