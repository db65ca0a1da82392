// What happened to a job, peel by peel: its events as masters and peels publish them, put together with what the buckets
// hold. The rules are those of real masters (wire.md, "Subjects and the story of a job"). Pure.
import { asInteger, asText, type Value, type ValueMap } from "../codec/value.ts";
import { formatDuration } from "../duration.ts";
import { isTerminal, jobRow } from "./job.ts";
import { peelList, sortedByPeel } from "./peel.ts";
import { type PeelState, worstFirst } from "./peel-state.ts";
import type { ReturnData } from "./return-data.ts";
import { failureOf, type Peel, type Return, stateOfReturn, toReturn } from "./returns.ts";

/** One message of a job's life, as the stream `job-events` holds it. */
export interface JobEvent {
  /** `dispatch`, `ack`, `return`, `schedule`, `cancel` or `status`. */
  readonly kind: string;
  /** The last token of the subject, which permissions guard; undefined for events of the job itself. */
  readonly peel: string | undefined;
  /** When it was stored, by the server's clock, in ns since 1970. */
  readonly storedNs: bigint;
  /** Undefined when the payload can't be decoded. */
  readonly payload: Value | undefined;
  /** Of a return that was read as one. */
  readonly returned?: Return;
}

/** A message that masters ignore, and why. */
export interface Ignored {
  readonly kind: string;
  readonly peel: string;
  readonly storedNs: bigint;
  readonly why:
    | "no target"
    | "returned again"
    | "undecodable"
    | { readonly sentAs: string }
    /** The result of the peel's own schedule, under the id of a job that a master dispatched. */
    | { readonly schedule: string };
}

/**
 * What is known about why a master gave a peel up. It says "no heartbeat at dispatch" of each (wire.md, "Return record"), whether
 * that is so or not.
 */
export interface GivenUp {
  /** What the peel had sent before, so that the master missed it. */
  readonly missed: "ack" | "return" | undefined;
  /** The record has the peel among those that were offline at dispatch. */
  readonly offline: boolean;
}

/** One event that counts; times count from the dispatch, in ns. */
export interface Step {
  readonly storedNs: bigint;
  readonly afterNs: bigint;
  readonly kind: string;
  readonly peel: string | undefined;
  /** Of an ack: how long after the dispatch. */
  readonly deliveredNs?: bigint;
  readonly returned?: Return;
  /** The return came after the master had given the peel up, or after the job had ended. */
  readonly late?: boolean;
  /** Of a return that the master wrote for a peel that it gave up. */
  readonly givenUp?: GivenUp;
  /** Of the end: the state that the job ended in. */
  readonly end?: string;
  /** Of the end: why, where the master says so. */
  readonly reason?: string;
  /** Of a cancel signal: what a master says of the canceller. */
  readonly canceler?: string;
}

/** A peel of the job; of a late one the return is the real one. */
export interface PeelStory extends Peel {
  /** From the dispatch to the ack. All times are in ns and never below 0. */
  readonly deliveredNs: bigint | undefined;
  /** From the ack to the return, less what the peel worked on it; without a return undefined. */
  readonly waitedNs: bigint | undefined;
  /** How long the peel worked on it, by its own clock. */
  readonly tookNs: bigint | undefined;
  /** Since the ack, of a peel that has accepted the job and goes on. */
  readonly soFarNs: bigint | undefined;
  /** Of a queued peel: a job that it has to finish first. */
  readonly behind: string | undefined;
  /** Of a late peel: it was not given up, but returned after the job had ended. */
  readonly afterEnd?: true;
  /** Of a peel that was given up, and has not returned. */
  readonly givenUp?: GivenUp;
  /** Of a peel that was given up although it had returned: when that was, since the dispatch, where that is known. */
  readonly missed?: { readonly afterNs: bigint | undefined };
  /** The entry of the peel's own schedule whose result stands in the bucket in place of this return. */
  readonly overwrittenBy?: string;
  /**
   * Of a canceled job, what became of a peel that had not returned: it returned as failed (`stopped`), it returned ok all the
   * same (`finished`), or it has not answered, and may still be executing.
   */
  readonly sinceCancel?: "stopped" | "finished" | "unanswered";
}

export interface Story {
  readonly steps: readonly Step[];
  /** Worst first, each state sorted by peel. */
  readonly peels: readonly PeelStory[];
  readonly ignored: readonly Ignored[];
  /** False when the events don't reach back to the dispatch: then an ack that is not there proves nothing. */
  readonly whole: boolean;
}

