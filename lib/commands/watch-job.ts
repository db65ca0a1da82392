// `watch <jid>`: each return of one job as it arrives, what it waits for, and how it ends.

import { toJsonLine } from "../codec/json.ts";
import { linkLines, persist } from "../jobs/follow.ts";
import { LiveJob, type Sight } from "../jobs/live.ts";
import { resolveJob, wholeRecords } from "../jobs/lookup.ts";
import { endingOf } from "../jobs/waiting.ts";
import { isTerminal, type JobRow, jobRow } from "../model/job.ts";
import { type Ending, endingCode } from "../model/job-end.ts";
import type { Narrowing } from "../model/job-reference.ts";
import type { PeelState } from "../model/peel-state.ts";
import { peelWidth, type Return } from "../model/returns.ts";
import type { PeelStory } from "../model/story.ts";
import { returnDocument } from "../render/document.ts";
import { endingDocument, endingLine } from "../render/ending.ts";
import { inSharedRows, returnLine } from "../render/peels.ts";
import { renderWatch, watchLine } from "../render/watch.ts";
import { LiveLines, screenSize } from "../terminal/screen.ts";
import { noteReference } from "./job-reference.ts";
import { tellNext } from "./next.ts";
import { unknownTold } from "./output.ts";
import type { LiveSession } from "./session.ts";

/** How often it is shown what is new, in ms, and at most this share of the time is spent on that. */
const DRAW = { pauseMs: 100, share: 1 / 5 } as const;

/** What was shown of one job. */
class JobWatch {
  readonly live: LiveJob;
  readonly #lines: LiveLines;
  readonly #printed = new Map<string, PeelState>();
  readonly #peelWidth: number;
  /** True where a person looks. */
  readonly #isDrawn: boolean;
  readonly #tellUnknown: (rows: readonly JobRow[]) => void;
  #changed = true;
  #begun = false;
  /** When the next picture may be drawn, in ms since 1970. */
  #nextMs = 0;

  constructor(
    readonly session: LiveSession,
    jid: string,
    job: LiveJob["job"],
  ) {
    this.live = new LiveJob(jid, job, () => {
      this.#changed = true;
    });
    this.#lines = new LiveLines(session.terminal);
    this.#tellUnknown = unknownTold({
      warn: (text) => {
        this.clear();
        session.terminal.warn(text);
      },
    });
    this.#isDrawn = session.format === "text" && session.terminal.isTty;
    this.#peelWidth = peelWidth(job);
  }

  /** Shows what is new; on a terminal the times as well. */
  tick(): void {
    const { live } = this;
    const began = Date.now();
    if (!live.caughtUp || began < this.#nextMs || !(this.#changed || this.#isDrawn)) return;
    this.#changed = false;
    const sight = live.sight(this.session.store.nowNs());
    this.#tellUnknown([sight.row]);
    this.#begin(sight);
    if (live.touched.size > 0) {
      const peels = new Map(sight.story.peels.map((peel) => [peel.peel, peel]));
      // A master that still watches the job writes a late return down: then the peel is not late.
      const touched = [...live.touched].flatMap((id) => peels.get(id) ?? []);
      this.#show(touched.filter(({ state }) => state !== "late"));
      live.touched.clear();
    }
    if (this.#isDrawn && live.looked) this.#draw(sight);
    this.#nextMs = began + (Date.now() - began) / DRAW.share;
  }

  #draw(sight: Sight): void {
    const { terminal } = this.session;
    const size = screenSize(terminal);
    this.#lines.set(renderWatch(sight, terminal, size));
  }

  /** Shows the returns that were not shown yet, and how the job ended. */
  end(ending: Ending): void {
    const { session, live } = this;
    const peels = new Map(ending.story.peels.map((peel) => [peel.peel, peel]));
    this.#begin(ending);
    this.#show([...live.touched, ...peels.keys()].flatMap((id) => peels.get(id) ?? []));
    this.clear();
    const { terminal, format } = session;
    if (format !== "text") terminal.write(`${toJsonLine(endingDocument(ending))}\n`);
    else terminal.write(endingLine(ending, session.store.now(), terminal.columns));
  }

  clear(): void {
    this.#lines.set([]);
  }

  /** Where no picture says what is watched, a first line does. */
  #begin(sight: Ending): void {
    if (!this.#begun && !this.#isDrawn && this.session.format === "text") this.session.terminal.write(watchLine(sight));
    this.#begun = true;
  }

  /** Prints peels that returned, once for each state; below a picture good ones only count, and those that are alike share a line. */
  #show(peels: readonly PeelStory[]): void {
    const { format, terminal } = this.session;
    const fresh = peels.filter((peel) => this.#isNews(peel));
    for (const alike of this.#isDrawn ? inSharedRows(fresh) : fresh.map((peel) => [peel])) {
      const document = () => `${toJsonLine(returnDocument(this.live.jid, alike[0]?.returned as Return))}\n`;
      this.#lines.print(format === "text" ? returnLine(alike, terminal, this.#peelWidth) : document());
    }
  }

  #isNews({ peel, state, returned }: PeelStory): boolean {
    const before = this.#printed.get(peel);
    if (!returned || before === state || (this.#isDrawn && state === "ok" && before === undefined)) return false;
    this.#printed.set(peel, state);
    return true;
  }
}

/**
 * Shows one job until it has ended.
 * @param narrowing which jobs a word may stand for
 * @param leave is set to what gives the terminal back
 * @param open gets the job until it has ended
 * @returns the exit code of `wait`
 */
export async function watchJob(
  session: LiveSession,
  text: string,
  narrowing: Narrowing,
  leave: { now: () => void },
  open: Set<string>,
): Promise<number> {
  const { jid, job } = await resolveJob(session.store, text, noteReference(session.terminal), narrowing);
  open.add(jid);
  const watch = new JobWatch(session, jid, job);
  const { live } = watch;
  const warn = (message: string) => {
    watch.clear();
    session.terminal.warn(message);
  };
  const say = (line: string) => {
    watch.clear();
    session.terminal.say(line);
  };
  const failure = Promise.withResolvers<never>();
  const timer = setInterval(() => {
    try {
      watch.tick();
    } catch (error) {
      failure.reject(error);
    }
  }, DRAW.pauseMs);
  const unhook = session.terminal.onSuspend(
    () => watch.clear(),
    () => {},
  );
  leave.now = () => {
    clearInterval(timer);
    unhook();
    watch.clear();
  };
  const following = persist(session, linkLines(session, say), async (store, working) => {
    const hasEnded = isTerminal(jobRow(jid, live.job).status);
    const record = hasEnded ? live.job : await live.follow(store, working);
    // What the record counts may arrive after it.
    return endingOf(store, jid, record, warn, session.format === "text" ? undefined : wholeRecords());
  });
  try {
    const ending = await Promise.race([following, failure.promise]);
    watch.end(ending);
    tellNext([ending], session);
    return endingCode(ending);
  } finally {
    leave.now();
  }
}
