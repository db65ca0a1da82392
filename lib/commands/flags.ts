// The arguments of every command, each defined once, and the types of what citty makes of them.
import type { ArgsDef } from "citty";
import type { Flags } from "../cli/command.ts";
import { conditions, formats, globals, jid, jids, limited, peels, scripted } from "./shared.ts";

const { state, function: fn, target, user, owner, source, since } = conditions;
const watched = { state, function: fn, target, user, owner, source, since } as const;

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
  wait: { type: "boolean", description: "stay until the jobs have ended, and say how" },
  ...steering,
  "dry-run": { type: "boolean", description: "show what would be canceled, and send nothing" },
  ...scripted("no job matches"),
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

export type ShowArgs = Flags<typeof show>;
export type WatchArgs = Flags<typeof watch>;
export type WaitArgs = Flags<typeof wait>;
export type TraceArgs = Flags<typeof trace>;
export type KillArgs = Flags<typeof kill>;
export type RetryArgs = Flags<typeof retry>;
export type CompletionArgs = Flags<typeof completion>;
export type VersionArgs = Flags<typeof version>;
