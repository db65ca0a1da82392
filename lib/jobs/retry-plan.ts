// A retry: its peels, the fields copied byte for byte from the stored record, and the record of the new job.

import { isDeepStrictEqual } from "node:util";
import KSUID from "ksuid";
import { fieldBytes, isJson } from "../codec/decode.ts";
import { type Encodable, Encoded, encode, encodedDuration, Unencodable } from "../codec/encode.ts";
import { toJsonLine } from "../codec/json.ts";
import { asInteger, mapOf, Timestamp, type ValueMap } from "../codec/value.ts";
import { UserError } from "../errors.ts";
import { KSUID_LENGTH } from "../model/jid.ts";
import { type JobRow, jobRow } from "../model/job.ts";
import {
  listExpression,
  type Minted,
  type RetryPlan,
  requireEnded,
  requireRepeatable,
  requireTokens,
  retryWarnings,
  targetsOf,
  timeoutOf,
} from "../model/retry.ts";
import type { PeelStory } from "../model/story.ts";
import type { LiveStore, NewJob, Store } from "../store.ts";
import { safe } from "../text.ts";
import { nsOf } from "../time.ts";
import { offlineAmong } from "./heartbeats.ts";
import type { Resolved } from "./lookup.ts";
import { newestRetries } from "./newest.ts";
import { openQuestions, type Reading, readStory } from "./story.ts";

/** Copied as bytes: decoding and encoding them would change types. */
const COPIED = ["function", "args", "state_id", "v"] as const;

export interface Draft {
  readonly plan: RetryPlan;
  readonly reading: Reading;
  /** Earlier retries of the same peels of the job among the newest jobs, oldest first. */
  readonly before: readonly JobRow[];
  /** Why it is unknown which of the peels are offline. */
  readonly unheard: string | undefined;
  readonly bytes: Uint8Array;
  readonly copied: ReadonlyMap<string, Encoded>;
}

export interface Wish {
  readonly selects: (peel: PeelStory) => boolean;
  /** Also for a job that has not ended. */
  readonly force: boolean;
  /** In ms; undefined: as stored. */
  readonly timeoutMs: number | undefined;
}

/** Of a JSON record: its values, encoded as a reader of JSON understands them. */
function reencoded(jid: string, job: ValueMap): ReadonlyMap<string, Encoded> {
  try {
    return new Map(
      COPIED.flatMap((name) => {
        const value = job.get(name) ?? null;
        if (value === null) return [];
        // The decoder replaced invalid UTF-8 by U+FFFD.
        if (toJsonLine(value).includes("\ufffd")) throw new Unencodable(`${name} has an invalid character (U+FFFD)`);
        return [[name, new Encoded(encode(value))] as const];
      }),
    );
  } catch (error) {
    if (!(error instanceof Unencodable)) throw error;
    throw new UserError(
      `cannot encode job ${safe(jid)} as MessagePack: ${error.message}. Nothing was sent.`,
      "Its record is JSON, not written by a master. Dispatch a new job by hand.",
    );
  }
}

/** @throws UserError for a record whose fields cannot be found, or with a value that MessagePack cannot encode */
function copy(jid: string, job: ValueMap, bytes: Uint8Array): ReadonlyMap<string, Encoded> {
  if (isJson(bytes)) return reencoded(jid, job);
  const fields = fieldBytes(bytes, COPIED);
  if (!fields)
    throw new UserError(
      `job ${safe(jid)} has an unusual record: its arguments cannot be copied byte for byte. Nothing was sent.`,
      "Dispatch a new job by hand.",
    );
  const isSet = (name: string) => (job.get(name) ?? null) !== null;
  return new Map(
    Array.from(fields, ([name, value]) => [name, new Encoded(value)] as const).filter(([name]) => isSet(name)),
  );
}

const JSON_RECORD =
  "the record is JSON, put by hand: its arguments are sent as MessagePack, whole numbers as such, all others as doubles.";

/**
 * @param found the job that is being looked up
 * @param warn receives a warning about returns that cannot be decoded
 * @returns a plan without peels if none is selected
 * @throws UserError when there is no such job, or when it cannot be repeated
 */
