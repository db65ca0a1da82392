// zester job wait

import { endingOf, linkWarnings, persist, untilTerminal } from "../jobs/follow.ts";
import { findStuck } from "../jobs/heartbeats.ts";
import { resolveJob } from "../jobs/lookup.ts";
import { type Ending, endingCode, worstCode } from "../model/ending.ts";
import { parseJid } from "../model/jid.ts";
import { type JobRow, jobRow } from "../model/job.ts";
import { type Stuck, stuckHint, stuckWords } from "../model/stuck.ts";
import { endingDocument, endingText } from "../render/ending.ts";
import { withoutReader } from "../terminal/terminal.ts";
import { safe } from "../text.ts";
import type { WaitArgs } from "./flags.ts";
import { noteWord } from "./job-word.ts";
import { LONGER, notEnded, waitLimit, within } from "./limit.ts";
import { writeDocument } from "./output.ts";
import { type Session, withSession } from "./session.ts";

/** The pause between two looks at the masters of the jobs that are waited for, in ms. */
const LOOK_MS = 1_500;

/** Says once of each job that it is stuck, and again when it got going in between. @returns what ends that */
function tellStuck(session: Session, rows: ReadonlyMap<string, JobRow>): () => void {
  let told: ReadonlyMap<string, Stuck> = new Map();
  const look = async () => {
    const found = await findStuck(session.store, [...rows.values()]);
    for (const [jid, stuck] of found)
      if (!told.has(jid)) session.terminal.warn(`job ${jid} is stuck: ${stuckWords(stuck)}. ${stuckHint(stuck)}`);
    told = found;
  };
  // When the connection is lost, that is said elsewhere.
  const timer = setInterval(() => void look().catch(() => {}), LOOK_MS);
  return () => clearInterval(timer);
}

async function waitForAll(session: Session, texts: readonly string[], open: Set<string>): Promise<Ending[]> {
  const link = linkWarnings(session, session.terminal.warn);
  const names = await persist(session, link, (store) =>
    Promise.all(texts.map(async (text) => (await resolveJob(store, text, noteWord(session.terminal))).jid)),
  );
  for (const jid of names) open.add(jid);
  const endings = new Map<string, Ending>();
  const rows = new Map<string, JobRow>();
  const quiet = session.terminal.canTell ? tellStuck(session, rows) : () => {};
  await persist(session, link, (store) =>
    Promise.all(
      [...open].map(async (jid) => {
        const record = await untilTerminal(store, jid, (newest) => rows.set(jid, jobRow(jid, newest)));
        rows.delete(jid);
        endings.set(jid, await endingOf(store, jid, record, session.terminal.warn));
        open.delete(jid);
      }),
    ),
  ).finally(quiet);
  return [...new Set(names)].flatMap((jid) => endings.get(jid) ?? []);
}

export async function run(flags: WaitArgs): Promise<number | undefined> {
  const texts = flags._.map(parseJid);
  const { limit, rest } = waitLimit(flags);
  const work = async (session: Session) => {
    const open = new Set<string>();
    const waiting = waitForAll(session, texts, open);
    const endings = await within(limit, waiting, (limit) => {
      throw notEnded(open, limit, LONGER);
    });
    const { format } = session;
    const now = new Date();
    const terminal = withoutReader(session.terminal);
    if (format === "text")
      terminal.write(endings.map((ending) => `Job ${safe(ending.row.jid)} ${endingText(ending, now)}\n`).join(""));
    else await writeDocument(endings.map(endingDocument), format, terminal);
    return worstCode(endings.map(endingCode));
  };
  return await withSession(rest, work, { limit });
}
