// zester job trace

import { toJsonLine } from "../codec/json.ts";
import type { ValueMap } from "../codec/value.ts";
import { type Link, linkWarnings, persist, untilTerminal } from "../jobs/follow.ts";
import { orNoBucket, readJob, readReturns, resolveJob } from "../jobs/lookup.ts";
import { parseJid } from "../model/jid.ts";
import { isTerminal, jobRow } from "../model/job.ts";
import { lifeOf, type Step, Steps } from "../model/life.ts";
import { peelWidth } from "../model/returns.ts";
import { PermissionDenied } from "../nats/connection.ts";
import { NoBucket, type Store } from "../nats/store.ts";
import { keyed } from "../render/document.ts";
import { lifeDocument, renderEvents, renderLife, renderTimeline, stepDocument } from "../render/life.ts";
import type { TraceArgs } from "./flags.ts";
import { writeDocument } from "./output.ts";
import { type Session, WITH_LINES, withSession } from "./session.ts";

/**
 * The events of a job; without any when the deployment has no stream of events, or when it may not be read.
 * @param onStep sees each step
 * @returns what to warn of
 */
async function readEvents(
  store: Store,
  jid: string,
  steps: Steps,
  onStep: (step: Step) => void = () => {},
  stop?: AbortSignal,
): Promise<string | undefined> {
  try {
    const follow = stop && { stop, caughtUp: () => {} };
    await store.events(jid, (event) => onStep(steps.add(event)), follow);
    return undefined;
  } catch (error) {
    if (!(error instanceof NoBucket || error instanceof PermissionDenied)) throw error;
    return `${error.message} What follows is what the buckets know: which peels accepted the job is not known.`;
  }
}

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
    const steps = new Steps();
    const onStep = (step: Step) => {
      show(step, steps.all.length);
      if (step.end !== undefined) over.abort();
    };
    const end = untilTerminal(store, jid).then(() => setTimeout(() => over.abort(), LAST_WORDS_MS));
    await Promise.all([readEvents(store, jid, steps, onStep, over.signal), end]);
  });
}

/** Shows the whole life. @param eventsShown its events were shown as they came */
async function show(
  session: Session,
  jid: string,
  { allPeels, eventsShown }: { allPeels: boolean; eventsShown: boolean },
): Promise<void> {
  const { store, terminal, format } = session;
  const steps = new Steps();
  const [job, found, missing] = await Promise.all([
    readJob(store, jid),
    readReturns(store, jid, terminal.warn).catch(orNoBucket),
    readEvents(store, jid, steps),
  ]);
  const life = lifeOf(jid, job, found instanceof NoBucket ? [] : found, steps, store.nowNs());
  if (missing !== undefined) terminal.warn(missing);
  else if (!life.whole)
    terminal.warn(
      `the stream does not reach back to the dispatch of job ${jid}: peels without an ack are shown as missing.`,
    );
  if (found instanceof NoBucket) terminal.warn(`${found.message} The returns are those of the events.`);
  if (format === "jsonl")
    terminal.write(life.steps.map((step) => `${toJsonLine(stepDocument(step))}\n`).join(""));
  else if (format !== "text") await writeDocument(lifeDocument(keyed(job, { jid }), life), format, terminal);
  else {
    const timeline = eventsShown || life.steps.length === 0 ? "" : renderTimeline(life, terminal, allPeels);
    const text = renderLife(job, jobRow(jid, job), life, terminal, { now: new Date(), allPeels });
    terminal.write(`${eventsShown ? "\n" : ""}${text}${timeline && "\n"}${timeline}`);
  }
}

export async function run(flags: TraceArgs): Promise<number | undefined> {
  const text = parseJid(flags.jid);
  const allPeels = flags["all-peels"] === true;
  return await withSession(
    flags,
    async (session) => {
      const { jid, job } = await resolveJob(session.store, text);
      if (!flags.follow || isTerminal(jobRow(jid, job).status)) {
        await show(session, jid, { allPeels, eventsShown: false });
        return undefined;
      }
      const link = linkWarnings(session, session.terminal.warn);
      const eventsShown = session.format === "text" || session.format === "jsonl";
      if (eventsShown) await follow(session, link, jid, job);
      else await persist(session, link, (store) => untilTerminal(store, jid));
      if (session.format !== "jsonl")
        await persist(session, link, () => show(session, jid, { allPeels, eventsShown }));
      return undefined;
    },
    { formats: WITH_LINES },
  );
}
