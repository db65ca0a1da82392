// Dispatching a new job, never twice: a second request has the same bytes, and masters answer it without dispatching again
// (docs/contributing.md, "Dispatch"). Without an answer, the bucket shows whether a master has the job.
import { decode, ifDecodable } from "../codec/decode.ts";
import { asText } from "../codec/value.ts";
import { Transient, UserError } from "../errors.ts";
import { isPastClaimed, type JobRow } from "../model/job.ts";
import type { Dispatched } from "../model/retry.ts";
import type { JobEvent } from "../model/story.ts";
import type { NewJob, Store } from "../store.ts";
import { safe } from "../text.ts";
import { readEvents } from "./events.ts";
import { NEVER, type Reopenable, reopen } from "./follow.ts";
import { toJob } from "./job-table.ts";

/** Undefined when the answer is not that of a master. */
type MasterAnswer = "accepted" | { readonly error: string } | undefined;

function answerIn(bytes: Uint8Array, jid: string): MasterAnswer {
  const answer = ifDecodable(
    () => decode(bytes),
    () => undefined,
  );
  if (!(answer instanceof Map)) return undefined;
  const error = answer.get("error") ?? "";
  if (error !== "") return { error: asText(error) ?? "an error without a message" };
  return answer.get("jid") === jid ? "accepted" : undefined;
}

type FoundJob = { readonly row: JobRow } | "none" | { readonly why: string };

const CONNECTIONS = 3;

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

/** How long to look whether a master has sent the job that it accepted. */
const SENDING = { waitMs: 1_000, pauseMs: 50 } as const;

async function wasSent(store: Store, jid: string): Promise<boolean> {
  let sent = false;
  const add = ({ kind }: JobEvent) => {
    sent ||= kind === "dispatch" || kind === "ack";
  };
  await readEvents(store, jid, { add, again: () => {} });
  return sent;
}

/** The progress of an accepted job. A master can answer before it writes the record and sends the job. */
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

/** A job without a record after this time is not taken over by another master. */
const RECORD_MS = 60_000;

/** Waits for the record of an accepted job. @throws UserError when none appears */
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

/** `refused` if it is certain that no master has the job. */
type RequestAttempt = Dispatched | { readonly kind: "refused"; readonly error: UserError };

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
        : "the answer is not from a master.";
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
 * Sends a new job to the masters; once more if neither an answer nor the bucket shows that a master has it.
 * @param tell receives the reason for a second request
 * @throws UserError when it is certain that no master has the job
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
  // The receiver of the first request can still accept it.
  return { kind: "unknown", why: `${first.why} The second time: ${second.error.message}` };
}
