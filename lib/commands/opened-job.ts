// The job that is open in the picture of `watch`, as it goes on and after its end.
import { UserError } from "../errors.ts";
import { persist } from "../jobs/follow.ts";
import { inTime } from "../jobs/heartbeats.ts";
import { LiveJob } from "../jobs/live.ts";
import { readJob } from "../jobs/lookup.ts";
import { SharedReturns } from "../jobs/shared-returns.ts";
import { type Reading, readStory } from "../jobs/story.ts";
import { isTerminal, jobRow } from "../model/job.ts";
import { endingCode } from "../model/job-end.ts";
import { type Opened, openedOf, type TextView, textLines } from "../render/opened.ts";
import type { Look } from "../render/table.ts";
import type { LiveSession } from "./session.ts";

/** At most this share of the time is spent on looking at the job. */
const SHARE = 1 / 10;

export class OpenedJob {
  readonly #left = new AbortController();
  readonly #following: Promise<void>;
  #live: LiveJob | undefined;
  /** Its whole story, when it has ended. */
  #last: Reading | undefined;
  #why = "reading…";
  #seen: Opened | undefined;
  #nextMs = 0;
  #text: { seen: Opened; key: string; lines: readonly string[] } | undefined;

  /** @param changed told that there is something new, `failed` what ends the picture */
  constructor(
    readonly session: LiveSession,
    readonly jid: string,
    readonly changed: () => void,
    failed: (error: unknown) => void,
  ) {
    this.#following = this.#follow();
    this.#following.catch((error) => {
      if (!(error instanceof UserError)) return failed(error);
      this.#why = error.message;
      this.#seen = undefined;
      changed();
    });
  }

  /** Ends what follows it. */
  close(): void {
    this.#left.abort();
  }

  /** The job as it is now, or why there is nothing to show. */
  look(): Opened | string {
    const began = Date.now();
    if (began < this.#nextMs || !(this.#last || this.#live?.caughtUp)) return this.#seen ?? this.#why;
    const nowNs = this.session.store.nowNs();
    const sight = this.#last ? { ...this.#last, nowNs } : this.#live?.sight(nowNs);
    if (sight) this.#seen = openedOf(sight);
    this.#nextMs = this.#last ? Number.POSITIVE_INFINITY : began + (Date.now() - began) / SHARE;
    return this.#seen ?? this.#why;
  }

  /** A text about it. Made anew when the job or what is asked for has changed. */
  text(view: TextView, look: Look): readonly string[] {
    const { what, peel, diff } = view;
    const { columns, color } = look;
    const seen = this.look();
    if (typeof seen === "string") return [];
    const key = JSON.stringify([what, peel, diff, columns]);
    if (this.#text?.seen === seen && this.#text.key === key) return this.#text.lines;
    const began = Date.now();
    const lines = textLines(seen, view, { columns, color });
    this.#text = { seen, key, lines };
    this.#nextMs += (Date.now() - began) / SHARE;
    return lines;
  }

  /** The exit code of the job's end; undefined before. An end is seen before all of it has been read: that is waited for, a second. */
  async code(): Promise<number | undefined> {
    const job = this.#live?.job;
    if (!this.#last && job && isTerminal(jobRow(this.jid, job).status)) await inTime(this.#following);
    return this.#last && endingCode(this.#last);
  }

  async #follow(): Promise<void> {
    const { session, jid } = this;
    // The table says that the connection is lost.
    const link = { lost() {}, back() {} };
    await persist(session, link, async (store, working) => {
      if (this.#left.signal.aborted) return;
      let job = await readJob(store, jid);
      if (!isTerminal(jobRow(jid, job).status)) {
        this.#live ??= new LiveJob(jid, job, this.changed);
        job = await this.#live.follow(store, working, this.#left.signal);
      }
      const last = await readStory(store, jid, job, () => {}, new SharedReturns());
      this.#last = last;
      this.#nextMs = 0;
      this.changed();
    });
  }
}
