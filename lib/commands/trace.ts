import type { ArgsDef } from "citty";
import { defineCommand, type Flags } from "../cli/command.ts";
import type { ValueMap } from "../codec/value.ts";
import { untilTerminal } from "../jobs/ends.ts";
import { followEvents } from "../jobs/events.ts";
import { type Link, linkLines, persist } from "../jobs/follow.ts";
import { readJob, resolveJob } from "../jobs/lookup.ts";
import { type Reading, readStory } from "../jobs/story.ts";
import { parseJid } from "../model/jid.ts";
import { isTerminal, jobRow, unknownStateWords } from "../model/job.ts";
import { peelWidth } from "../model/returns.ts";
import { type JobEvent, Steps } from "../model/story.ts";
import { keyed, wholeDocument } from "../render/document.ts";
import { eventLine, renderStory, stepDocument, storyDocument } from "../render/story.ts";
import { sweepAfter } from "../sweep.ts";
import { tellNext, writeLine, writeView } from "./answer.ts";
import { warnOfUnknown } from "./following.ts";
import { noteReference, warnReference } from "./selecting.ts";
import { type LiveSession, type Session, withReading, withSession } from "./session.ts";
import { formats, type GlobalArgs, globals, jid } from "./shared.ts";

const args = {
  ...globals,
  jid,
  format: formats("text|json|jsonl|yaml"),
  follow: { type: "boolean", alias: "f", description: "follow until the job ends" },
  all: { type: "boolean", description: "show every peel and event on a terminal" },
} as const satisfies ArgsDef;

type TraceArgs = Flags<typeof args>;

/** How long after the final record the event of the end may arrive. */
const LAST_WORDS_MS = 500;

/** Shows each event as it arrives, until the job has ended. Continues after a lost connection. */
async function follow(
  session: LiveSession,
  link: Link,
  jid: string,
  job: ValueMap,
  onRecord: (record: ValueMap) => void,
): Promise<void> {
  const { terminal } = session;
  const wide = peelWidth(job);
  let shown = 0;
  await persist(session, link, async (store, working) => {
    const steps = new Steps(job);
    const over = new AbortController();
    // The event of the end is the last one. The record shows the end a little earlier or later, and others may
    // publish what looks like an end: it has to be the state of the record.
    let status: string | undefined;
    const onEvent = (event: JobEvent) => {
      const step = steps.add(event);
      if (step && steps.all.length > shown) {
        shown = steps.all.length;
        const text = () => eventLine(step, { ...terminal, header: shown === 1 }, wide);
        writeLine(session, text, () => stepDocument(step));
      }
      if (step?.end !== undefined && step.end === status) over.abort();
    };
    const ended = untilTerminal(store, jid, { onRecord, working }).then((record) => {
      status = jobRow(jid, record).status ?? "";
      if (steps.all.some(({ end }) => end === status)) over.abort();
      else setTimeout(() => over.abort(), LAST_WORDS_MS);
    });
    const events = followEvents(store, jid, onEvent, { stop: over.signal, caughtUp() {} });
    const [why] = await Promise.all([events, ended]);
    if (why !== undefined) terminal.warn(`${why} The events are not shown.`);
  });
}

/** Why a part of the story cannot be shown, if so. */
function gaps({ row, story, noReturns, noEvents, noHeartbeats }: Reading): string[] {
  const unknown = unknownStateWords([row]);
  const cut = `the stream does not reach back to the dispatch of job ${row.jid}: peels without an ack are shown as missing.`;
  const isCut = !story.whole && row.source !== "schedule";
  return [unknown && `${unknown}.`, noEvents ?? (isCut ? cut : undefined), noReturns, noHeartbeats].filter(
    (text) => text !== undefined,
  );
}

/** Shows the whole story. @param eventsShown its events were shown as they arrived */
async function show(
  session: Session,
  jid: string,
  { all, eventsShown }: { all: boolean; eventsShown: boolean },
): Promise<Reading> {
  const { store, terminal, isLines } = session;
  const reading = await readStory(store, jid, await readJob(store, jid), terminal.warn);
  const { job, story } = reading;
  gaps(reading).forEach(terminal.warn);
  sweepAfter(story.peels.length);
  const long = () => storyDocument(keyed(job, { jid }), reading);
  const view = {
    size: 1,
    isOne: true,
    *text() {
      if (eventsShown) yield "\n";
      yield* renderStory(reading, terminal, { now: store.now(), allPeels: all, events: !eventsShown });
    },
    documents: () => (isLines ? story.steps.values().map(stepDocument) : [wholeDocument(long())]),
    long,
  };
  await writeView(view, session);
  return reading;
}

interface TraceRequest {
  /** An ID, a prefix, or a word such as @last. */
  readonly job: string;
  readonly follow: boolean;
  readonly all: boolean;
}

const parse = (flags: TraceArgs): TraceRequest => ({
  job: parseJid(flags.jid),
  follow: flags.follow === true,
  all: flags.all === true,
});

async function run({ job: text, all, ...request }: TraceRequest, args: GlobalArgs): Promise<number | undefined> {
  const noted = ({ store, terminal }: Session) => resolveJob(store, text, noteReference(terminal));
  if (!request.follow)
    return withReading(args, async (session) => {
      await show(session, (await noted(session)).jid, { all, eventsShown: false });
      return undefined;
    });
  const work = async (session: LiveSession) => {
    const { store, terminal, isText, isLines } = session;
    if (isText && terminal.isTty && !all) {
      // The screen shows which job a word names.
      const first = await resolveJob(store, text, warnReference(terminal));
      // Loaded on use: lines need neither keys nor a screen.
      const { watchOnScreen } = await import("./watch-screen.ts");
      return await watchOnScreen(session, {
        selection: { matches: () => true, text: "" },
        first,
        waitLimit: undefined,
      });
    }
    const { jid, job } = await noted(session);
    const hasEnded = isTerminal(jobRow(jid, job).status);
    const link = linkLines(session, terminal.say);
    const eventsShown = !hasEnded && (isText || isLines);
    const tellUnknown = warnOfUnknown(terminal);
    const onRecord = (record: ValueMap) => tellUnknown([jobRow(jid, record)]);
    if (eventsShown) await follow(session, link, jid, job, onRecord);
    else if (!hasEnded)
      await persist(session, link, (store, working) => untilTerminal(store, jid, { onRecord, working }));
    if (eventsShown && isLines) return undefined;
    tellNext([await persist(session, link, () => show(session, jid, { all, eventsShown }))], session);
    return undefined;
  };
  return await withSession(args, work, { isDrawn: true });
}

export default defineCommand({
  meta: {
    description: "show the timeline of a job and the state of each peel",
    group: "Follow",
    renamed: { "all-peels": "--all" },
    details:
      "`zester help states` explains the states of peels. Times count from the dispatch, by the server's clock. With --follow on a terminal: the screen of `zester job watch <jid>`. With --follow --all, or --follow in a pipe: one line per event.",
    example: "zester job trace 20260115-002 --follow",
  },
  args,
  parse,
  run,
});
