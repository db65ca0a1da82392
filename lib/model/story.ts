// The story of a job by peel, from its events and the buckets, by the rules of real masters (wire.md, "Subjects and the
// story of a job"). Pure.
import { asInteger, asText, type Value, type ValueMap } from "../codec/value.ts";
import { formatDuration } from "../duration.ts";
import { isTerminal, jobRow } from "./job.ts";
import { peelList, sortedByPeel } from "./peel.ts";
import { type PeelState, worstFirst } from "./peel-state.ts";
import type { ReturnData } from "./return-data.ts";
import { failureOf, type Peel, type Return, stateOfReturn, toReturn } from "./returns.ts";

/** One message of the stream `job-events`. */
export interface JobEvent {
  /** `dispatch`, `ack`, `return`, `schedule`, `cancel` or `status`. */
  readonly kind: string;
  /** Last token of the subject, which permissions guard; undefined for events of the job. */
  readonly peel: string | undefined;
  /** By the server's clock, in ns since 1970. */
  readonly storedNs: bigint;
  /** Undefined when it cannot be decoded. */
  readonly payload: Value | undefined;
  readonly returned?: Return;
}

export interface Ignored {
  readonly kind: string;
  readonly peel: string;
  readonly storedNs: bigint;
  readonly why:
    | "no target"
    | "returned again"
    | "undecodable"
    | { readonly sentAs: string }
    /** Result of the peel's own schedule, under the ID of a dispatched job. */
    | { readonly schedule: string };
}

/**
 * Why a master marked a peel unreachable. Its own text, "no heartbeat at dispatch", proves nothing (wire.md, "Return
 * record").
 */
export interface GivenUp {
  /** Sent by the peel before, and missed by the master. */
  readonly missed: "ack" | "return" | undefined;
  /** Listed in `offline_at_dispatch`. */
  readonly offline: boolean;
}

/** One event that counts; times from the dispatch, in ns. */
export interface Step {
  readonly storedNs: bigint;
  readonly afterNs: bigint;
  readonly kind: string;
  readonly peel: string | undefined;
  /** Of an ack. */
  readonly deliveredNs?: bigint;
  readonly returned?: Return;
  /** Returned after it was marked unreachable, or after the end. */
  readonly late?: boolean;
  /** Of a return that the master wrote. */
  readonly givenUp?: GivenUp;
  /** Of the end: the state. */
  readonly end?: string;
  /** Of the end: the master's reason. */
  readonly reason?: string;
  /** Of a cancel signal: the master's text about its sender. */
  readonly canceler?: string;
}

/** A peel of the job. A late peel has its real return. */
export interface PeelStory extends Peel {
  /** From dispatch to ack. All times are in ns, at least 0. */
  readonly deliveredNs: bigint | undefined;
  /** From ack to return, without the run time. */
  readonly waitedNs: bigint | undefined;
  /** Run time, by the peel's clock. */
  readonly tookNs: bigint | undefined;
  /** Since the ack, while it runs or waits. */
  readonly soFarNs: bigint | undefined;
  /** Of a queued peel: an earlier job in its queue. */
  readonly behind: string | undefined;
  /** Of a late peel: returned after the end only. */
  readonly afterEnd?: true;
  /** Of an unreachable peel. */
  readonly givenUp?: GivenUp;
  /** Marked unreachable although it had returned, at this time if known. */
  readonly missed?: { readonly afterNs: bigint | undefined };
  /** Schedule entry whose result replaced this return in the bucket. */
  readonly overwrittenBy?: string;
  /** Of a canceled job: returned as failed (`stopped`), returned ok (`finished`), or no answer. */
  readonly sinceCancel?: "stopped" | "finished" | "unanswered";
}

export interface Story {
  readonly steps: readonly Step[];
  /** Worst first, then by peel. */
  readonly peels: readonly PeelStory[];
  readonly ignored: readonly Ignored[];
  /** False when events since the dispatch are missing: then a missing ack proves nothing. */
  readonly whole: boolean;
}

/** Facts from outside record, returns and events. */
export interface JobSurroundings {
  /** The server's clock, in ns since 1970. */
  readonly nowNs: bigint;
  /** Silent peels without a heartbeat; undefined when unknown. */
  readonly offline?: ReadonlySet<string> | undefined;
  /** Peels with an earlier job in their queue, and that job. */
  readonly behind?: ReadonlyMap<string, string> | undefined;
}

