// zester job trace

import { defineCommand } from "../cli/command.ts";
import { toJsonLine } from "../codec/json.ts";
import type { ValueMap } from "../codec/value.ts";
import { followEvents } from "../jobs/events.ts";
import { type Link, linkLines, persist, untilTerminal } from "../jobs/follow.ts";
import { readJob, resolveJob } from "../jobs/lookup.ts";
import { type Reading, readStory } from "../jobs/story.ts";
import { parseJid } from "../model/jid.ts";
import { isTerminal, jobRow } from "../model/job.ts";
import { peelWidth } from "../model/returns.ts";
import { sourceOf } from "../model/source.ts";
import { type JobEvent, type Step, Steps } from "../model/story.ts";
import type { Store } from "../nats/store.ts";
import { keyed } from "../render/document.ts";
import { renderEvents, renderStory, renderTimeline, stepDocument, storyDocument } from "../render/story.ts";
import { trace as args, type TraceArgs } from "./flags.ts";
import { noteWord } from "./job-word.ts";
import { trace as meta } from "./manual.ts";
import { writeDocument } from "./output.ts";
import { type Session, withSession } from "./session.ts";
import { WITH_LINES } from "./surroundings.ts";
import { followOnScreen } from "./trace-screen.ts";

/** How long the event of the end may come after the record that says so. */
const LAST_WORDS_MS = 500;

/** Shows each event as it comes, until the job has ended. After a lost connection it goes on where it was. */
async function follow(session: Session, link: Link, jid: string, job: ValueMap): Promise<void> {
  const { terminal, format } = session;
  const wide = peelWidth(job);
  let shown = 0;
  const show = (step: Step, nth: number) => {
    if (nth <= shown) return;
    shown = nth;
    if (format === "jsonl") terminal.write(`${toJsonLine(stepDocument(step))}\n`);
    else terminal.write(renderEvents([step], { ...terminal, header: nth === 1 }, wide));
  };
  await persist(session, link, async (store) => {
    const over = new AbortController();
    const steps = new Steps(job);
    const onEvent = (event: JobEvent) => {
      const step = steps.add(event);
      if (step) show(step, steps.all.length);
      if (event.kind === "status") over.abort();
    };
    const end = untilTerminal(store, jid).then(() => setTimeout(() => over.abort(), LAST_WORDS_MS));
    const events = followEvents(store, jid, onEvent, { stop: over.signal, caughtUp: () => {} });
    await Promise.all([events.then((why) => why && terminal.warn(`${why} The events are not shown.`)), end]);
  });
}

/** Waits for the event of the end, which may come a little after the record. */
async function awaitEnd(store: Store, jid: string): Promise<void> {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), LAST_WORDS_MS);
  const onEvent = ({ kind }: JobEvent) => {
    if (kind === "status") over.abort();
  };
  await followEvents(store, jid, onEvent, { stop: over.signal, caughtUp: () => {} }).finally(() => clearTimeout(timer));
}

/** Where the story of a job can't be told whole, why. */
function gaps({ row, job, story, noReturns, noEvents, noHeartbeats }: Reading): string[] {
  const cut = `the stream does not reach back to the dispatch of job ${row.jid}: peels without an ack are shown as missing.`;
  const isCut = !story.whole && sourceOf(job) !== "schedule";
  return [noEvents ?? (isCut ? cut : undefined), noReturns, noHeartbeats].filter((text) => text !== undefined);
}

/** Shows the whole story. @param eventsShown its events were shown as they came */
async function show(
  session: Session,
  jid: string,
  { allPeels, eventsShown }: { allPeels: boolean; eventsShown: boolean },
): Promise<void> {
  const { store, terminal, format } = session;
  const reading = await readStory(store, jid, await readJob(store, jid), terminal.warn);
  const { job, story } = reading;
  gaps(reading).forEach(terminal.warn);
  if (format === "jsonl") terminal.write(story.steps.map((step) => `${toJsonLine(stepDocument(step))}\n`).join(""));
  else if (format !== "text") await writeDocument(storyDocument(keyed(job, { jid }), reading), format, terminal);
  else {
    const timeline = eventsShown || story.steps.length === 0 ? "" : renderTimeline(story, terminal, allPeels);
    const text = renderStory(reading, terminal, { now: store.now(), allPeels });
    terminal.write(`${eventsShown ? "\n" : ""}${text}${timeline && "\n"}${timeline}`);
  }
}

async function run(flags: TraceArgs): Promise<number | undefined> {
  const text = parseJid(flags.jid);
  const allPeels = flags["all-peels"] === true;
  const leave = { now: () => {} };
  return await withSession(
    flags,
    async (session) => {
      const { jid, job } = await resolveJob(session.store, text, noteWord(session.terminal));
      if (!flags.follow || isTerminal(jobRow(jid, job).status)) {
        await show(session, jid, { allPeels, eventsShown: false });
        return undefined;
      }
      const link = linkLines(session, session.terminal.say);
      if (session.format === "text" && session.terminal.isTty) {
        await followOnScreen(session, jid, job, leave);
        await persist(session, link, async (store) => {
          await awaitEnd(store, jid);
          await show(session, jid, { allPeels, eventsShown: false });
        });
        return undefined;
      }
      const eventsShown = session.format === "text" || session.format === "jsonl";
      if (eventsShown) await follow(session, link, jid, job);
      else await persist(session, link, (store) => untilTerminal(store, jid));
      if (session.format !== "jsonl") await persist(session, link, () => show(session, jid, { allPeels, eventsShown }));
      return undefined;
    },
    { formats: WITH_LINES, onSignal: () => leave.now() },
  );
}

export default defineCommand({ meta, args, run: ({ args }) => run(args) });
