// The shape of the JSON output, as JSON Schema 2020-12. The number at the end of an `$id` grows when something changes
// that a program may rely on: a field that goes away or means something else. New fields may appear at any time.

import { SIGNALS } from "../lib/model/kill.ts";

const DRAFT = "https://json-schema.org/draft/2020-12/schema";

const time = {
  description:
    "RFC 3339 in UTC with up to 9 decimals; the year 1 means: not set. Outside the years 0 to 9999: unix:<s>",
  type: "string",
  pattern: "^(\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,9})?Z|unix:-?\\d+(\\.\\d{1,9})?)$",
};
const text = { type: "string" };
const peels = { description: "peel ids as stored: _ where tables show dots", type: "array", items: text };
const nanoseconds = { description: "nanoseconds, 64 bits: may exceed 2^53", type: "integer" };
const count = { type: "integer", minimum: 0 };

const own = (what: string) => ({ description: `what the record itself says, where that is not the ${what}` });

const unreadable = {
  description: "a stored value that cannot be decoded",
  type: "object",
  required: ["unreadable"],
  properties: { jid: text, peel_id: text, unreadable: { description: "why", type: "string" } },
};

const job = {
  description: "a job record as a master stores it, under the key that it is stored at",
  type: "object",
  required: ["jid", "function", "status"],
  properties: {
    jid: { description: "the key, whatever the record says", type: "string" },
    record_jid: own("jid"),
    function: text,
    args: { type: ["object", "null"] },
    targets: { anyOf: [peels, { type: "null" }] },
    timeout: nanoseconds,
    status: {
      type: "string",
      examples: ["pending", "claimed", "running", "complete", "partial", "timeout", "failed", "canceled"],
    },
    created: time,
    updated: time,
    user: text,
    owner: text,
    epoch: { description: "64 bits without sign: may exceed 2^53", type: "integer", minimum: 0 },
    deadline: time,
    reclaim_count: count,
    offline_at_dispatch: { anyOf: [peels, { type: "null" }] },
    state_id: text,
    target_expr: text,
    return_count: count,
    success_count: count,
    v: { description: "the version of the record", type: "integer" },
    metadata: { anyOf: [{ type: "object", additionalProperties: text }, { type: "null" }] },
  },
};

const returned = {
  description: "what one peel returned",
  type: "object",
  required: ["jid", "peel_id", "success"],
  properties: {
    jid: text,
    record_jid: own("jid"),
    peel_id: { description: "the key, where a peel's return has one of its own", type: "string" },
    record_peel_id: own("peel_id"),
    success: { type: "boolean" },
    return_data: { description: "anything" },
    error: text,
    duration: nanoseconds,
    timestamp: time,
    unreachable: { type: "boolean" },
  },
};

const signal = {
  description: "what became of a job's cancel signal; of several jobs, and of a selection, an array",
  type: "object",
  required: ["jid", "signal"],
  properties: {
    jid: text,
    signal: {
      description: "`unknown`: the connection failed before the server's answer",
      enum: SIGNALS,
    },
    reason: { description: "why it is not simply sent", type: "string" },
    status: { description: "with --wait: how the job ended", type: "string" },
    returned: { description: "with --wait: peels that had returned by then", ...count },
    peels: { description: "with --wait: peels in all", ...count },
  },
};

const eitherJob = { anyOf: [{ $ref: "#/$defs/unreadable" }, { $ref: "#/$defs/job" }] };

/** By file name: the schemas of a release. */
export const SCHEMAS = {
  "job-list": {
    $schema: DRAFT,
    $id: "urn:zester:job-list:2",
    title: "zester job list --format json, zester job active --format json",
    type: "array",
    items: eitherJob,
    $defs: { job, unreadable },
  },
  "job-line": {
    $schema: DRAFT,
    $id: "urn:zester:job-line:2",
    title: "one line of zester job list --format jsonl",
    ...eitherJob,
    $defs: { job, unreadable },
  },
  "job-show": {
    $schema: DRAFT,
    $id: "urn:zester:job-show:2",
    title: "zester job show --format json",
    type: "object",
    required: ["job", "returns"],
    properties: {
      job: { $ref: "#/$defs/job" },
      returns: {
        type: "array",
        items: { anyOf: [{ $ref: "#/$defs/unreadable" }, { $ref: "#/$defs/return" }] },
      },
      missing: peels,
    },
    $defs: { job, return: returned, unreadable },
  },
  "job-kill": {
    $schema: DRAFT,
    $id: "urn:zester:job-kill:1",
    title: "zester job kill --format json",
    anyOf: [{ $ref: "#/$defs/signal" }, { type: "array", items: { $ref: "#/$defs/signal" } }],
    $defs: { signal },
  },
} as const;