const atLeastZero = (ns: bigint) => (ns > 0n ? ns : 0n);
const field = (value: Value | undefined, name: string): Value | undefined =>
  value instanceof Map ? value.get(name) : undefined;

/** A return sent by the peel. */
interface RealReturn {
  readonly returned: Return;
  readonly storedNs: bigint;
  readonly afterNs: bigint;
  /** Stored after a cancel signal or the end. */
  readonly afterCancel: boolean;
  readonly afterEnd: boolean;
  /** Marked unreachable later: the master missed it. */
  readonly missed: boolean;
}

/** The final state in an event; undefined for other events. */
export function endTold({ kind, payload }: JobEvent): string | undefined {
  const status = kind === "status" ? asText(field(field(payload, "data"), "status")) : undefined;
  return isTerminal(status) ? status : undefined;
}

const KINDS = new Map(["dispatch", "ack", "return", "schedule", "cancel", "status"].map((kind) => [kind, kind]));

/** Collects the events of one job in order. */
export class Steps {
  readonly all: Step[] = [];
  readonly ignored: Ignored[] = [];
  readonly #acks = new Map<string, bigint>();
  readonly #returns = new Map<string, RealReturn>();
  readonly #unreachable = new Map<string, { readonly returned: Return; readonly givenUp: GivenUp }>();
  /** Schedule entries whose results replaced real returns. */
  readonly #overwritten = new Map<string, string>();
  readonly #targets: readonly string[] | undefined;
  readonly #offline: ReadonlySet<string>;
  /** After a takeover the newest real return counts, not the first. */
  readonly #takenOver: boolean;
  /** Dispatched by a master: scheduled results are no returns. */
  #hasMaster: boolean;
  #isTarget: ReadonlyMap<string, string> | undefined;
  #start: bigint | undefined;
  #dispatched = false;
  #canceled = false;
  #ended = false;

  /** @param job without a list of targets, every peel is one */
  constructor(job: ValueMap) {
    this.#targets = peelList(job.get("targets"));
    this.#offline = new Set(peelList(job.get("offline_at_dispatch")));
    this.#takenOver = (asInteger(job.get("reclaim_count")) ?? 0n) > 0n;
    this.#hasMaster = Boolean(asText(job.get("owner")));
  }

  get whole(): boolean {
    return this.#dispatched;
  }

  acked(peel: string): bigint | undefined {
    return this.#acks.get(peel);
  }

  /** Time of the dispatch, or of the first event. */
  get start(): bigint | undefined {
    return this.#start;
  }

  /** The peel's own return that counts. */
  returned(peel: string): RealReturn | undefined {
    return this.#returns.get(peel);
  }

  /** The return that the master wrote. */
  unreachable(peel: string): Return | undefined {
    return this.#unreachable.get(peel)?.returned;
  }

  givenUp(peel: string): GivenUp {
    return this.#unreachable.get(peel)?.givenUp ?? this.#whyGivenUp(peel, undefined);
  }

  overwrittenBy(peel: string): string | undefined {
    return this.#overwritten.get(peel);
  }

  #whyGivenUp(peel: string, missed: GivenUp["missed"]): GivenUp {
    return { missed, offline: this.#offline.has(peel) };
  }

  /** May repeat a peel. */
  *peels(): Generator<string> {
    yield* this.#acks.keys();
    yield* this.#returns.keys();
    yield* this.#unreachable.keys();
  }

