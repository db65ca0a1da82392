// `watch <jid>` without a screen: a line for each return of the job as it arrives, then one for its end.

import { untilAnswered } from "../jobs/answers.ts";
import { linkLines, NEVER, persist } from "../jobs/follow.ts";
import { LiveJob } from "../jobs/live.ts";
import { resolveJob, wholeRecords } from "../jobs/lookup.ts";
import type { Reading } from "../jobs/story.ts";
import { type Rhythm, repeat } from "../jobs/turns.ts";
import { endingOf } from "../jobs/waiting.ts";
import { isTerminal, jobRow } from "../model/job.ts";
import { endingCode } from "../model/job-end.ts";
import type { Narrowing } from "../model/job-reference.ts";
import type { PeelState } from "../model/peel-state.ts";
import { peelWidth } from "../model/returns.ts";
import type { PeelStory } from "../model/story.ts";
import { returnDocument } from "../render/document.ts";
import { endingDocument, endingLine } from "../render/ending.ts";
import type { Telling } from "../render/facts.ts";
import { watchLine } from "../render/opened.ts";
import { returnLine } from "../render/peels.ts";
import { tellNext, writeLine } from "./answer.ts";
import { unknownFault, warnOfUnknown } from "./following.ts";
import { noteReference } from "./selecting.ts";
import type { LiveSession, WaitLimit } from "./session.ts";

/** How often new returns are shown. */
const SHOW_RHYTHM: Rhythm = { pauseMs: 100, share: 1 / 5 };

/**
 * Shows one job until it ends.
 * @param waitLimit without one, a job in an unknown state is an error
 * @param open receives the ID of the job
 * @returns the exit code of `wait`
 */
export async function watchJob(
  session: LiveSession,
  text: string,
  narrowing: Narrowing,
  waitLimit: WaitLimit | undefined,
  open: Set<string>,
): Promise<number> {
  const { terminal, isText } = session;
  const { jid, job } = await resolveJob(session.store, text, noteReference(terminal), narrowing);
  open.add(jid);
  const wide = peelWidth(job);
  const tellUnknown = warnOfUnknown(terminal);
  const printed = new Map<string, PeelState>();
  let hasBegun = false;
  let hasNews = true;
  const live = new LiveJob(jid, job, () => {
    hasNews = true;
  });
  /** Prints peels that returned, once for each state. */
  const show = (telling: Omit<Telling, "stuck">, isShown: (peel: PeelStory) => boolean) => {
    if (!hasBegun && isText) terminal.write(watchLine(telling));
    hasBegun = true;
    const peels = new Map(telling.story.peels.map((peel) => [peel.peel, peel]));
    for (const one of [...live.touched].flatMap((id) => peels.get(id) ?? [])) {
      const { peel, state, returned } = one;
      if (!returned || !isShown(one) || printed.get(peel) === state) continue;
      printed.set(peel, state);
      writeLine(
        session,
        () => returnLine(one, terminal, wide),
        () => returnDocument(jid, returned),
      );
    }
    live.touched.clear();
  };
  const look = async () => {
    if (!live.caughtUp || !hasNews) return;
    hasNews = false;
    const sight = live.reading(session.store.nowNs());
    // A master that still watches the job stores a late return: then the peel is not late.
    show(sight, ({ state }) => state !== "late");
    const fault = waitLimit ? undefined : unknownFault([sight.row]);
    if (fault) throw fault;
    tellUnknown([sight.row]);
  };
  const over = new AbortController();
  const looking = repeat(SHOW_RHYTHM, over.signal, look);
  const showAll = (reading: Reading) => {
    for (const { peel } of reading.story.peels) live.touched.add(peel);
    show(reading, () => true);
  };
  const reader = () => (isText ? undefined : wholeRecords());
  const following = persist(session, linkLines(session, terminal.say), async (store, working) => {
    const hasEnded = isTerminal(jobRow(jid, live.job).status);
    const record = hasEnded ? live.job : await live.follow(store, working);
    // Returns that the record counts may arrive after it.
    const reading = await endingOf(store, jid, record, terminal.warn, reader());
    showAll(reading);
    return untilAnswered(store, reading, { reader, seen: showAll });
  });
  try {
    const ending = await Promise.race([following, looking.then(() => NEVER)]);
    writeLine(
      session,
      () => endingLine(ending, session.store.now(), terminal.columns),
      () => endingDocument(ending),
    );
    tellNext([ending], session);
    return endingCode(ending);
  } finally {
    over.abort();
  }
}