export async function draftRetry(
  store: Store,
  found: Promise<Omit<Resolved, "by">>,
  { selects, force, timeoutMs }: Wish,
  warn: (text: string) => void,
): Promise<Draft> {
  const retries = newestRetries(store);
  const { jid, job, bytes } = await found;
  const row = jobRow(jid, job);
  if (!force) requireEnded(row);
  const names = new Set(targetsOf(row, job));
  const reading = await readStory(store, jid, job, warn);
  const targets = reading.story.peels.filter(({ peel }) => names.has(peel));
  const peels = targets.filter(selects);
  const timeout = { timeoutNs: 0n, setsTimeout: timeoutMs !== undefined };
  const plan = { row, job, peels, targets, offline: undefined, ...timeout, warnings: openQuestions(reading) };
  if (peels.length === 0) return { plan, reading, before: [], unheard: undefined, bytes, copied: new Map() };
  requireRepeatable(row, job);
  requireTokens(row, peels);
  const timeoutNs = timeoutOf(row, job, timeoutMs);
  const copied = copy(jid, job, bytes);
  const ids = peels.map(({ peel }) => peel);
  let unheard: string | undefined;
  const offline = await offlineAmong(store, ids, (why) => {
    unheard ??= `${why} Cannot tell which peels are offline.`;
  });
  const warnings = [
    ...retryWarnings({ row, job, peels }, store.nowNs()),
    ...(isJson(bytes) ? [JSON_RECORD] : []),
    ...plan.warnings,
  ];
  const isOfThese = (targets: readonly string[] | undefined) => !targets || ids.some((id) => targets.includes(id));
  const before = (await retries).filter((other) => other.retryOf === jid && isOfThese(other.targets));
  return { plan: { ...plan, offline, timeoutNs, warnings }, reading, before, unheard, bytes, copied };
}

/** What has changed since a draft was shown: the job, its record, the peels or their states. */
export function changeSince(shown: Draft, now: Draft): "replaced" | "changed" | undefined {
  const isSameJob =
    shown.plan.row.created?.ns === now.plan.row.created?.ns && isDeepStrictEqual(shown.copied, now.copied);
  if (!isSameJob) return "replaced";
  const peels = ({ plan }: Draft) => plan.peels.map(({ peel, state, returned }) => [peel, state, returned?.error]);
  const retried = new Set(shown.before.map(({ jid }) => jid));
  const isSame =
    Buffer.compare(shown.bytes, now.bytes) === 0 &&
    isDeepStrictEqual(peels(shown), peels(now)) &&
    now.before.every(({ jid }) => retried.has(jid));
  return isSame ? undefined : "changed";
}

/** @param now by this machine's clock */
export const mint = (now: Date, user: string): Minted => ({
  jid: KSUID.randomSync(now.getTime()).string,
  createdNs: nsOf(now),
  user,
});

/** In the order of the record. */
export function targetIds({ plan }: Draft): string[] {
  const chosen = new Set(plan.peels.map(({ peel }) => peel));
  return targetsOf(plan.row, plan.job).filter((peel) => chosen.has(peel));
}

/** Most bytes of a master's ID: `master-` and a KSUID, or a host name. */
const OWNER = 64;

/** The dispatch event has the record and what the master adds to it (docs/contributing.md, "Dispatch"). */
function eventSize({ plan: { offline, peels } }: Draft, { jid, createdNs }: Minted, record: Uint8Array): number {
  const time = Timestamp.at(createdNs);
  const gone = peels.map(({ peel }) => peel).filter((peel) => offline?.has(peel) ?? true);
  const added = mapOf<Encodable>({
    jid,
    type: "dispatched",
    data: null,
    timestamp: time,
    owner: "x".repeat(OWNER),
    epoch: 2n ** 64n - 1n,
    deadline: time,
    offline_at_dispatch: gone,
  });
  return record.length + encode(added).length;
}

/** As a client sends it to the masters (docs/contributing.md, "Record"). */
export function newJob(draft: Draft, minted: Minted): NewJob {
  const { jid, createdNs, user } = minted;
  const { plan, copied } = draft;
  const created = Timestamp.at(createdNs);
  const targets = targetIds(draft);
  const fields = mapOf<Encodable>({
    jid,
    function: copied.get("function"),
    args: copied.get("args") ?? null,
    targets,
    timeout: encodedDuration(plan.timeoutNs),
    status: "pending",
    created,
    updated: created,
    user,
    state_id: copied.get("state_id"),
    target_expr: listExpression(targets),
    v: asInteger(plan.job.get("v")) === undefined ? undefined : copied.get("v"),
    metadata: new Map([["retry_of", plan.row.jid]]),
  });
  const record = encode(fields);
  return { record, eventSize: eventSize(draft, minted, record) };
}

/** Why the new job is too large; undefined when it is not. */
export function sizeFault(store: LiveStore, draft: Draft, user: string): UserError | undefined {
  return store.tooLarge(newJob(draft, { jid: "0".repeat(KSUID_LENGTH), createdNs: 0n, user }));
}
