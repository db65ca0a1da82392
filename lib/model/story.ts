// The story of a job by peel, from its events and the buckets, by the rules of real masters (docs/contributing.md). Pure.
import { asInteger, asText, type Value, type ValueMap } from "../codec/value.ts";
import { formatDuration } from "../duration.ts";
import { isTerminal, jobRow } from "./job.ts";
import { peelList, sortedByPeel } from "./peel.ts";
import { type PeelState, worstFirst } from "./peel-state.ts";
import type { ReturnData } from "./return-data.ts";
import { failureOf, type Peel, type Return, stateOfReturn, toReturn } from "./returns.ts";

export interface JobEvent {
  /** `dispatch`, `ack`, `return`, `schedule`, `cancel` or `status`. */
  readonly kind: string;
  /** Last token of the subject, which permissions guard; undefined for events of the job. */
  readonly peel: string | undefined;
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
 * Why a master marked a peel unreachable. Its own text, "no heartbeat at dispatch", proves nothing (docs/contributing.md,
 * "Return").
 */
interface GivenUp {
  /** What the peel had sent, and the master missed. */
  readonly lostStep: "ack" | "return" | undefined;
  readonly offline: boolean;
}

/** One event that counts. All times are in ns. */
export interface Step {
  readonly storedNs: bigint;
  /** From the dispatch. */
  readonly afterNs: bigint;
  readonly kind: string;
  readonly peel: string | undefined;
  readonly deliveredNs?: bigint | undefined;
  readonly returned?: Return | undefined;
  /** Returned after it was marked unreachable, or after the end. */
  readonly late?: true | undefined;
  /** Of a return that the master wrote. */
  readonly givenUp?: GivenUp | undefined;
  /** Of the end: the state, and the master's reason. */
  readonly end?: string | undefined;
  readonly reason?: string | undefined;
  /** Of a cancel signal: the master's text about its sender. */
  readonly canceler?: string | undefined;
}

/** A peel of the job. A late peel has its real return. */
export interface PeelStory extends Peel {
  /** From dispatch to ack. All times are at least 0. */
  readonly deliveredNs: bigint | undefined;
  /** From ack to return, without the run time. */
  readonly waitedNs: bigint | undefined;
  /** Run time, by the peel's clock. */
  readonly tookNs: bigint | undefined;
  /** Since the ack, while it runs or waits. */
  readonly soFarNs: bigint | undefined;
  /** Of a queued or unfinished peel: an earlier job that it has not returned. */
  readonly behind: string | undefined;
  /** Of a late peel: returned after the end only. */
  readonly afterEnd?: boolean | undefined;
  readonly givenUp?: GivenUp | undefined;
  /** Marked unreachable although it had returned, at this time if known. */
  readonly returnedUnseen?: { readonly afterNs: bigint | undefined } | undefined;
  /** Schedule entry whose result replaced this return in the bucket. */
  readonly overwrittenBy?: string | undefined;
  /** After a cancel signal, when the job has ended: returned, stopped by it or not (`finished`), or has not answered. */
  readonly sinceCancel?: "stopped" | "finished" | "unanswered" | undefined;
}

export interface Story {
  readonly steps: readonly Step[];
  /** Worst first, then by peel. */
  readonly peels: readonly PeelStory[];
  readonly ignored: readonly Ignored[];
  /** False when events since the dispatch are missing: then a missing ack proves nothing. */
  readonly whole: boolean;
}

export interface JobSurroundings {
  readonly nowNs: bigint;
  /** Silent peels without a heartbeat; undefined when unknown. */
  readonly offline?: ReadonlySet<string> | undefined;
  /** Peels that have not returned an earlier job, and that job. */
  readonly behind?: ReadonlyMap<string, string> | undefined;
}

const atLeastZero = (ns: bigint) => (ns > 0n ? ns : 0n);
type Mutable<T> = { -readonly [K in keyof T]: T[K] };
const field = (value: Value | undefined, name: string): Value | undefined =>
  value instanceof Map ? value.get(name) : undefined;

/** What the events show about one peel. */
interface PeelEvents {
  ackNs?: bigint;
  /** Its own return that counts. */
  real?: RealReturn;
  /** The return that the master wrote, and why. */
  unreachable?: Return;
  givenUp?: GivenUp;
  /** The schedule entry whose result replaced its return. */
  overwrittenBy?: string | undefined;
}

interface RealReturn {
  readonly returned: Return;
  readonly storedNs: bigint;
  readonly afterNs: bigint;
  /** Stored after a cancel signal. */
  readonly afterSignal: boolean;
  readonly afterEnd: boolean;
  /** The peel was marked unreachable later: the master missed this return. */
  markedLater: boolean;
}

/** Texts that steps share: a text of an event keeps its whole subject in memory. */
const KINDS = new Map(["dispatch", "ack", "return", "schedule", "cancel", "status"].map((kind) => [kind, kind]));

/** Collects the events of one job in order. */
export class Steps {
  readonly all: Step[] = [];
  readonly ignored: Ignored[] = [];
  readonly peels = new Map<string, PeelEvents>();
  /** A cancel signal was sent. */
  signaled = false;
  /** Texts to share, as KINDS. */
  readonly #targets: ReadonlyMap<string, string> | undefined;
  readonly #offline: ReadonlySet<string>;
  /** After a takeover the newest real return counts, not the first. */
  readonly #takenOver: boolean;
  /** Dispatched by a master: scheduled results do not count as returns. */
  #hasMaster: boolean;
  #start: bigint | undefined;
  #dispatched = false;
  #ended: boolean;

