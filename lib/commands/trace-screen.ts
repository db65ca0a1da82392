// `trace --follow` on a terminal: one picture in place until the job has ended.
import type { ValueMap } from "../codec/value.ts";
import { linkNote, persist } from "../jobs/follow.ts";
import { LiveJob } from "../jobs/live.ts";
import { unknownStateWords } from "../model/job.ts";
import { renderPicture } from "../render/story.ts";
import { Screen, screenSize } from "../terminal/screen.ts";
import { safe } from "../text.ts";
import type { LiveSession } from "./session.ts";

/** At most this share of the time is spent on pictures. */
const SHARE = 1 / 5;

/** Draws a job until it has ended. @param leave is set to what gives the terminal back. @returns the terminal record */
export async function followOnScreen(
  session: LiveSession,
  jid: string,
  job: ValueMap,
  leave: { now: () => void },
): Promise<ValueMap> {
  const { terminal } = session;
  const failure = Promise.withResolvers<never>();
  let note = "";
  let lines: readonly string[] = ["reading…"];
  let nextMs = 0;
  const picture = () => {
    const began = Date.now();
    if (began < nextMs || !live.caughtUp) return lines;
    const sight = live.sight(session.store.nowNs());
    const size = screenSize(terminal);
    const now = new Date(Number(sight.nowNs / 1_000_000n));
    const words = note || safe(unknownStateWords([sight.row]) ?? "");
    lines = renderPicture(sight, terminal, size, { note: words, now });
    nextMs = began + (Date.now() - began) / SHARE;
    return lines;
  };
  const screen = new Screen(terminal, picture, failure.reject);
  const live = new LiveJob(jid, job, () => screen.change());
  const setNote = (text: string) => {
    note = text;
    screen.change();
  };
  const link = linkNote(session, "picture", (text) => setNote(safe(text)));
  leave.now = () => screen.close();
  screen.open();
  try {
    return await Promise.race([
      persist(session, link, (store, working) => live.follow(store, working)),
      failure.promise,
    ]);
  } finally {
    screen.close();
  }
}
