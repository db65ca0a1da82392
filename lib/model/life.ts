// A job's life, put together from its events and what the buckets know. Pure.
import { decodeRecord, Undecodable } from "../codec/decode.ts";
import { asText, type ValueMap } from "../codec/value.ts";
import { isTerminal, jobRow } from "./job.ts";
import { type LifeState, worstFirst } from "./peel-state.ts";
import { peelsOf, type Return, toReturn, unreadableReturn } from "./returns.ts";

/** One message of a job's life. */
export interface StoredEvent {
  /** `dispatch`, `ack`, `return`, `schedule`, `cancel` or `status`. */
  readonly kind: string;
  readonly peel: string | undefined;
  /** By the server's clock, in ns since 1970. */
  readonly storedNs: bigint;
  readonly bytes: Uint8Array;
}

/** One event; times count from the dispatch, in ns. */
export interface Step {
  readonly storedNs: bigint;
  readonly afterNs: bigint;
  readonly kind: string;
  readonly peel: string | undefined;
  /** Of an ack: since the dispatch. Of a return: since the peel's ack, or as the peel measured it. */
  readonly tookNs: bigint | undefined;
  readonly returned: Return | undefined;
  /** Of the end: the state that the job ended in. */
  readonly end: string | undefined;
}

export interface PeelLife {
  readonly peel: string;
  readonly state: LifeState;
  /** From the dispatch to the peel's ack, in ns. */
  readonly deliveredNs: bigint | undefined;
  /** From the ack to the return; without a return, until now. */
  readonly ranNs: bigint | undefined;
  readonly error: string | undefined;
}

export interface Life {
  readonly steps: readonly Step[];
  /** Worst first, each state sorted by peel. */
  readonly peels: readonly PeelLife[];
  /** False when the events don't reach back to the dispatch: then nothing can be said about acks that are not there. */
  readonly whole: boolean;
}

function returnIn(event: StoredEvent): Return | undefined {
  if ((event.kind !== "return" && event.kind !== "schedule") || event.peel === undefined) return undefined;
  try {
    return toReturn(event.peel, decodeRecord(event.bytes));
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
    return unreadableReturn(event.peel, error.message);
  }
}

function endIn(event: StoredEvent): string | undefined {
  if (event.kind !== "status") return undefined;
  try {
    return asText(decodeRecord(event.bytes).get("type")) ?? "-";
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
    return "unreadable";
  }
}

/** The steps of events that come in order; may be fed one event after the other. */
export class Steps {
  readonly #acks = new Map<string, bigint>();
  readonly all: Step[] = [];
  #start: bigint | undefined;
  #whole = false;

  get whole(): boolean {
    return this.#whole;
  }

  /** When the peel's first ack was stored. */
  acked(peel: string): bigint | undefined {
    return this.#acks.get(peel);
  }

  get start(): bigint | undefined {
    return this.#start;
  }

  add(event: StoredEvent): Step {
    const { kind, peel, storedNs } = event;
    if (kind === "dispatch") this.#whole ||= this.all.length === 0;
    this.#start ??= storedNs;
    if (kind === "ack" && peel !== undefined && !this.#acks.has(peel)) this.#acks.set(peel, storedNs);
    const returned = returnIn(event);
    const ack = peel === undefined ? undefined : this.#acks.get(peel);
    const ran = ack === undefined ? returned?.duration : storedNs - ack;
    const step: Step = {
      storedNs,
      afterNs: storedNs - this.#start,
      kind,
      peel,
      tookNs: kind === "ack" ? storedNs - this.#start : returned && ran,
      returned,
      end: endIn(event),
    };
    this.all.push(step);
    return step;
  }
}

/**
 * @param returns what the buckets know; they win over the events
 * @param nowNs the server's clock, for what still runs
 */
export function lifeOf(
  jid: string,
  job: ValueMap,
  returns: readonly Return[],
  steps: Steps,
  nowNs: bigint,
): Life {
  const ended = isTerminal(jobRow(jid, job).status);
  const known = new Map<string, Return>();
  const returnedAt = new Map<string, bigint>();
  for (const { returned, storedNs } of steps.all) {
    if (!returned || returnedAt.has(returned.peel)) continue;
    known.set(returned.peel, returned);
    returnedAt.set(returned.peel, storedNs);
  }
  for (const item of returns) known.set(item.peel, item);
  const peels = peelsOf(job, [...known.values()]).map(({ peel, state, returned }): PeelLife => {
    const ack = steps.acked(peel);
    const unheard =
      ack !== undefined ? (ended ? "unfinished" : "executing") : steps.whole ? "silent" : "missing";
    const until = returnedAt.get(peel) ?? (returned || ended ? undefined : nowNs);
    return {
      peel,
      state: state === "missing" ? unheard : state,
      deliveredNs: ack === undefined ? undefined : ack - (steps.start as bigint),
      ranNs: ack === undefined || until === undefined ? returned?.duration : until - ack,
      error: returned?.error,
    };
  });
  return { steps: steps.all, peels: worstFirst(peels), whole: steps.whole };
}

/** The peels that ran longest, longest first. */
export function slowest(peels: readonly PeelLife[], most: number): PeelLife[] {
  const timed = peels.filter((peel) => peel.ranNs !== undefined && peel.state !== "unreachable");
  timed.sort((a, b) => ((a.ranNs as bigint) > (b.ranNs as bigint) ? -1 : a.ranNs === b.ranNs ? 0 : 1));
  return timed.slice(0, most);
}
