// Staying with jobs over lost connections, and waiting until they end.

import type { ValueMap } from "../codec/value.ts";
import { Transient, UserError } from "../errors.ts";
import type { Ending } from "../model/ending.ts";
import { JobNotFound } from "../model/jid.ts";
import { isTerminal, jobRow, ROW_FIELDS } from "../model/job.ts";
import type { Job } from "../model/job-list.ts";
import type { Return } from "../model/returns.ts";
import { PermissionDenied } from "../nats/connection.ts";
import type { Follow } from "../nats/pull.ts";
import { NoBucket, type Store } from "../nats/store.ts";
import { jobRecord, listedReturns, peelReturn } from "./lookup.ts";
import { toJob } from "./read-jobs.ts";
import { openQuestions, readStory } from "./story.ts";

const PAUSE_MS = { first: 100, most: 2_000 };
/**
 * How often, in ms, a job that is waited for is also looked up. Deliveries are not acknowledged: one that is lost between
 * two servers of a cluster does not come again, and when it was the last, nothing after it shows the gap.
 */
const LOOK_UP_MS = 5_000;

/** An open store, and the way to another one when its connection is lost. */
export interface Reopenable {
  /** The open store; another one after `reopen`. */
  readonly store: Store;
  /** True when the command is over: what still runs on the store fails then, and is not to be repeated. */
  readonly ending: boolean;
  /** Leaves a lost connection behind and opens another one. @throws as opening the first one does */
  reopen(): Promise<void>;
}

/** Never comes: for what must not go on while the process ends. */
export const NEVER = new Promise<never>(() => {});

/** What is told of the connection during a wait. */
export interface Link {
  lost(): void;
  back(): void;
}

/** `lost nats://127.0.0.1:4222; reconnecting` */
export const lostWords = ({ store }: Pick<Reopenable, "store">) => `lost ${store.connection.shown}; reconnecting`;

/** The words for a person or a log. A lost connection is none of the command's business, as long as it comes back. */
export function linkLines(session: Reopenable, say: (text: string) => void): Link {
  return {
    lost: () => say(lostWords(session)),
    back: () => say("connected again"),
  };
}

/**
 * Runs `attempt` until it ends by itself. When the connection is lost on the way, another one is opened, as often and as
 * long as it takes, and `attempt` starts again on it.
 * @throws what `attempt` throws, other than Transient; and when the server refuses us
 */
export async function persist<T>(session: Reopenable, link: Link, attempt: (store: Store) => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt(session.store);
    } catch (error) {
      if (!(error instanceof Transient) || session.ending) throw error;
      link.lost();
      await reopen(session);
      link.back();
    }
  }
}

/**
 * Opens another connection, trying again and again.
 * @param forMs how long, in ms
 * @throws Transient when that time is over, and what else keeps the server from letting us in
 */
export async function reopen(session: Reopenable, forMs = Number.POSITIVE_INFINITY): Promise<void> {
  const began = Date.now();
  for (let pause = PAUSE_MS.first; ; pause = Math.min(pause * 2, PAUSE_MS.most)) {
    await new Promise((done) => setTimeout(done, pause));
    try {
      return await session.reopen();
    } catch (error) {
      if (!(error instanceof Transient) || Date.now() - began >= forMs) throw error;
    }
  }
}

/** What is done with the jobs that are followed. */
export interface Watcher {
  /** All jobs are about to come: at the start, and again after a lost connection. */
  begin(): void;
  /** A job as it is now; undefined when its record is gone. `live` is false for those that come with the picture. */
  changed(jid: string, job: Job | undefined, live: boolean): void;
  /** The picture is whole. */
  whole(): void;
}

/**
 * Hands every job over, at first and whenever it changes, until something fails.
 * @param further the fields that are decoded of the records beside what a row is made of; undefined: all
 */
