// The job that is open on the screen of `watch`, while it runs and after its end.
import type { ValueMap } from "../codec/value.ts";
import { UserError } from "../errors.ts";
import { untilAnswered } from "../jobs/answers.ts";
import { type Link, persist } from "../jobs/follow.ts";
import { inTime } from "../jobs/heartbeats.ts";
import { LiveJob } from "../jobs/live.ts";
import { readJob } from "../jobs/lookup.ts";
import { SharedReturns } from "../jobs/shared-returns.ts";
import { type Reading, readStory } from "../jobs/story.ts";
import { isTerminal, jobRow } from "../model/job.ts";
import { type JobText, type Opened, openedOf, type TextView, textOf } from "../render/opened.ts";
import type { Look } from "../render/table.ts";
import type { LiveSession } from "./session.ts";

/** At most this share of the time is spent on reading the job. */
const SHARE = 1 / 10;

export class OpenedJob {
  readonly #left = new AbortController();
  readonly #following: Promise<void>;
  #live: LiveJob | undefined;
  /** Its whole story, when it has ended. */
  #last: Reading | undefined;
  /** Why it can no longer be shown. */
  #fault: UserError | undefined;
  #seen: Opened | undefined;
  #nextMs = 0;
  #text: { seen: Opened; key: string; text: JobText } | undefined;

  /**
   * @param first its record, if it was just read
   * @param link receives the state of the connection
   * @param changed called when there is something new
   * @param failed receives an error that ends the screen
   */
  constructor(
    readonly session: LiveSession,
    readonly jid: string,
    first: ValueMap | undefined,
    readonly link: Link,
    readonly changed: () => void,
    failed: (error: unknown) => void,
  ) {
    this.#following = this.#follow(first);
    this.#following
      .then(() => this.#followAnswers())
      .catch((error) => {
        if (!(error instanceof UserError)) return failed(error);
        this.#fault = error;
        changed();
      });
  }

  close(): void {
    this.#left.abort();
  }

  /** The current state of the job, or why there is nothing to show. */
  look(): Opened | string {
    if (this.#fault) return this.#fault.message;
    const began = Date.now();
    const sight = began < this.#nextMs ? undefined : (this.#last ?? this.#sight());
    if (sight) {
      this.#seen = openedOf(sight);
      this.#nextMs = this.#last ? Number.POSITIVE_INFINITY : began + (Date.now() - began) / SHARE;
    }
    return this.#seen ?? "reading…";
  }

  #sight() {
    return this.#live?.caughtUp ? this.#live.reading(this.session.store.nowNs()) : undefined;
  }

  /** A text about the job, made again when the job or the requested view has changed. */
  text({ top, ...view }: TextView, look: Look): JobText | undefined {
    const seen = this.#seen;
    if (!seen || this.#fault) return undefined;
    const key = JSON.stringify([view, look]);
    if (this.#text?.seen !== seen || this.#text.key !== key) {
      const began = Date.now();
      this.#text = { seen, key, text: textOf(seen, view, look) };
      this.#nextMs += (Date.now() - began) / SHARE;
    }
    return this.#text.text;
  }

  /**
   * How the job ended; undefined before. Waits up to a second for the rest of the story of a job that has just ended.
   * @throws UserError when it can no longer be shown
   */
  async end(): Promise<Reading | undefined> {
    const job = this.#live?.job;
    if (!this.#last && (!job || isTerminal(jobRow(this.jid, job).status)))
      await inTime(this.session.store, this.#following);
    if (this.#fault) throw this.#fault;
    return this.#last;
  }

  async #follow(first: ValueMap | undefined): Promise<void> {
    const { session, jid } = this;
    await persist(session, this.link, async (store, working) => {
      if (this.#left.signal.aborted) return;
      let job = (this.#live ? undefined : first) ?? (await readJob(store, jid));
      if (!isTerminal(jobRow(jid, job).status)) {
        this.#live ??= new LiveJob(jid, job, this.changed);
        job = await this.#live.follow(store, working, this.#left.signal);
      }
      this.#last = await readStory(store, jid, job, () => {}, new SharedReturns());
      this.#nextMs = 0;
      this.changed();
    });
  }

  /** Peels answer a cancel signal after the end of the job. */
  async #followAnswers(): Promise<void> {
    const last = this.#last;
    if (!last) return;
    const seen = (reading: Reading) => {
      this.#last = reading;
      this.#nextMs = 0;
      this.changed();
    };
    const told = { seen, reader: () => new SharedReturns(), stop: this.#left.signal };
    await persist(this.session, this.link, (store) => untilAnswered(store, last, told));
  }
}
