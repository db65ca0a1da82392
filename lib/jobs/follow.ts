// Staying with jobs over lost connections.
import { Transient, Unavailable } from "../errors.ts";
import { isTerminal, type Job, ROW_FIELDS } from "../model/job.ts";
import type { Return } from "../model/returns.ts";
import type { Follow, LiveStore } from "../store.ts";
import { clockText } from "../time.ts";
import { lookUpAgain } from "./ends.ts";
import { listedReturns, peelReturn } from "./lookup.ts";
import { toJob } from "./read-jobs.ts";

const PAUSE_MS = { first: 100, most: 2_000 };

/** An open store, and the way to another one when its connection is lost. */
export interface Reopenable {
  /** The open store; another one after `reopen`. */
  readonly store: LiveStore;
  /** True when the command is over: what still runs on the store fails then, and is not to be repeated. */
  readonly ending: boolean;
  /** Leaves a lost connection behind and opens another one. @throws as opening the first one does */
  reopen(): Promise<void>;
}

/** Never comes: for what must not go on while the process ends. */
export const NEVER = new Promise<never>(() => {});

/** What is told of the connection during a wait. */
export interface Link {
  /** It is lost. Told once more, with the reason, when the server lets us in again and does not serve us. */
  lost(why?: string): void;
  back(): void;
}

/** `lost nats://127.0.0.1:4222; reconnecting` */
const lostWords = ({ store }: Pick<Reopenable, "store">) => `lost ${store.shown}; reconnecting`;

/** The words for a person or a log. A lost connection is none of the command's business, as long as it comes back. */
export function linkLines(session: Reopenable, say: (text: string) => void): Link {
  return {
    lost: (why) => say(why === undefined ? lostWords(session) : `${why} Trying again.`),
    back: () => say("connected again"),
  };
}

/** The words beside a picture, which stays as it was. */
export function linkNote(session: Reopenable, setNote: (text: string) => void): Link {
  let since = "";
  return {
    lost(why) {
      if (why === undefined) since = clockText(session.store.now());
      const reason = why === undefined ? "" : ` (${why.replace(/\.$/, "")})`;
      setNote(`${lostWords(session)}, the screen is from ${since}${reason}`);
    },
    back: () => setNote(""),
  };
}

/** What is done on a store as long as it lasts; `working` is to be called when it goes on as it should. */
export type Attempt<T> = (store: LiveStore, working: () => void) => Promise<T>;

/**
 * Runs `attempt` until it ends by itself. When the connection, or JetStream behind it, is lost on the way, another one is
 * opened, as often and as long as it takes, and `attempt` starts again on it.
 * @throws what `attempt` throws, other than Transient; and when the server refuses us
 */
export async function persist<T>(session: Reopenable, link: Link, attempt: Attempt<T>): Promise<T> {
  let lost = false;
  let explained = false;
  let used: LiveStore | undefined;
  const working = () => {
    if (lost) link.back();
    lost = explained = false;
  };
  for (let pauseMs: number = PAUSE_MS.first; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MS.most)) {
    const began = Date.now();
    let reopened = false;
    try {
      if (lost) {
        // Others who follow something on this session may have opened another one already.
        if (session.store === used) await session.reopen();
        reopened = true;
      }
      used = session.store;
      const result = await attempt(used, working);
      working();
      return result;
    } catch (error) {
      if (!(error instanceof Transient) || session.ending) throw error;
      if (!lost) link.lost();
      else if (reopened && !explained) {
        link.lost(error.message);
        explained = true;
      }
      lost = true;
      if (Date.now() - began > PAUSE_MS.most) pauseMs = PAUSE_MS.first;
    }
    await new Promise((done) => setTimeout(done, pauseMs));
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
  /** The jobs that have not ended, as far as it was told: a record that expires, or whose message is deleted, is no change. */
  open(): Iterable<string>;
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
  await persist(session, link, async (store, working) => {
    let live = false;
    const over = new AbortController();
    const failure = Promise.withResolvers<never>();
    const changed = (jid: string, bytes: Uint8Array | undefined) =>
      watcher.changed(jid, bytes && toJob(jid, bytes, fields), live);
    /** What a look-up finds may be older than what was delivered meanwhile: only an end is sure to be news. */
    const found = (jid: string, bytes: Uint8Array | undefined) => {
      if (!bytes || isTerminal(toJob(jid, bytes, fields).row.status)) changed(jid, bytes);
    };
    const caughtUp = () => {
      live = true;
      working();
      watcher.whole();
      lookUpAgain(store, () => watcher.open(), found, over.signal).catch(failure.reject);
    };
    watcher.begin();
    try {
      await Promise.race([store.followJobs(undefined, changed, { stop: over.signal, caughtUp }), failure.promise]);
    } finally {
      over.abort();
    }
  });
}

/** Hands over a job's returns, at first and as they come, until told to stop; none where they can't be read. */
export async function followReturns(
  store: LiveStore,
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
    if (!(error instanceof Unavailable)) throw error;
    follow.caughtUp();
  }
}