export async function followAllJobs(
  session: Reopenable,
  link: Link,
  watcher: Watcher,
  further: readonly string[] | undefined,
): Promise<void> {
  const fields = further && [...ROW_FIELDS, ...further];
  await persist(session, link, async (store) => {
    let live = false;
    watcher.begin();
    const caughtUp = () => {
      live = true;
      watcher.whole();
    };
    const forEver = new AbortController().signal;
    const changed = (jid: string, bytes: Uint8Array | undefined) =>
      watcher.changed(jid, bytes && toJob(jid, bytes, fields), live);
    await store.followJobs(undefined, changed, { stop: forEver, caughtUp });
  });
}

/** Hands over a job's returns, at first and as they come, until told to stop; none where they can't be read. */
export async function followReturns(
  store: Store,
  jid: string,
  onReturn: (item: Return) => void,
  follow: Follow,
): Promise<void> {
  const silently = () => {};
  const onEntry = (peel: string | undefined, bytes: Uint8Array) => {
    const items = peel === undefined ? listedReturns(jid, bytes, silently) : [peelReturn(peel, bytes)];
    items.forEach(onReturn);
  };
  try {
    await store.returns.follow(jid, onEntry, follow);
  } catch (error) {
    if (!(error instanceof NoBucket || error instanceof PermissionDenied)) throw error;
    follow.caughtUp();
  }
}

/**
 * Waits until a job is terminal. One consumer hands over the record as it is and every later one, so that no end can
 * fall between look-up and subscription.
 * @param onRecord sees each record, the last one too
 * @returns the terminal record
 * @throws JobNotFound, UserError when its record is deleted or can't be decoded, Transient when the connection is lost
 */
export async function untilTerminal(
  store: Store,
  jid: string,
  onRecord: (record: ValueMap) => void = () => {},
): Promise<ValueMap> {
  const done = new AbortController();
  let record: ValueMap | undefined;
  let seen = false;
  const onEntry = (_: string, bytes: Uint8Array | undefined) => {
    if (done.signal.aborted) return;
    if (!bytes && seen)
      throw new UserError(
        `job ${jid} is gone: its record expired or was deleted.`,
        "Nothing can be said any more about how it ended.",
      );
    if (!bytes) return;
    seen = true;
    record = jobRecord(jid, bytes);
    onRecord(record);
    if (isTerminal(jobRow(jid, record).status)) done.abort();
  };
  const failure = Promise.withResolvers<never>();
  const caughtUp = () => {
    if (seen) return;
    // A record that is written all the time can escape the first reading; it comes with its next change.
    store.job(jid).then((bytes) => void (bytes || seen || failure.reject(new JobNotFound(jid))), failure.reject);
  };
  // A failed look-up is no loss: what ails the connection is seen by the reader of the consumer.
  const lookUp = () =>
    store.job(jid).then(
      (bytes) => {
        try {
          if (bytes && isTerminal(jobRow(jid, jobRecord(jid, bytes)).status)) onEntry(jid, bytes);
        } catch (error) {
          failure.reject(error);
        }
      },
      () => {},
    );
  const timer = setInterval(lookUp, LOOK_UP_MS);
  try {
    await Promise.race([store.followJobs(jid, onEntry, { stop: done.signal, caughtUp }), failure.promise]);
  } finally {
    clearInterval(timer);
  }
  return record as ValueMap; // only a terminal record aborts the reading without an error
}

/** How often the returns are read again while the record counts more of them, and the pause in between in ms. */
const LATE = { reads: 5, pauseMs: 100 };

/**
 * The ending that a terminal record tells. In a cluster the returns may reach the server that we ask after the record
 * did: while there are fewer than the record counts, they are read again.
 */
export async function endingOf(
  store: Store,
  jid: string,
  record: ValueMap,
  warn: (text: string) => void,
): Promise<Ending> {
  const counted = jobRow(jid, record).returned ?? 0n;
  for (let read = 1; ; read++) {
    const warnings: string[] = [];
    const reading = await readStory(store, jid, record, (text) => void warnings.push(text));
    const returned = reading.story.peels.filter((peel) => peel.returned).length;
    if (returned >= counted || read === LATE.reads) {
      for (const text of [...warnings, ...openQuestions(reading)]) warn(text);
      return reading;
    }
    await new Promise((done) => setTimeout(done, LATE.pauseMs));
  }
}
