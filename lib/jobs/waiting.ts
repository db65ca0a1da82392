// Waiting for the ends of jobs, with their stories, over lost connections.
import type { ValueMap } from "../codec/value.ts";
import { Transient, UserError } from "../errors.ts";
import { isUnknownStatus, type JobRow, jobRow } from "../model/job.ts";
import type { Ending } from "../model/job-end.ts";
import type { LiveStore } from "../store.ts";
import { followEnds } from "./ends.ts";
import { type Link, persist, type Reopenable } from "./follow.ts";
import type { ReturnReader } from "./lookup.ts";
import { openQuestions, readStory } from "./story.ts";
import { turns } from "./turns.ts";

/** Stories of jobs that have ended that are read at a time. */
const AT_ONCE = 8;

/** What is told during a wait. */
export interface WaitTold {
  readonly warn: (text: string) => void;
  /** A job is in a state that does not tell whether it has ended. True: it is not waited for any longer. */
  readonly unknown?: ((row: JobRow) => boolean) | undefined;
  /** A job has ended. */
  readonly ended?: ((ending: Ending) => void) | undefined;
  /** Why it will not be known how a job ends; without this, that is thrown and ends the wait. */
  readonly lost?: ((jid: string, why: UserError) => void) | undefined;
}

/** What is known of jobs that are waited for. */
export class Waiting {
  /** In the order in which they were named, each once. */
  jids: readonly string[] = [];
  /** Those that have not ended, as they were last seen. */
  readonly rows = new Map<string, JobRow>();
  readonly endings = new Map<string, Ending>();
  /** Those that are not waited for any longer, since their states are unknown. */
  readonly unknown = new Map<string, JobRow>();
  readonly #lost = new Set<string>();

  get ended(): Ending[] {
    return this.jids.flatMap((jid) => this.endings.get(jid) ?? []);
  }

  get open(): string[] {
    return this.jids.filter((jid) => this.isOpen(jid));
  }

  isOpen(jid: string): boolean {
    return !this.endings.has(jid) && !this.#lost.has(jid) && !this.unknown.has(jid);
  }

  /** Waits until each of the jobs has ended. @throws as followEnds */
  async run(session: Reopenable, link: Link, told: WaitTold): Promise<void> {
    await persist(session, link, (store, working) => this.#attempt(store, working, told));
  }

  async #attempt(store: LiveStore, working: () => void, { warn, unknown, ended, lost }: WaitTold): Promise<void> {
    const inTurn = turns(AT_ONCE);
    const stories: Promise<void>[] = [];
    const failure = Promise.withResolvers<never>();
    const lose = (jid: string, why: UserError) => {
      this.rows.delete(jid);
      this.#lost.add(jid);
      lost?.(jid, why);
    };
    const read = async (jid: string, record: ValueMap) => {
      const ending = await endingOf(store, jid, record, warn);
      this.rows.delete(jid);
      this.endings.set(jid, ending);
      ended?.(ending);
    };
    const onEnd = (jid: string, record: ValueMap) => {
      const reading = inTurn(() => read(jid, record)).catch((error) => {
        if (!lost || error instanceof Transient || !(error instanceof UserError)) throw error;
        lose(jid, error);
      });
      reading.catch(failure.reject);
      stories.push(reading);
    };
    const onRecord = (jid: string, record: ValueMap) => {
      const row = jobRow(jid, record);
      this.rows.set(jid, row);
      if (!isUnknownStatus(row.status) || !unknown?.(row)) return undefined;
      this.unknown.set(jid, row);
      return "enough";
    };
    const following = followEnds(store, this.open, {
      onRecord,
      ended: onEnd,
      lost: lost && lose,
      working,
    });
    await Promise.race([following.then(() => Promise.all(stories)), failure.promise]);
  }
}

/** How often the returns are read again while the record counts more of them, and the pause in between in ms. */
const LATE = { reads: 5, pauseMs: 100 };

/**
 * The ending that a terminal record tells. In a cluster the returns may reach the server that we ask after the record
 * did: while there are fewer than the record counts, they are read again.
 * @param reader as in readStory
 */
export async function endingOf(
  store: LiveStore,
  jid: string,
  record: ValueMap,
  warn: (text: string) => void,
  reader?: ReturnReader,
): Promise<Ending> {
  const counted = jobRow(jid, record).returned ?? 0n;
  for (let read = 1; ; read++) {
    const warnings: string[] = [];
    const reading = await readStory(store, jid, record, (text) => void warnings.push(text), reader);
    const returned = reading.story.peels.filter((peel) => peel.returned).length;
    if (returned >= counted || read === LATE.reads) {
      for (const text of [...warnings, ...openQuestions(reading)]) warn(text);
      return reading;
    }
    await new Promise((done) => setTimeout(done, LATE.pauseMs));
  }
}