/** What is known about a job from outside its record, returns and events. */
export interface JobSurroundings {
  /** The server's clock now, in ns since 1970. */
  readonly nowNs: bigint;
  /** Silent peels without a heartbeat; undefined when that can't be known. */
  readonly offline?: ReadonlySet<string> | undefined;
  /** For peels that accepted another job earlier and have not returned from it: that job. */
  readonly behind?: ReadonlyMap<string, string> | undefined;
}

const atLeastZero = (ns: bigint) => (ns > 0n ? ns : 0n);
const field = (value: Value | undefined, name: string): Value | undefined =>
  value instanceof Map ? value.get(name) : undefined;

/** A return that a peel sent itself, and when it came. */
interface RealReturn {
  readonly returned: Return;
  readonly storedNs: bigint;
  readonly afterNs: bigint;
  /** A cancel signal, or the end of the job, had come by then. */
  readonly afterCancel: boolean;
  readonly afterEnd: boolean;
  /** A master gave the peel up later: it had missed the return. */
  readonly missed: boolean;
}

/** The state that an event says the job has ended in; undefined for an event that is no end. */
export function endTold({ kind, payload }: JobEvent): string | undefined {
  const status = kind === "status" ? asText(field(field(payload, "data"), "status")) : undefined;
  return isTerminal(status) ? status : undefined;
}

const KINDS = new Map(["dispatch", "ack", "return", "schedule", "cancel", "status"].map((kind) => [kind, kind]));

/** The events of one job as they come, one after the other, and what follows from them. */
export class Steps {
  readonly all: Step[] = [];
  readonly ignored: Ignored[] = [];
  readonly #acks = new Map<string, bigint>();
  readonly #returns = new Map<string, RealReturn>();
  readonly #unreachable = new Map<string, { readonly returned: Return; readonly givenUp: GivenUp }>();
  /** The entries of schedules whose results masters stored over the real returns of peels. */
  readonly #overwritten = new Map<string, string>();
  readonly #targets: readonly string[] | undefined;
  readonly #offline: ReadonlySet<string>;
  /** Of several real returns of a peel the newest counts, not the first: a master that takes a job over reads them back. */
  readonly #takenOver: boolean;
  /** A master dispatched the job: the result of a peel's own schedule is no return from it. */
  #hasMaster: boolean;
  /** The same, made when the first event asks for it. */
  #isTarget: ReadonlyMap<string, string> | undefined;
  #start: bigint | undefined;
  #dispatched = false;
  #canceled = false;
  #ended = false;

  /** @param job its record; without a list of targets any peel counts as one */
  constructor(job: ValueMap) {
    this.#targets = peelList(job.get("targets"));
    this.#offline = new Set(peelList(job.get("offline_at_dispatch")));
    this.#takenOver = (asInteger(job.get("reclaim_count")) ?? 0n) > 0n;
    this.#hasMaster = Boolean(asText(job.get("owner")));
  }

  /** True when the events reach back to the dispatch. */
  get whole(): boolean {
    return this.#dispatched;
  }

  /** When the first ack of a peel was stored. */
  acked(peel: string): bigint | undefined {
    return this.#acks.get(peel);
  }

  /** When the job was dispatched, or the first event that is left. */
  get start(): bigint | undefined {
    return this.#start;
  }

  /** The real return of a peel that counts, among the events. */
  returned(peel: string): RealReturn | undefined {
    return this.#returns.get(peel);
  }

  /** What the events say that the master wrote for a peel that it gave up. */
  unreachable(peel: string): Return | undefined {
    return this.#unreachable.get(peel)?.returned;
  }

  /** What is known about why a peel was given up, of one that was. */
  givenUp(peel: string): GivenUp {
    return this.#unreachable.get(peel)?.givenUp ?? this.#whyGivenUp(peel, undefined);
  }

  /** The entry of the schedule whose result was stored over the real return of a peel; undefined when none was. */
  overwrittenBy(peel: string): string | undefined {
    return this.#overwritten.get(peel);
  }

  #whyGivenUp(peel: string, missed: GivenUp["missed"]): GivenUp {
    return { missed, offline: this.#offline.has(peel) };
  }

  /** The peels that any event is about, some of them several times. */
  *peels(): Generator<string> {
    yield* this.#acks.keys();
    yield* this.#returns.keys();
    yield* this.#unreachable.keys();
  }