  /** @returns undefined for an event that masters ignore */
  add(told: JobEvent): Step | undefined {
    this.#isTarget ??= this.#targets && new Map(this.#targets.map((peel) => [peel, peel]));
    // Shared texts: those of an event keep its whole subject in memory.
    const peel = told.peel === undefined ? undefined : (this.#isTarget?.get(told.peel) ?? told.peel);
    const event = { ...told, kind: KINDS.get(told.kind) ?? told.kind, peel };
    const why = this.#fault(event);
    if (why !== undefined) {
      const { kind, peel = "", storedNs } = event;
      this.ignored.push({ kind, peel, storedNs, why });
      return undefined;
    }
    // A repeated dispatch had one before, whose acks may be lost.
    const reachesBack = this.#start === undefined || !isTakeover(event);
    if (event.kind === "dispatch" && !this.#dispatched && reachesBack) {
      this.#dispatched = true;
      this.#start = event.storedNs;
    }
    this.#start ??= event.storedNs;
    const afterNs = atLeastZero(event.storedNs - this.#start);
    const delivered = event.kind === "ack" && this.#dispatched && { deliveredNs: afterNs };
    const step = { ...this.#step(event, afterNs), afterNs, ...delivered };
    this.all.push(step);
    return step;
  }

  /** Why masters ignore it (wire.md, 4). */
  #fault({ kind, peel, payload }: JobEvent): Ignored["why"] | undefined {
    if (peel === undefined || (kind !== "ack" && kind !== "return" && kind !== "schedule")) return undefined;
    if (this.#isTarget && !this.#isTarget.has(peel)) return "no target";
    if (!(payload instanceof Map)) return "undecodable";
    const sentAs = asText(payload.get("peel_id"));
    // A scheduled result has no peel ID.
    if (sentAs !== peel && !(kind === "schedule" && sentAs === undefined)) return { sentAs: sentAs ?? "" };
    if (kind === "schedule" && this.#hasMaster) {
      const schedule = asText(payload.get("entry")) ?? "";
      if (this.#returns.has(peel)) this.#overwritten.set(peel, schedule);
      return { schedule };
    }
    const isReal = kind !== "ack" && payload.get("unreachable") !== true;
    const counts = !this.#returns.has(peel) || (this.#takenOver && !this.#ended);
    return isReal && !counts ? "returned again" : undefined;
  }

  #step({ kind, peel, storedNs, payload, ...event }: JobEvent, afterNs: bigint): Omit<Step, "afterNs"> {
    const step = { storedNs, kind, peel };
    if (kind === "dispatch") this.#hasMaster = true;
    if (kind === "status") {
      const data = field(payload, "data");
      const [end, reason] = [asText(field(data, "status")), asText(field(data, "reason"))];
      this.#ended ||= isTerminal(end);
      return { ...step, ...(end && { end }), ...(reason && { reason }) };
    }
    if (kind === "cancel") {
      this.#canceled = true;
      const canceler = asText(field(payload, "data"));
      return canceler ? { ...step, canceler } : step;
    }
    if (peel === undefined || !(payload instanceof Map)) return step;
    if (kind === "ack") {
      if (!this.#acks.has(peel)) this.#acks.set(peel, storedNs);
      return step;
    }
    if (kind !== "return" && kind !== "schedule") return step;
    const returned = event.returned ?? toReturn(peel, payload);
    const before = this.#returns.get(peel);
    if (returned.unreachable) {
      if (before) this.#returns.set(peel, { ...before, missed: true });
      const givenUp = this.#whyGivenUp(peel, before ? "return" : this.#acks.has(peel) ? "ack" : undefined);
      this.#unreachable.set(peel, { returned, givenUp });
      return { ...step, returned, givenUp };
    }
    const late = this.#ended || this.#unreachable.has(peel);
    const afterCancel = this.#canceled || this.#ended;
    this.#returns.set(peel, { returned, storedNs, afterNs, afterCancel, afterEnd: this.#ended, missed: false });
    this.#overwritten.delete(peel);
    return { ...step, returned, ...(late && { late }) };
  }
}

/** A dispatch repeated by a takeover. */
const isTakeover = ({ payload }: JobEvent) => {
  const count = field(field(payload, "data"), "reclaim_count");
  return typeof count === "number" || typeof count === "bigint" ? count > 0 : false;
};

/**
 * @param stored returns of the bucket: they win over events, except over late returns
 * @param steps empty without a stream of events
 */
export function storyOf(
  jid: string,
  job: ValueMap,
  stored: readonly Return[],
  steps: Steps,
  { nowNs, offline, behind }: JobSurroundings,
): Story {
  const { status } = jobRow(jid, job);
  const ended = isTerminal(status);
  const canceled = status === "canceled";
  const targets = peelList(job.get("targets"));
  const inBucket = new Map<string, Return | undefined>();
  for (const peel of targets ?? []) inBucket.set(peel, undefined);
  // Returns of other peels do not count.
  for (const item of stored) if (!targets || inBucket.has(item.peel)) inBucket.set(item.peel, item);
  for (const peel of steps.peels()) if (!inBucket.has(peel)) inBucket.set(peel, undefined);
  const withoutReturn = (peel: string, ack: bigint | undefined): PeelState => {
    if (ack !== undefined) return ended ? "unfinished" : behind?.has(peel) ? "queued" : "executing";
    if (!steps.whole) return "missing";
    return offline?.has(peel) ? "offline" : "silent";
  };
  // Without events no answer would show.
  const isUnanswered = (state: PeelState) =>
    canceled && (state === "unfinished" || (state === "missing" && steps.all.length > 0));
  const peels: PeelStory[] = [];
  for (const [peel, found] of inBucket) {
    const ack = steps.acked(peel);
    const event = steps.returned(peel);
    const overwrittenBy = steps.overwrittenBy(peel);
    const inStore = overwrittenBy === undefined ? found : undefined;
    const kept = inStore ?? (event ? undefined : steps.unreachable(peel));
    const givenUp = inStore?.unreachable ?? steps.unreachable(peel) !== undefined;
    const missed = event?.missed === true && givenUp;
    // The end event follows the record: a return in between is late too.
    const sinceCancel = canceled && event?.afterCancel === true;
    const afterEnd = event?.afterEnd === true || sinceCancel;
    // Masters do not store returns after the end or of unreachable peels.
    const late = event !== undefined && !missed && (givenUp || (afterEnd && !inStore));
    const returned = late || missed ? event.returned : (kept ?? event?.returned);
    const state = late ? "late" : returned ? stateOfReturn(returned) : withoutReturn(peel, ack);
    const real = returned !== undefined && !returned.unreachable;
    const stopped = sinceCancel && !event.returned.ok;
    // A peel that was stopped writes 0 when it does not tell how long it ran.
    const took = real && !(stopped && returned.duration === 0n) ? returned.duration : undefined;
    const goesOn = state === "executing" || state === "queued";
    peels.push({
      peel,
      state,
      returned,
      deliveredNs: ack === undefined || !steps.whole ? undefined : atLeastZero(ack - (steps.start as bigint)),
      waitedNs:
        ack === undefined || !event || !real || (stopped && took === undefined)
          ? undefined
          : atLeastZero(event.storedNs - ack - atLeastZero(took ?? 0n)),
      tookNs: took === undefined ? undefined : atLeastZero(took),
      soFarNs: goesOn && ack !== undefined ? atLeastZero(nowNs - ack) : undefined,
      behind: state === "queued" ? behind?.get(peel) : undefined,
      ...(late && !givenUp && { afterEnd: true as const }),
      ...(state === "unreachable" && { givenUp: steps.givenUp(peel) }),
      ...(missed && { missed: { afterNs: steps.whole ? event.afterNs : undefined } }),
      ...(overwrittenBy !== undefined && { overwrittenBy }),
      ...(sinceCancel && { sinceCancel: stopped ? "stopped" : "finished" }),
      ...(isUnanswered(state) && { sinceCancel: "unanswered" }),
    });
  }
  return {
    steps: steps.all,
    peels: worstFirst(sortedByPeel(peels)),
    ignored: steps.ignored,
    whole: steps.whole,
  };
}

export const givenUpWords = ({ missed, offline }: GivenUp) =>
  (missed === undefined ? "no ack within 10s" : `the master missed its ${missed}`) +
  (offline ? "; offline at dispatch" : "");

export const UNANSWERED = "has not answered and may still be executing";

/**
 * Text beside the state.
 * @param answer of its return, if read before
 */
export function noteOf(peel: PeelStory, answer?: ReturnData): string {
  const { state, returned, behind, afterEnd, givenUp, missed, overwrittenBy, sinceCancel } = peel;
  if (behind !== undefined) return `waiting for job ${behind}`;
  if (state === "unreachable") return givenUp ? givenUpWords(givenUp) : "";
  if (sinceCancel === "unanswered") return UNANSWERED;
  const failure = returned && !returned.ok ? failureOf(returned, answer) : "";
  if (sinceCancel === "stopped") return ["stopped by the cancel signal", failure].filter(Boolean).join(": ");
  if (state === "late")
    return `returned after ${afterEnd ? "the job ended" : "it was marked unreachable"}: ${returned?.ok ? "ok" : failure || "failed"}`;
  const words = [failure];
  if (missed) {
    const when = missed.afterNs === undefined ? "" : ` at +${formatDuration(missed.afterNs)}`;
    words.push(`returned${when}, but the master missed it and marked the peel unreachable`);
  }
  if (overwrittenBy !== undefined)
    words.push(`the bucket has the result of schedule "${overwrittenBy}" instead of this return`);
  return words.filter(Boolean).join("; ");
}

/** Its error, where the state is shown elsewhere; never a master's guess. */
export const errorOf = ({ givenUp, returned }: PeelStory) => (givenUp ? givenUpWords(givenUp) : returned?.error);
