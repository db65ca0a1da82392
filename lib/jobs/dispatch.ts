// Dispatching a new job, never twice: its id is minted once, and what is sent a second time is the same bytes, which masters
// answer again without doing anything (wire.md, "Dispatch"). Without an answer the bucket tells.
import { decode, Undecodable } from "../codec/decode.ts";
import { asText } from "../codec/value.ts";
import { Transient, UserError } from "../errors.ts";
import { isPastClaimed, type JobRow } from "../model/job.ts";
import type { Dispatched } from "../model/retry.ts";
import type { JobEvent } from "../model/story.ts";
import type { NewJob, Store } from "../store.ts";
import { safe } from "../text.ts";
import { readEvents } from "./events.ts";
import { NEVER, type Reopenable, reopen } from "./follow.ts";
import { toJob } from "./read-jobs.ts";

/** What a master answered: that it has the job, why not, or something else. */
type Answer = "accepted" | { readonly error: string } | undefined;

function answerIn(bytes: Uint8Array, jid: string): Answer {
  try {
    const answer = decode(bytes);
    if (!(answer instanceof Map)) return undefined;
    const error = answer.get("error") ?? "";
    if (error !== "") return { error: asText(error) ?? "an error without words" };
    return answer.get("jid") === jid ? "accepted" : undefined;
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
    return undefined;
  }
}

/** A job as the bucket has it, `none`, or why that can't be told. */
type FoundJob = { readonly row: JobRow } | "none" | { readonly why: string };

/** Connections that a look-up is tried on. */
const CONNECTIONS = 3;

/** Looks a job up. When the connection is lost or silent, it is looked up on another one. */
async function lookUp(session: Reopenable, jid: string): Promise<FoundJob> {
  let why = "";
  for (let nth = 1; nth <= CONNECTIONS; nth++) {
    try {
      if (nth > 1) await reopen(session, session.store.timeoutMs);
      const bytes = await session.store.job(jid);
      return bytes ? { row: toJob(jid, bytes).row } : "none";
    } catch (error) {
      if (session.ending) return NEVER;
      if (!(error instanceof UserError)) throw error;
      why = error.message;
      if (!(error instanceof Transient)) break;
    }
  }
  return { why };
}

/** How long, in ms, it is looked whether a master has sent the job that it took, and the pause between two looks. */
const SENDING = { waitMs: 1_000, pauseMs: 50 } as const;

/** True when the events of a job prove that it was sent. */
async function wasSent(store: Store, jid: string): Promise<boolean> {
  let sent = false;
  const add = ({ kind }: JobEvent) => {
    sent ||= kind === "dispatch" || kind === "ack";
  };
  await readEvents(store, jid, { add, again: () => {} });
  return sent;
}

/** How far a job is that a master has taken. A master may answer before it writes the record, and before it sends the job. */
async function progressOf(session: Reopenable, jid: string): Promise<Dispatched> {
  const unknown = (why: string) =>
    ({ kind: "unknown", why: `a master has accepted it, but looking it up failed: ${why}` }) as const;
  let owner: string | undefined;
  let warnings: readonly string[] = [];
  for (let waited = 0; waited <= SENDING.waitMs; waited += SENDING.pauseMs) {
    if (waited > 0) await Bun.sleep(SENDING.pauseMs);
    const found = await lookUp(session, jid);
    if (found !== "none" && "why" in found) return unknown(found.why);
    const row = found === "none" ? undefined : found.row;
    owner = row?.owner;
    warnings = row ? [] : [`a master has accepted job ${jid}, and has not written its record yet.`];
    if (row && isPastClaimed(row.status)) return { kind: "dispatched", owner, warnings };
  }
  try {
    return { kind: (await wasSent(session.store, jid)) ? "dispatched" : "accepted", owner, warnings };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return unknown(error.message);
  }
}

/** How long, in ms, the record of a job is waited for. What has none by then is taken over by no other master. */
const RECORD_MS = 60_000;

/** Waits until a job that a master accepted has a record. @throws UserError when it gets none */
export async function untilRecorded(store: Store, jid: string): Promise<void> {
  for (const began = Date.now(); !(await store.job(jid)); ) {
    if (Date.now() - began >= RECORD_MS)
      throw new UserError(
        `a master accepted job ${jid}, but has not written its record for a minute.`,
        `It may still start: check with \`zester job show ${jid}\` before you retry again.`,
      );
    await Bun.sleep(SENDING.pauseMs);
  }
}

/** What came of one request: as Dispatched, or it is certain that no master has the job (`error`), or that can't be told. */
type RequestAttempt = Dispatched | { readonly kind: "refused"; readonly error: UserError };

/** Sends the request once. What is no clear answer is looked up in the bucket. */
async function attempt(session: Reopenable, jid: string, request: NewJob): Promise<RequestAttempt> {
  const handed = await session.store.dispatch(request);
  if ("refused" in handed) return { kind: "refused", error: handed.refused };
  const answer = "answer" in handed ? answerIn(handed.answer, jid) : undefined;
  if (answer === "accepted") return progressOf(session, jid);
  const why =
    "open" in handed
      ? handed.open
      : answer
        ? `a master answered: ${safe(answer.error)}.`
        : "what answered is no master.";
  const found = await lookUp(session, jid);
  if (found !== "none" && "row" in found) {
    const progress = await progressOf(session, jid);
    if (progress.kind === "unknown") return progress;
    const seen = `${why} But the bucket "jobs" has job ${jid}: ${safe(found.row.status || "-")}.`;
    return { ...progress, warnings: [seen, ...progress.warnings] };
  }
  if (answer)
    return {
      kind: "refused",
      error: new UserError(
        `a master refused the job: ${safe(answer.error)}. Nothing was dispatched.`,
        "`zester config check` shows which masters run; see their logs.",
      ),
    };
  const seen = found === "none" ? `The bucket "jobs" does not have job ${jid}.` : `Looking it up failed: ${found.why}`;
  return { kind: "unknown", why: `${why} ${seen}` };
}

/**
 * Hands a new job to the masters; when there is no clear answer and the bucket does not have it, once more.
 * @param tell is told what goes on before the request is sent again
 * @returns that a master or the bucket has it, or that neither tells
 * @throws UserError when it is certain that no master has it
 */
export async function dispatch(
  session: Reopenable,
  jid: string,
  request: NewJob,
  tell: (text: string) => void,
): Promise<Dispatched> {
  const first = session.ending ? await NEVER : await attempt(session, jid, request);
  if (first.kind === "refused") throw first.error;
  if (first.kind !== "unknown") return first;
  tell(`${first.why} The same request is sent once more.`);
  const second = session.ending ? await NEVER : await attempt(session, jid, request);
  if (second.kind !== "refused") return second;
  // Who had the first request may still take it.
  return { kind: "unknown", why: `${first.why} The second time: ${second.error.message}` };
}
