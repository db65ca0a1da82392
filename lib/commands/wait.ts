// zester job wait

import { endingOf, linkWarnings, persist, untilTerminal } from "../jobs/follow.ts";
import { findStuck } from "../jobs/heartbeats.ts";
import { readJob, resolveJob } from "../jobs/lookup.ts";
import { type Ending, endingCode, worstCode } from "../model/ending.ts";
import { parseJid } from "../model/jid.ts";
import { jobRow } from "../model/job.ts";
import { stuckHint, stuckWords } from "../model/stuck.ts";
import { endingDocument, endingText } from "../render/ending.ts";
import { withoutReader } from "../terminal/terminal.ts";
import { safe } from "../text.ts";
import type { WaitArgs } from "./flags.ts";
import { LONGER, notEnded, waitLimit, within } from "./limit.ts";
import { writeDocument } from "./output.ts";
import { type Session, withSession } from "./session.ts";

async function waitForAll(session: Session, texts: readonly string[], open: Set<string>): Promise<Ending[]> {
  const link = linkWarnings(session, session.terminal.warn);
  const names = await persist(session, link, (store) =>
    Promise.all(texts.map(async (text) => (await resolveJob(store, text)).jid)),
  );
  for (const jid of names) open.add(jid);
  const endings = new Map<string, Ending>();
  await persist(session, link, (store) =>
    Promise.all(
      [...open].map(async (jid) => {
        const record = await untilTerminal(store, jid);
        endings.set(jid, await endingOf(store, jid, record, session.terminal.warn));
        open.delete(jid);
      }),
    ),
  );
  return [...new Set(names)].flatMap((jid) => endings.get(jid) ?? []);
}

/** How often, in ms, a person who waits is told of jobs that are stuck, and how many are looked at. */
const LOOK = { everyMs: 3_000, most: 32 };

/** Tells a person which of the open jobs are stuck, each once. @returns what ends that */
function tellStuck(session: Session, open: ReadonlySet<string>): () => void {
  const { terminal } = session;
  if (!terminal.canTell) return () => {};
  const told = new Set<string>();
  const look = async () => {
    const { store } = session; // another one after a lost connection
    const jids = [...open].filter((jid) => !told.has(jid)).slice(0, LOOK.most);
    const rows = await Promise.all(jids.map(async (jid) => jobRow(jid, await readJob(store, jid))));
    for (const [jid, stuck] of await findStuck(store, rows)) {
      told.add(jid);
      terminal.warn(`job ${jid} is stuck: ${stuckWords(stuck)}. ${stuckHint(stuck)}`);
    }
  };
  // When a job or the connection is gone, that is told elsewhere.
  const timer = setInterval(() => void look().catch(() => {}), LOOK.everyMs);
  return () => clearInterval(timer);
}

export async function run(flags: WaitArgs): Promise<number | undefined> {
  const texts = flags._.map(parseJid);
  const { limit, rest } = waitLimit(flags);
  const work = async (session: Session) => {
    const open = new Set<string>();
    const stop = tellStuck(session, open);
    const waiting = waitForAll(session, texts, open).finally(stop);
    const endings = await within(limit, waiting, (limit) => {
      throw notEnded(open, limit, LONGER);
    });
    const { format } = session;
    const now = new Date();
    const terminal = withoutReader(session.terminal);
    if (format === "text")
      terminal.write(
        endings.map((ending) => `Job ${safe(ending.row.jid)} ${endingText(ending, now)}\n`).join(""),
      );
    else await writeDocument(endings.map(endingDocument), format, terminal);
    return worstCode(endings.map(endingCode));
  };
  return await withSession(rest, work, { limit });
}
