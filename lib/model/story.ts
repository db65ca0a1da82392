// What happened to a job, peel by peel: its events as masters and peels publish them, put together with what the buckets
// hold. The rules are those of real masters (wire.md, "Subjects and the story of a job"). Pure.
import { asText, type Value, type ValueMap } from "../codec/value.ts";
import { isTerminal, jobRow } from "./job.ts";
import { peelList, sortedByPeel } from "./peel.ts";
import { type PeelState, worstFirst } from "./peel-state.ts";
import { type Peel, type Return, stateOfReturn, toReturn } from "./returns.ts";

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
}

/** A message that masters ignore, and why. */
export interface Ignored {
  readonly kind: string;
  readonly peel: string;
  readonly storedNs: bigint;
  readonly why: "no target" | "returned again" | "undecodable" | { readonly sentAs: string };
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
  /** From the ack to the return, less what the peel was busy with it; without a return undefined. */
  readonly waitedNs: bigint | undefined;
  /** How long the peel was busy with it, by its own clock. */
  readonly tookNs: bigint | undefined;
  /** Since the ack, of a peel that has accepted the job and goes on. */
  readonly soFarNs: bigint | undefined;
  /** Of a queued peel: a job that it has to finish first. */
  readonly behind: string | undefined;
  /** Of a late peel: it was not given up, but returned after the job had ended. */
  readonly afterEnd?: true;
}

export interface Story {
  readonly steps: readonly Step[];
  /** Worst first, each state sorted by peel. */
  readonly peels: readonly PeelStory[];
  readonly ignored: readonly Ignored[];
  /** False when the events don't reach back to the dispatch: then an ack that is not there proves nothing. */
  readonly whole: boolean;
}

/** What is known from outside the job. */
export interface Surroundings {
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

/** The events of one job as they come, one after the other, and what follows from them. */
export class Steps {
  readonly all: Step[] = [];
  readonly ignored: Ignored[] = [];
  readonly #acks = new Map<string, bigint>();
  /** The first real return of each peel, and whether it was late when it came. */
  readonly #returns = new Map<string, { returned: Return; storedNs: bigint; afterEnd: boolean }>();
  readonly #unreachable = new Map<string, Return>();
  readonly #targets: readonly string[] | undefined;
  /** The same, made when the first event asks for it. */
  #isTarget: ReadonlySet<string> | undefined;
  #start: bigint | undefined;
  #dispatched = false;
  #ended = false;

