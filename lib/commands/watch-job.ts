// `watch <jid>` where no picture can be drawn: a line for each return of the job as it arrives, and how it ends.

import { linkLines, persist } from "../jobs/follow.ts";
import { LiveJob, type Sight } from "../jobs/live.ts";
import { resolveJob, wholeRecords } from "../jobs/lookup.ts";
import { endingOf } from "../jobs/waiting.ts";
import { isTerminal, type JobRow, jobRow } from "../model/job.ts";
import { type Ending, endingCode } from "../model/job-end.ts";
import type { Narrowing } from "../model/job-reference.ts";
import type { PeelState } from "../model/peel-state.ts";
import { peelWidth } from "../model/returns.ts";
import type { PeelStory } from "../model/story.ts";
import { returnDocument } from "../render/document.ts";
import { endingDocument, endingLine } from "../render/ending.ts";
import { returnLine } from "../render/peels.ts";
import { watchLine } from "../render/watch.ts";
import { noteReference } from "./job-reference.ts";
import type { Limit } from "./limit.ts";
import { tellNext } from "./next.ts";
import { unknownFault, unknownTold } from "./output.ts";
import type { LiveSession } from "./session.ts";
import { writeLine } from "./write-answer.ts";

/** How often it is shown what is new, in ms, and at most this share of the time is spent on that. */
const SHOW = { pauseMs: 100, share: 1 / 5 } as const;

/** What was shown of one job. */
class JobWatch {
  readonly live: LiveJob;
  readonly #printed = new Map<string, PeelState>();
  readonly #peelWidth: number;
  #changed = true;
  #begun = false;
  /** When it may be looked at next, in ms since 1970. */
  #nextMs = 0;

  constructor(
    readonly session: LiveSession,
    jid: string,
    job: LiveJob["job"],
  ) {
    this.live = new LiveJob(jid, job, () => {
      this.#changed = true;
    });
    this.#peelWidth = peelWidth(job);
  }

  /** Shows what is new. @returns the job as it is now; undefined when there is nothing new */
  tick(): JobRow | undefined {
    const { live } = this;
    const began = Date.now();
    if (!live.caughtUp || began < this.#nextMs || !this.#changed) return undefined;
    this.#changed = false;
    const sight = live.sight(this.session.store.nowNs());
    this.#begin(sight);
    const peels = new Map(sight.story.peels.map((peel) => [peel.peel, peel]));
    // A master that still watches the job writes a late return down: then the peel is not late.
    const touched = [...live.touched].flatMap((id) => peels.get(id) ?? []);
    this.#show(touched.filter(({ state }) => state !== "late"));
    live.touched.clear();
    this.#nextMs = began + (Date.now() - began) / SHOW.share;
    return sight.row;
  }

  /** Shows the returns that were not shown yet, and how the job ended. */
  end(ending: Ending): void {
    const { session, live } = this;
    const peels = new Map(ending.story.peels.map((peel) => [peel.peel, peel]));
    this.#begin(ending);
    this.#show([...live.touched, ...peels.keys()].flatMap((id) => peels.get(id) ?? []));
    const text = () => endingLine(ending, session.store.now(), session.terminal.columns);
    writeLine(session, text, () => endingDocument(ending));
  }

  #begin(sight: Pick<Sight, "row" | "job" | "story">): void {
    if (!this.#begun && this.session.format === "text") this.session.terminal.write(watchLine(sight));
    this.#begun = true;
  }

  /** Prints peels that returned, once for each state. */
  #show(peels: readonly PeelStory[]): void {
    for (const one of peels) {
      const { peel, state, returned } = one;
      if (!returned || this.#printed.get(peel) === state) continue;
      this.#printed.set(peel, state);
      const text = () => returnLine(one, this.session.terminal, this.#peelWidth);
      writeLine(this.session, text, () => returnDocument(this.live.jid, returned));
    }
  }
}

/**
 * Shows one job until it has ended.
 * @param narrowing which jobs a word may stand for
 * @param limit without one, a job is not followed whose state does not tell whether it has ended
 * @param open gets the job until it has ended
 * @returns the exit code of `wait`
 */
export async function watchJob(
  session: LiveSession,
  text: string,
  narrowing: Narrowing,
  limit: Limit | undefined,
  open: Set<string>,
): Promise<number> {
  const { terminal } = session;
  const { jid, job } = await resolveJob(session.store, text, noteReference(terminal), narrowing);
  open.add(jid);
  const watch = new JobWatch(session, jid, job);
  const { live } = watch;
  const tellUnknown = unknownTold(terminal);
  const failure = Promise.withResolvers<never>();
  const timer = setInterval(() => {
    try {
      const row = watch.tick();
      if (!row) return;
      if (limit) return tellUnknown([row]);
      const fault = unknownFault([row]);
      if (fault) throw fault;
    } catch (error) {
      failure.reject(error);
    }
  }, SHOW.pauseMs);
  const following = persist(session, linkLines(session, terminal.say), async (store, working) => {
    const hasEnded = isTerminal(jobRow(jid, live.job).status);
    const record = hasEnded ? live.job : await live.follow(store, working);
    // What the record counts may arrive after it.
    return endingOf(store, jid, record, terminal.warn, session.format === "text" ? undefined : wholeRecords());
  });
  try {
    const ending = await Promise.race([following, failure.promise]);
    watch.end(ending);
    tellNext([ending], session);
    return endingCode(ending);
  } finally {
    clearInterval(timer);
  }
}
