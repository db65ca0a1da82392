// zester job wait

import { EXIT, UserError } from "../errors.ts";
import { endingOf, linkWarnings, persist, untilTerminal } from "../jobs/follow.ts";
import { resolveJob } from "../jobs/lookup.ts";
import { type Ending, endingCode, worstCode } from "../model/ending.ts";
import { parseJid } from "../model/jid.ts";
import { endingDocument, endingText } from "../render/ending.ts";
import { withoutReader } from "../terminal/terminal.ts";
import { plural, safe } from "../text.ts";
import type { WaitArgs } from "./flags.ts";
import { writeDocument } from "./output.ts";
import { type Session, waitLimit, within, withSession } from "./session.ts";

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

const NAMED = 5;

function missed(open: ReadonlySet<string>, limit: string | undefined): UserError {
  const named = [...open].slice(0, NAMED).join(", ") + (open.size > NAMED ? ", …" : "");
  return new UserError(
    open.size === 0
      ? `the jobs could not be looked up within ${limit}.`
      : `after ${limit}, ${plural(open.size, "job")} had not ended: ${safe(named)}.`,
    "Wait longer with --timeout; `zester job trace <jid>` tells what a job waits for.",
    EXIT.timedOut,
  );
}

export async function run(flags: WaitArgs): Promise<number | undefined> {
  const texts = flags._.map(parseJid);
  const { limitMs, rest } = waitLimit(flags);
  const work = async (session: Session) => {
    const open = new Set<string>();
    const waiting = waitForAll(session, texts, open);
    const endings = await within(limitMs, waiting, () => missed(open, flags.timeout));
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
  return await withSession(rest, work, { limitMs });
}