  /**
   * @param job without a list of targets, every peel is one
   * @param ended true when all returns came after the end: of a canceled job, also after its cancel signal
   */
  constructor(job: ValueMap, ended = false) {
    this.#ended = ended;
    const targets = peelList(job.get("targets"));
    this.#targets = targets && new Map(targets.map((peel) => [peel, peel]));
    this.#offline = new Set(peelList(job.get("offline_at_dispatch")));
    this.#takenOver = (asInteger(job.get("reclaim_count")) ?? 0n) > 0n;
    this.#hasMaster = Boolean(asText(job.get("owner")));
  }

  get dispatchNs(): bigint | undefined {
    return this.#dispatched ? this.#start : undefined;
  }

  whyGivenUp(peel: string, lostStep?: GivenUp["lostStep"]): GivenUp {
    return { lostStep, offline: this.#offline.has(peel) };
  }

  /** @returns undefined for an event that masters ignore */
  add(event: JobEvent): Step | undefined {
    const { storedNs, payload } = event;
    const kind = KINDS.get(event.kind) ?? event.kind;
    const peel = event.peel && (this.#targets?.get(event.peel) ?? event.peel);
    const why = this.#fault(event);
    if (why !== undefined) {
      this.ignored.push({ kind, peel: peel ?? "", storedNs, why });
      return undefined;
    }
    if (kind === "dispatch") {
      // A takeover dispatches what was never sent (docs/contributing.md, "Dispatch"): no acks were lost, unless an event before it shows otherwise.
      const isFirst = this.#start === undefined || !isTakeover(event);
      if (!this.#dispatched && isFirst) this.#start = storedNs;
      this.#dispatched ||= isFirst;
      this.#hasMaster = true;
    }
    this.#start ??= storedNs;
    const step: Mutable<Step> = { storedNs, afterNs: atLeastZero(storedNs - this.#start), kind, peel };
    this.all.push(step);
    if (kind === "status") {
      const data = field(payload, "data");
      step.end = asText(field(data, "status")) || undefined;
      step.reason = asText(field(data, "reason")) || undefined;
      this.#ended ||= isTerminal(step.end);
    } else if (kind === "cancel") {
      step.canceler = asText(field(payload, "data")) || undefined;
      this.signaled = true;
    } else if (peel !== undefined && payload instanceof Map) this.#addOfPeel(step, peel, payload, event.returned);
    return step;
  }

  /** Why masters ignore it (docs/contributing.md, "Ignored"). */
  #fault({ kind, peel, payload }: JobEvent): Ignored["why"] | undefined {
    if (peel === undefined || (kind !== "ack" && kind !== "return" && kind !== "schedule")) return undefined;
    if (this.#targets && !this.#targets.has(peel)) return "no target";
    if (!(payload instanceof Map)) return "undecodable";
    const sentAs = asText(payload.get("peel_id"));
    // A scheduled result has no peel ID.
    if (sentAs !== peel && !(kind === "schedule" && sentAs === undefined)) return { sentAs: sentAs ?? "" };
    const known = this.peels.get(peel);
    if (kind === "schedule" && this.#hasMaster) {
      const schedule = asText(payload.get("entry")) ?? "";
      if (known?.real) known.overwrittenBy = schedule;
      return { schedule };
    }
    const isReal = kind !== "ack" && payload.get("unreachable") !== true;
    const counts = !known?.real || (this.#takenOver && !this.#ended);
    return isReal && !counts ? "returned again" : undefined;
  }

  #addOfPeel(step: Mutable<Step>, peel: string, payload: ValueMap, read: Return | undefined): void {
    const { kind, storedNs, afterNs } = step;
    if (kind !== "ack" && kind !== "return" && kind !== "schedule") return;
    const known = this.peels.getOrInsertComputed(peel, (): PeelEvents => ({}));
    if (kind === "ack") {
      known.ackNs ??= storedNs;
      if (this.#dispatched) step.deliveredNs = afterNs;
      return;
    }
    const returned = read ?? toReturn(peel, payload);
    step.returned = returned;
    if (returned.unreachable) {
      if (known.real) known.real.markedLater = true;
      const lostStep = known.real ? "return" : known.ackNs === undefined ? undefined : "ack";
      step.givenUp = this.whyGivenUp(peel, lostStep);
      known.unreachable = returned;
      known.givenUp = step.givenUp;
      return;
    }
    if (this.#ended || known.unreachable) step.late = true;
    const [afterSignal, afterEnd] = [this.signaled, this.#ended];
    known.real = { returned, storedNs, afterNs, afterSignal, afterEnd, markedLater: false };
    known.overwrittenBy = undefined;
  }
}

/** The dispatch of a job that was taken over. */
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
  for (const peel of steps.peels.keys()) if (!inBucket.has(peel)) inBucket.set(peel, undefined);
  const { dispatchNs } = steps;
  const whole = dispatchNs !== undefined;
  const withoutReturn = (peel: string, ackNs: bigint | undefined): PeelState => {
    if (ackNs !== undefined) return ended ? "unfinished" : behind?.has(peel) ? "queued" : "executing";
    if (!whole) return "missing";
    return offline?.has(peel) ? "offline" : "silent";
  };
  // Without events no answer would show.
  const isUnanswered = (state: PeelState) =>
    (state === "unfinished" && (canceled || steps.signaled)) ||
    (state === "missing" && canceled && steps.all.length > 0);
  const storyOfPeel = (peel: string, found: Return | undefined): PeelStory => {
    const { ackNs, real, unreachable, overwrittenBy, givenUp } = steps.peels.get(peel) ?? {};
    const inStore = overwrittenBy === undefined ? found : undefined;
    const kept = inStore ?? (real ? undefined : unreachable);
    const isMarked = inStore?.unreachable ?? unreachable !== undefined;
    const unseen = real?.markedLater === true && isMarked;
    const { afterSignal = false, afterEnd: hasEnded = false } = real ?? {};
    // A signal after the end of a job reaches the peels that still run it.
    const answersCancel = !unseen && (canceled ? afterSignal || hasEnded : afterSignal && hasEnded);
    // The end event follows the record: a return in between is late too. Of an overwritten one, only the event shows it.
    const afterEnd = hasEnded || (answersCancel && overwrittenBy === undefined);
    // Masters do not store returns after the end or of unreachable peels.
    const late = real !== undefined && !unseen && (isMarked || (afterEnd && !inStore));
    const returned = late || unseen ? real.returned : (kept ?? real?.returned);
    const state = late ? "late" : returned ? stateOfReturn(returned) : withoutReturn(peel, ackNs);
    const isOwn = returned !== undefined && !returned.unreachable;
    const stopped = answersCancel && wasStopped(real?.returned);
    // A stopped peel writes 0 for an unknown run time.
    const duration = isOwn && !(stopped && returned.duration === 0n) ? returned.duration : undefined;
    const tookNs = duration === undefined ? undefined : atLeastZero(duration);
    const goesOn = state === "executing" || state === "queued";
    const waited = ackNs !== undefined && real && isOwn && !(stopped && duration === undefined);
    const sinceCancel = answersCancel ? (stopped ? "stopped" : "finished") : undefined;
    return {
      peel,
      state,
      returned,
      deliveredNs: ackNs === undefined || !whole ? undefined : atLeastZero(ackNs - dispatchNs),
      waitedNs: waited ? atLeastZero(real.storedNs - ackNs - (tookNs ?? 0n)) : undefined,
      tookNs,
      soFarNs: goesOn && ackNs !== undefined ? atLeastZero(nowNs - ackNs) : undefined,
      behind: state === "queued" || state === "unfinished" ? behind?.get(peel) : undefined,
      afterEnd: late && !isMarked,
      givenUp: state === "unreachable" ? (givenUp ?? steps.whyGivenUp(peel)) : undefined,
      returnedUnseen: unseen ? { afterNs: whole ? real.afterNs : undefined } : undefined,
      overwrittenBy,
      sinceCancel: isUnanswered(state) ? "unanswered" : sinceCancel,
    };
  };
  const peels = Array.from(inBucket, ([peel, found]) => storyOfPeel(peel, found));
  return { steps: steps.all, peels: worstFirst(sortedByPeel(peels)), ignored: steps.ignored, whole };
}

/** The error of a peel that a cancel signal stopped, or of its result: `execution canceled`, `context canceled`. */
const CANCELED = /\bcancell?ed\b/i;

const wasStopped = (item: Return | undefined) => item?.ok === false && CANCELED.test(item.error ?? failureOf(item));

export const givenUpWords = ({ lostStep, offline }: GivenUp) =>
  (lostStep === undefined ? "no ack" : `the master missed its ${lostStep}`) + (offline ? "; offline at dispatch" : "");

export const UNANSWERED = "has not answered and may still be executing";

/** Text beside the state. @param answer of its return, if read before */
export function noteOf(peel: PeelStory, answer?: ReturnData): string {
  const { state, returned, behind, afterEnd, givenUp, returnedUnseen, overwrittenBy, sinceCancel } = peel;
  if (behind !== undefined) return `waiting for job ${behind}`;
  if (state === "unreachable") return givenUp ? givenUpWords(givenUp) : "";
  if (sinceCancel === "unanswered") return UNANSWERED;
  const failure = returned && !returned.ok ? failureOf(returned, answer) : "";
  if (sinceCancel === "stopped") return ["stopped by the cancel signal", failure].filter(Boolean).join(": ");
  if (state === "late")
    return `returned after ${sinceCancel ? "the cancel signal" : afterEnd ? "the job ended" : "it was marked unreachable"}: ${returned?.ok ? "ok" : failure || "failed"}`;
  const words = [state === "unfinished" ? "accepted the job, no return" : failure];
  if (returnedUnseen) {
    const { afterNs } = returnedUnseen;
    const when = afterNs === undefined ? "" : ` at +${formatDuration(afterNs)}`;
    words.push(`returned${when}, but the master missed it and marked the peel unreachable`);
  }
  if (overwrittenBy !== undefined)
    words.push(`the bucket has the result of schedule "${overwrittenBy}" instead of this return`);
  return words.filter(Boolean).join("; ");
}

/** The error without the state, which is shown elsewhere; of an unreachable peel what the events show, not the master's text. */
export const errorOf = ({ givenUp, returned }: PeelStory) => (givenUp ? givenUpWords(givenUp) : returned?.error);
