// Waiting for jobs to end, and their stories, across lost connections.
import type { ValueMap } from "../codec/value.ts";
import { Transient, UserError } from "../errors.ts";
import { isUnknownStatus, type JobRow, jobRow } from "../model/job.ts";
import type { Ending } from "../model/job-end.ts";
import type { LiveStore } from "../store.ts";
import { untilAnswered } from "./answers.ts";
import { followEnds } from "./ends.ts";
import { type Link, persist, type Reopenable } from "./follow.ts";
import type { ReturnReader } from "./lookup.ts";
import { openQuestions, type Reading, readStory } from "./story.ts";
import { STORIES_AT_ONCE, turns } from "./turns.ts";

export interface WaitTold {
  readonly warn: (text: string) => void;
  /** A job has an unknown state: it may have ended. True: do not wait for it. */
  readonly unknown?: ((row: JobRow) => boolean) | undefined;
  /** A job has ended, and its peels have answered a cancel signal. */
  readonly ended?: ((ending: Ending) => void) | undefined;
  /** Why the end of a job will stay unknown; if not given, that is thrown. */
  readonly lost?: ((jid: string, why: UserError) => void) | undefined;
}

export class Waiting {
  /** In the order in which they were named, each once. */
  jids: readonly string[] = [];
  /** Those that have not ended, as last seen. */
  readonly rows = new Map<string, JobRow>();
  readonly endings = new Map<string, Reading>();
  /** Jobs in unknown states, for which the command does not wait. */
  readonly unknown = new Map<string, JobRow>();
  readonly #lost = new Set<string>();
  /** Those that have ended, and whose peels may still answer a cancel signal. */
  readonly #answering = new Set<string>();

  get ended(): Ending[] {
    return this.jids.flatMap((jid) => this.endings.get(jid) ?? []);
  }

  get open(): string[] {
    return this.jids.filter((jid) => this.isOpen(jid));
  }

  /** Waits for no more answers. @returns how the jobs ended whose peels had not all answered */
  close(): Ending[] {
    const left = this.ended.filter(({ row }) => this.#answering.has(row.jid));
    this.#answering.clear();
    return left;
  }

  isOpen(jid: string): boolean {
    return !this.endings.has(jid) && !this.#lost.has(jid) && !this.unknown.has(jid);
  }

  async run(session: Reopenable, link: Link, told: WaitTold): Promise<void> {
    await persist(session, link, (store, working) => this.#attempt(store, working, told));
  }

  async #attempt(store: LiveStore, working: () => void, { warn, unknown, ended, lost }: WaitTold): Promise<void> {
    const inTurn = turns(STORIES_AT_ONCE);
    const stories: Promise<void>[] = [];
    const failure = Promise.withResolvers<never>();
    const take = (story: Promise<void>) => {
      story.catch(failure.reject);
      stories.push(story);
    };
    const lose = (jid: string, why: UserError) => {
      this.rows.delete(jid);
      this.#lost.add(jid);
      lost?.(jid, why);
    };
    const answers = async (jid: string, reading: Reading) => {
      const seen = (now: Reading) => void this.endings.set(jid, now);
      seen(reading);
      this.#answering.add(jid);
      const last = await untilAnswered(store, reading, { seen, inTurn });
      if (this.#answering.delete(jid)) ended?.(last);
    };
    const read = async (jid: string, record: ValueMap) => {
      try {
        const reading = await inTurn(() => endingOf(store, jid, record, warn));
        this.rows.delete(jid);
        await answers(jid, reading);
      } catch (error) {
        if (!lost || error instanceof Transient || !(error instanceof UserError)) throw error;
        lose(jid, error);
      }
    };
    const onRecord = (jid: string, record: ValueMap, hasEnded: boolean) => {
      const row = jobRow(jid, record);
      this.rows.set(jid, row);
      if (isUnknownStatus(row.status) && unknown?.(row)) {
        this.unknown.set(jid, row);
        return "enough";
      }
      if (!hasEnded) return undefined;
      take(read(jid, record));
      return undefined;
    };
    // After a lost connection.
    for (const jid of this.#answering) take(answers(jid, this.endings.get(jid) as Reading));
    const following = followEnds(store, this.open, { onRecord, lost: lost && lose, working });
    await Promise.race([following.then(() => Promise.all(stories)), failure.promise]);
  }
}

/** How often returns are read while the record counts more of them. */
const LATE = { reads: 5, pauseMs: 100 };

/**
 * In a cluster, returns can reach the server after the record that counts them: then they are read again.
 * @param record terminal
 * @param reader as in readStory
 */
export async function endingOf(
  store: LiveStore,
  jid: string,
  record: ValueMap,
  warn: (text: string) => void,
  reader?: ReturnReader,
): Promise<Reading> {
  const counted = jobRow(jid, record).returned ?? 0n;
  for (let read = 1; ; read++) {
    const warnings: string[] = [];
    const reading = await readStory(store, jid, record, (text) => void warnings.push(text), reader);
    const returned = reading.story.peels.filter((peel) => peel.returned).length;
    if (returned >= counted || read === LATE.reads) {
      for (const text of [...warnings, ...openQuestions(reading)]) warn(text);
      return reading;
    }
    await Bun.sleep(LATE.pauseMs);
  }
}