  /** @param job its record; without a list of targets any peel counts as one */
  constructor(job: ValueMap) {
    this.#targets = peelList(job.get("targets"));
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

  /** The first real return of a peel among the events. */
  returned(peel: string) {
    return this.#returns.get(peel);
  }

  /** What the events say that the master wrote for a peel that it gave up. */
  unreachable(peel: string): Return | undefined {
    return this.#unreachable.get(peel);
  }

  /** The peels that any event is about, some of them several times. */
  *peels(): Generator<string> {
    yield* this.#acks.keys();
    yield* this.#returns.keys();
    yield* this.#unreachable.keys();
  }

  /** Takes the next event. @returns what it means; undefined when masters ignore it */
  add(event: JobEvent): Step | undefined {
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
    const step = { ...this.#step(event), afterNs, ...delivered };
    this.all.push(step);
    return step;
  }

  /** Why masters ignore an event (wire.md, 4); undefined when they don't. */
  #fault({ kind, peel, payload }: JobEvent): Ignored["why"] | undefined {
    if (peel === undefined || (kind !== "ack" && kind !== "return" && kind !== "schedule")) return undefined;
    this.#isTarget ??= this.#targets && new Set(this.#targets);
    if (this.#isTarget && !this.#isTarget.has(peel)) return "no target";
    if (!(payload instanceof Map)) return "undecodable";
    const sentAs = asText(payload.get("peel_id"));
    // The result of a peel's own schedule names no peel.
    if (sentAs !== peel && !(kind === "schedule" && sentAs === undefined)) return { sentAs: sentAs ?? "" };
    const isReal = kind !== "ack" && payload.get("unreachable") !== true;
    return isReal && this.#returns.has(peel) ? "returned again" : undefined;
  }

  #step({ kind, peel, storedNs, payload }: JobEvent): Omit<Step, "afterNs"> {
    const step = { storedNs, kind, peel };
    if (kind === "status") {
      this.#ended = true;
      const data = field(payload, "data");
      const [end, reason] = [asText(field(data, "status")), asText(field(data, "reason"))];
      return { ...step, ...(end && { end }), ...(reason && { reason }) };
    }
    if (kind === "cancel") {
      const canceler = asText(field(payload, "data"));
      return canceler ? { ...step, canceler } : step;
    }
    if (peel === undefined || !(payload instanceof Map)) return step;
    if (kind === "ack") {
      if (!this.#acks.has(peel)) this.#acks.set(peel, storedNs);
      return step;
    }
    if (kind !== "return" && kind !== "schedule") return step;
    const returned = toReturn(peel, payload);
    if (returned.unreachable) {
      this.#unreachable.set(peel, returned);
      return { ...step, returned };
    }
    const late = this.#ended || this.#unreachable.has(peel);
    this.#returns.set(peel, { returned, storedNs, afterEnd: this.#ended });
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
  { nowNs, offline, behind }: Surroundings,
): Story {
  const ended = isTerminal(jobRow(jid, job).status);
  const inBucket = new Map<string, Return | undefined>();
  for (const peel of peelList(job.get("targets")) ?? []) inBucket.set(peel, undefined);
  for (const item of stored) inBucket.set(item.peel, item);
  for (const peel of steps.peels()) if (!inBucket.has(peel)) inBucket.set(peel, undefined);
  const withoutReturn = (peel: string, ack: bigint | undefined): PeelState => {
    if (ack !== undefined) return ended ? "unfinished" : behind?.has(peel) ? "queued" : "executing";
    if (!steps.whole) return "missing";
    return offline?.has(peel) ? "offline" : "silent";
  };
  const peels: PeelStory[] = [];
  for (const [peel, inStore] of inBucket) {
    const ack = steps.acked(peel);
    const event = steps.returned(peel);
    const kept = inStore ?? (event ? undefined : steps.unreachable(peel));
    const givenUp = inStore?.unreachable ?? steps.unreachable(peel) !== undefined;
    // A master writes no return down that comes after it gave the peel up, or after the end.
    const late = event !== undefined && (givenUp || (event.afterEnd && !inStore));
    const returned = late ? event.returned : (kept ?? event?.returned);
    const state = late ? "late" : returned ? stateOfReturn(returned) : withoutReturn(peel, ack);
    const real = returned !== undefined && !returned.unreachable;
    const took = real ? returned.duration : undefined;
    const goesOn = state === "executing" || state === "queued";
    const told: PeelStory = {
      peel,
      state,
      returned,
      deliveredNs: ack === undefined || !steps.whole ? undefined : atLeastZero(ack - (steps.start as bigint)),
      waitedNs:
        ack === undefined || !event || !real ? undefined : atLeastZero(event.storedNs - ack - atLeastZero(took ?? 0n)),
      tookNs: took === undefined ? undefined : atLeastZero(took),
      soFarNs: goesOn && ack !== undefined ? atLeastZero(nowNs - ack) : undefined,
      behind: state === "queued" ? behind?.get(peel) : undefined,
    };
    peels.push(late && !givenUp ? { ...told, afterEnd: true } : told);
  }
  return {
    steps: steps.all,
    peels: worstFirst(sortedByPeel(peels)),
    ignored: steps.ignored,
    whole: steps.whole,
  };
}

/** What is to be said of a peel beside its state. */
export function noteOf({ state, returned, behind, afterEnd }: PeelStory): string {
  if (behind !== undefined) return `behind at least ${behind}`;
  if (state !== "late") return returned?.error ?? "";
  return `returned after ${afterEnd ? "the job had ended" : "it was given up"}: ${returned?.ok ? "ok" : (returned?.error ?? "failed")}`;
}