  /** Takes the next event. @returns what it means; undefined when masters ignore it */
  add(told: JobEvent): Step | undefined {
    this.#isTarget ??= this.#targets && new Map(this.#targets.map((peel) => [peel, peel]));
    // One text for all events of a peel, and of a kind: those of an event keep its whole subject in memory.
    const peel = told.peel === undefined ? undefined : (this.#isTarget?.get(told.peel) ?? told.peel);
    const event = { ...told, kind: KINDS.get(told.kind) ?? told.kind, peel };
    const why = this.#fault(event);
    if (why !== undefined) {
      const { kind, peel = "", storedNs } = event;
      this.ignored.push({ kind, peel, storedNs, why });
      return undefined;
    }
    // Before a repeated one there was another, whose acks may be lost with it.
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

  /** Why masters ignore an event (wire.md, 4); undefined when they don't. */
  #fault({ kind, peel, payload }: JobEvent): Ignored["why"] | undefined {
    if (peel === undefined || (kind !== "ack" && kind !== "return" && kind !== "schedule")) return undefined;
    if (this.#isTarget && !this.#isTarget.has(peel)) return "no target";
    if (!(payload instanceof Map)) return "undecodable";
    const sentAs = asText(payload.get("peel_id"));
    // The result of a peel's own schedule names no peel.
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

/** A dispatch that another master repeated when it took the job over. */
const isTakeover = ({ payload }: JobEvent) => {
  const count = field(field(payload, "data"), "reclaim_count");
  return typeof count === "number" || typeof count === "bigint" ? count > 0 : false;
};

/**
 * The story of a job.
 * @param job its record
 * @param stored the returns in the bucket: they win over those of the events, except over a late one
 * @param steps its events; none when there is no stream of events
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
  // What others returned counts nowhere; without a list of targets there are no others.
  for (const item of stored) if (!targets || inBucket.has(item.peel)) inBucket.set(item.peel, item);
  for (const peel of steps.peels()) if (!inBucket.has(peel)) inBucket.set(peel, undefined);
  const withoutReturn = (peel: string, ack: bigint | undefined): PeelState => {
    if (ack !== undefined) return ended ? "unfinished" : behind?.has(peel) ? "queued" : "executing";
    if (!steps.whole) return "missing";
    return offline?.has(peel) ? "offline" : "silent";
  };
  // Without events nothing would show an answer.
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
    // The event of a master's end comes after its record: what a peel returns in between is too late as well.
    const sinceCancel = canceled && event?.afterCancel === true;
    const afterEnd = event?.afterEnd === true || sinceCancel;
    // A master writes no return down that comes after it gave the peel up, or after the end.
    const late = event !== undefined && !missed && (givenUp || (afterEnd && !inStore));
    const returned = late || missed ? event.returned : (kept ?? event?.returned);
    const state = late ? "late" : returned ? stateOfReturn(returned) : withoutReturn(peel, ack);
    const real = returned !== undefined && !returned.unreachable;
    const took = real ? returned.duration : undefined;
    const goesOn = state === "executing" || state === "queued";
    peels.push({
      peel,
      state,
      returned,
      deliveredNs: ack === undefined || !steps.whole ? undefined : atLeastZero(ack - (steps.start as bigint)),
      waitedNs:
        ack === undefined || !event || !real ? undefined : atLeastZero(event.storedNs - ack - atLeastZero(took ?? 0n)),
      tookNs: took === undefined ? undefined : atLeastZero(took),
      soFarNs: goesOn && ack !== undefined ? atLeastZero(nowNs - ack) : undefined,
      behind: state === "queued" ? behind?.get(peel) : undefined,
      ...(late && !givenUp && { afterEnd: true as const }),
      ...(state === "unreachable" && { givenUp: steps.givenUp(peel) }),
      ...(missed && { missed: { afterNs: steps.whole ? event.afterNs : undefined } }),
      ...(overwrittenBy !== undefined && { overwrittenBy }),
      ...(sinceCancel && { sinceCancel: event.returned.ok ? "finished" : "stopped" }),
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

/** `no ack within 10s; offline at dispatch`: what is known about why a master gave a peel up. */
export const givenUpWords = ({ missed, offline }: GivenUp) =>
  (missed === undefined ? "no ack within 10s" : `the master missed its ${missed}`) +
  (offline ? "; offline at dispatch" : "");

/** What is known about a peel that has not returned since its job was canceled. */
export const UNANSWERED = "has not answered and may still be executing";

/**
 * What to report about a peel beside its state.
 * @param answer of its return, where that was read before
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

/** The error of a peel for programs and screens that say its state elsewhere: never what a master only supposed. */
export const errorOf = ({ givenUp, returned }: PeelStory) => (givenUp ? givenUpWords(givenUp) : returned?.error);
