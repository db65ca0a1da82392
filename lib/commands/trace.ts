import type { ArgsDef } from "citty";
import { defineCommand, type Flags } from "../cli/command.ts";
import type { ValueMap } from "../codec/value.ts";
import { untilAnswered } from "../jobs/answers.ts";
import { untilTerminal } from "../jobs/ends.ts";
import { followEvents } from "../jobs/events.ts";
import { type Link, linkLines, persist } from "../jobs/follow.ts";
import { readJob, resolveJob } from "../jobs/lookup.ts";
import { type Reading, readStory } from "../jobs/story.ts";
import { endingOf } from "../jobs/waiting.ts";
import { parseJid } from "../model/jid.ts";
import { isTerminal, jobRow, unknownStateWords } from "../model/job.ts";
import { endingCode } from "../model/job-end.ts";
import { peelWidth } from "../model/returns.ts";
import { type JobEvent, Steps } from "../model/story.ts";
import { keyed, wholeDocument } from "../render/document.ts";
import { eventLine, renderStory, stepDocument, storyDocument } from "../render/story.ts";
import type { LiveStore } from "../store.ts";
import { sweepAfter } from "../sweep.ts";
import { tellNext, writeLine, writeView } from "./answer.ts";
import { warnOfUnknown } from "./following.ts";
import { noteReference, warnReference } from "./selecting.ts";
import { type LiveSession, type Session, withReading, withSession } from "./session.ts";
import { formats, type GlobalArgs, globals, jid, selectFirst } from "./shared.ts";

const args = {
  ...globals,
  jid,
  format: formats("text|json|jsonl|yaml"),
  follow: { type: "boolean", alias: "f", description: "follow until the job ends" },
  all: { type: "boolean", description: "show every peel and event on a terminal" },
} as const satisfies ArgsDef;

type TraceArgs = Flags<typeof args>;

/** How long after the last story its last events may arrive. */
const LAST_EVENTS_MS = 500;

/** How a job ended, when its peels have answered a cancel signal. @param record the terminal one */
const lastStory = async (store: LiveStore, jid: string, record: ValueMap) =>
  untilAnswered(store, await endingOf(store, jid, record, () => {}));

/** Shows each event as it arrives, until the job has ended. Continues after a lost connection. */
async function follow(
  session: LiveSession,
  link: Link,
  jid: string,
  job: ValueMap,
  onRecord: (record: ValueMap) => void,
): Promise<Reading> {
  const { terminal } = session;
  const wide = peelWidth(job);
  let shown = 0;
  return persist(session, link, async (store, working) => {
    const steps = new Steps(job);
    const over = new AbortController();
    let last: Reading | undefined;
    // The record shows the end a little earlier or later than its event, and others may publish what looks like an end: it has
    // to be the state of the record.
    const isWhole = () =>
      last !== undefined &&
      steps.all.length >= last.story.steps.length &&
      steps.all.some(({ end }) => end === last?.row.status);
    const onEvent = (event: JobEvent) => {
      const step = steps.add(event);
      if (step && steps.all.length > shown) {
        shown = steps.all.length;
        const text = () => eventLine(step, { ...terminal, header: shown === 1 }, wide);
        writeLine(session, text, () => stepDocument(step));
      }
      if (isWhole()) over.abort();
    };
    const ended = untilTerminal(store, jid, { onRecord, working }).then(async (record) => {
      last = await lastStory(store, jid, record);
      if (isWhole()) over.abort();
      else setTimeout(() => over.abort(), LAST_EVENTS_MS);
      return last;
    });
    const events = followEvents(store, jid, onEvent, { stop: over.signal, caughtUp() {} });
    const [why, reading] = await Promise.all([events, ended]);
    if (why !== undefined) terminal.warn(`${why} The events are not shown.`);
    return reading;
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
    const last = eventsShown
      ? await follow(session, link, jid, job, onRecord)
      : await persist(session, link, async (store, working) =>
          lastStory(store, jid, hasEnded ? job : await untilTerminal(store, jid, { onRecord, working })),
        );
    if (!eventsShown || !isLines)
      tellNext([await persist(session, link, () => show(session, jid, { all, eventsShown }))], session);
    return endingCode(last);
  };
  return await withSession(args, work, { isDrawn: true });
}

export default defineCommand({
  meta: {
    description: "show the timeline of a job and the state of each peel",
    group: "Follow",
    flagsElsewhere: selectFirst,
    renamed: { "all-peels": "--all" },
    details:
      "`zester help states` explains the states of peels. Times count from the dispatch, by the server's clock. With --follow on a terminal: the screen of `zester job watch <jid>`. With --follow --all, or --follow in a pipe: one line per event. After a cancel signal it also follows peels that have not returned, for up to 10 seconds.",
    exitCodes: "0 done, 1 error; with --follow: as `zester job wait`",
    example: "zester job trace 20260115-002 --follow",
  },
  args,
  parse,
  run,
});
