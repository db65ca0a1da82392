// A retry: which peels, what is copied out of the stored record, byte for byte, and the new job's record, as it is sent.

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
  type Dispatched,
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
import { dispatch } from "./dispatch.ts";
import type { Reopenable } from "./follow.ts";
import { offlineAmong } from "./heartbeats.ts";
import type { Resolved } from "./lookup.ts";
import { newestRetries } from "./retries.ts";
import { openQuestions, type Reading, readStory } from "./story.ts";

/** The fields that the new record has from the old one. Decoding and encoding them again would change types. */
const COPIED = ["function", "args", "state_id", "v"] as const;

/** A plan, and what is needed to send it. */
export interface Draft {
  readonly plan: RetryPlan;
  /** How the job is, of one that goes on. */
  readonly reading: Reading;
  /** The jobs that repeat the same one already, oldest first, of the newest jobs. */
  readonly before: readonly JobRow[];
  /** Why it is not known which of the peels are offline. */
  readonly unheard: string | undefined;
  /** The stored record. */
  readonly bytes: Uint8Array;
  readonly copied: ReadonlyMap<string, Encoded>;
}

/** What is wanted of a retry. */
export interface Wish {
  readonly selects: (peel: PeelStory) => boolean;
  /** The job may go on. */
  readonly force: boolean;
  /** In ms; undefined: as stored. */
  readonly timeoutMs: number | undefined;
}

/** What JSON has no types for is sent as a reader of JSON would take it. */
function reencoded(jid: string, job: ValueMap): ReadonlyMap<string, Encoded> {
  try {
    return new Map(
      COPIED.flatMap((name) => {
        const value = job.get(name) ?? null;
        if (value === null) return [];
        // What was no text in the record stands here as U+FFFD, and would be sent as such.
        if (toJsonLine(value).includes("\ufffd"))
          throw new Unencodable(`${name} has a character that is no text (U+FFFD)`);
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

/** @throws UserError when the record is in a form that its fields can't be told apart in, or holds what has no other form */
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
 * Decides what to send of a job: nothing when no peel is selected.
 * @param found the job, which is being looked up
 * @param warn is told of returns that can't be decoded
 * @throws UserError when there is no such job, or when it can't be run again as it was
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
  const plan = { row, job, peels, targets, offline: undefined, timeoutNs: 0n, warnings: openQuestions(reading) };
  if (peels.length === 0) return { plan, reading, before: [], unheard: undefined, bytes, copied: new Map() };
  requireRepeatable(row, job);
  requireTokens(row, peels);
  const timeoutNs = timeoutOf(row, job, timeoutMs);
  const copied = copy(jid, job, bytes);
  const ids = peels.map(({ peel }) => peel);
  let unheard: string | undefined;
  const offline = await offlineAmong(store, ids, (why) => {
    unheard ??= `${why} Which of the peels are offline is not known.`;
  });
  const warnings = [
    ...retryWarnings({ row, job, peels }, store.nowNs()),
    ...(isJson(bytes) ? [JSON_RECORD] : []),
    ...plan.warnings,
  ];
  const before = (await retries).filter((other) => other.retryOf === jid);
  return { plan: { ...plan, offline, timeoutNs, warnings }, reading, before, unheard, bytes, copied };
}

/**
 * What is otherwise than when a draft was shown: its job is another one (`replaced`), or what its record says beside that, the
 * peels that get the new job, or what is known of these. Undefined when all that was shown is true.
 */
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

/**
 * A new job's id and time.
 * @param now by this machine's clock
 */
export const mint = (now: Date, user: string): Minted => ({
  jid: KSUID.randomSync(now.getTime()).string,
  createdNs: BigInt(now.getTime()) * 1_000_000n,
  user,
});

/** The peels of a plan in the order in which the record names them. */
export function targetIds({ plan }: Draft): string[] {
  const chosen = new Map(plan.peels.map((peel) => [peel.peel, peel]));
  return targetsOf(plan.row, plan.job).filter((peel) => chosen.has(peel));
}

/** Bytes that a master's id takes at most: `master-` and a KSUID, or the name of a machine. */
const OWNER = 64;

/** The size of the event that dispatches a record: it wraps the record, with what the master adds to it (wire.md, "Dispatch"). */
function eventSize({ plan: { offline, peels } }: Draft, { jid, createdNs }: Minted, record: Uint8Array): number {
  const time = Timestamp.at(createdNs);
  const gone = peels.map(({ peel }) => peel).filter((peel) => offline?.has(peel) ?? true);
  const added = mapOf<Encodable>([
    ["jid", jid],
    ["type", "dispatched"],
    ["data", null],
    ["timestamp", time],
    ["owner", "x".repeat(OWNER)],
    ["epoch", 2n ** 64n - 1n],
    ["deadline", time],
    ["offline_at_dispatch", gone],
  ]);
  return record.length + encode(added).length;
}

/** The record of the new job, as a client hands it to the masters (wire.md, "Job record" and "Dispatch"). */
function newJob(draft: Draft, minted: Minted): NewJob {
  const { jid, createdNs, user } = minted;
  const { plan, copied } = draft;
  const created = Timestamp.at(createdNs);
  const targets = targetIds(draft);
  const fields = mapOf<Encodable>([
    ["jid", jid],
    ["function", copied.get("function")],
    ["args", copied.get("args") ?? null],
    ["targets", targets],
    ["timeout", encodedDuration(plan.timeoutNs)],
    ["status", "pending"],
    ["created", created],
    ["updated", created],
    ["user", user],
    ["state_id", copied.get("state_id")],
    ["target_expr", listExpression(targets)],
    ["v", asInteger(plan.job.get("v")) === undefined ? undefined : copied.get("v")],
    ["metadata", new Map([["retry_of", plan.row.jid]])],
  ]);
  const record = encode(fields);
  return { record, eventSize: eventSize(draft, minted, record) };
}

/** Why the new job can't be sent, by its size; undefined when it can. A look at that, before there is a new job. */
export function sizeFault(store: LiveStore, draft: Draft, user: string): UserError | undefined {
  return store.tooLarge(newJob(draft, { jid: "0".repeat(KSUID_LENGTH), createdNs: 0n, user }));
}

/** Hands the new job to the masters; `tell`, results and errors are those of `dispatch`. */
export const dispatchRetry = (
  session: Reopenable,
  draft: Draft,
  minted: Minted,
  tell: (text: string) => void,
): Promise<Dispatched> => dispatch(session, minted.jid, newJob(draft, minted), tell);
