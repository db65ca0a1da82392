// Repeats work after a lost connection.
import { Transient } from "../errors.ts";
import { isTerminal, type Job, ROW_FIELDS } from "../model/job.ts";
import type { LiveStore } from "../store.ts";
import { clockText } from "../time.ts";
import { followRecords } from "./ends.ts";
import { toJob } from "./job-table.ts";

const PAUSE_MS = { first: 100, most: 2_000 };

export interface Reopenable {
  /** The open store; another one after `reopen`. */
  readonly store: LiveStore;
  /** True when the command has ended: work that still runs on the store fails, and must not be repeated. */
  readonly ending: boolean;
  /** @throws as opening the first connection does */
  reopen(): Promise<void>;
}

/** Awaited by work that must not continue while the process ends. */
export const NEVER = new Promise<never>(() => {});

/** Reports the state of the connection. */
export interface Link {
  /** Called once more, with the reason, when the server accepts the login again and does not answer. */
  lost(why?: string): void;
  back(): void;
}

const lostWords = ({ store }: Pick<Reopenable, "store">) => `lost ${store.shown}; reconnecting`;

/** As lines on stderr. */
export function linkLines(session: Reopenable, say: (text: string) => void): Link {
  return {
    lost: (why) => say(why === undefined ? lostWords(session) : `${why} Trying again.`),
    back: () => say("connected again"),
  };
}

/** As a note on a screen. */
export function linkNote(session: Reopenable, setNote: (text: string) => void): Link {
  let since = "";
  return {
    lost(why) {
      if (why === undefined) since = clockText(session.store.now());
      const reason = why === undefined ? "" : ` (${why.replace(/\.$/, "")})`;
      setNote(`${lostWords(session)}, no updates since ${since}${reason}`);
    },
    back: () => setNote(""),
  };
}

/**
 * Runs `attempt` until it succeeds. When the connection, or JetStream behind it, is lost, opens another one, without a limit, and
 * runs it again from the start.
 * @param attempt calls `working` when it works
 * @throws what `attempt` throws, except Transient; and when the server refuses the login
 */
export async function persist<T>(
  session: Reopenable,
  link: Link,
  attempt: (store: LiveStore, working: () => void) => Promise<T>,
): Promise<T> {
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
        // Another `persist` on this session may have opened one already.
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
    await Bun.sleep(pauseMs);
  }
}

/**
 * Opens another connection; tries again for `forMs`.
 * @throws Transient after that time; and when the server refuses the login
 */
export async function reopen(session: Reopenable, forMs = Number.POSITIVE_INFINITY): Promise<void> {
  const began = Date.now();
  for (let pause = PAUSE_MS.first; ; pause = Math.min(pause * 2, PAUSE_MS.most)) {
    await Bun.sleep(pause);
    try {
      return await session.reopen();
    } catch (error) {
      if (!(error instanceof Transient) || Date.now() - began >= forMs) throw error;
    }
  }
}

/** Receives all jobs, as they are now and as they change. */
export interface Watcher {
  /** All jobs follow: at the start, and again after a lost connection. */
  begin(): void;
  /** Undefined for a job whose record is gone. `live` is false for those at the start. */
  changed(jid: string, job: Job | undefined, live: boolean): void;
  /** All jobs that were stored at the start have arrived. */
  whole(): void;
  /** The jobs that have not ended. */
  open(): Iterable<string>;
}

/** @param fields to decode beside those of a row; undefined for all */
export async function followAllJobs(
  session: Reopenable,
  link: Link,
  watcher: Watcher,
  fields: readonly string[] | undefined,
): Promise<void> {
  const read = fields && [...ROW_FIELDS, ...fields];
  await persist(session, link, async (store, working) => {
    let live = false;
    watcher.begin();
    await followRecords(store, undefined, {
      onRecord(jid, bytes, isNewest) {
        const job = bytes && toJob(jid, bytes, read);
        if (isNewest || !job || isTerminal(job.row.status)) watcher.changed(jid, job, live);
      },
      open: () => watcher.open(),
      caughtUp() {
        live = true;
        working();
        watcher.whole();
      },
    });
  });
}
