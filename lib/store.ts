// What jobs/ asks of a place that stores jobs, as bytes. lib/nats/store.ts answers from a live server. JIDs and peels are as stored;
// times are ns or ms since 1970 by the store's clock. Bytes that are handed over may be kept only by copying them.
import type { UserError } from "./errors.ts";

/** By how much the store's clock is ahead of this machine's, in ms, give or take `doubtMs`. */
export interface Clock {
  readonly aheadMs: number;
  readonly doubtMs: number;
}

/** What is done with the records of a scan of all jobs. */
export interface JobKeys {
  /**
   * Takes a record; the JID is what `key` has from `from` on. Without bytes the job has no record any more.
   * @returns the job's number, from 0 on, the same whenever the job comes again
   */
  take(key: Uint8Array, from: number, bytes: Uint8Array | undefined): number;
  /** Only the jobs with these numbers exist, whatever came before. */
  dropAllBut(numbers: ReadonlySet<number>): void;
}

/** The stream of the jobs' records, as it was when it was asked for. */
export interface JobsState {
  readonly messages: number;
  /**
   * Hands over every change of a job's record among the newest messages, or from a time (ns) on, in order; deletions without bytes.
   * @param most nothing is read when there are more changes than this
   * @returns false when not every change up to this state was read
   */
  changes(
    from: { readonly newest: number } | { readonly ns: bigint },
    most: number,
    onChange: (key: Uint8Array, from: number, bytes: Uint8Array | undefined, storedNs: bigint) => void,
  ): Promise<boolean>;
}

/** JIDs, each once: a set, the keys of a map, or what makes them when asked. */
export interface Jids {
  readonly size: number;
  keys(): Iterable<string>;
}

/** Which returns are read. */
export type ReturnsOf =
  | {
      readonly jids: Jids;
      /** No message of these jobs is older than this, in ns. */
      readonly sinceNs?: bigint | undefined;
    }
  | { readonly peel: string }
  | "all";

/** What is done with the entries of the bucket of returns. */
export interface ReturnEntries {
  /**
   * Takes an entry: its key is what `key` has from `from` on, `<jid>.<peel>` or, of a list, `<jid>`. Without bytes the key is
   * gone. It may be of a job or a peel that was not asked for, and it may come again: the first state counts.
   * @returns the key's number, from 0 on, the same whenever it comes again
   */
  take(key: Uint8Array, from: number, bytes: Uint8Array | undefined): number;
  /** So many entries are to come in all, and so many of them have come. */
  expect(total: number, come: number): void;
}

/** The bucket of returns. @throws NoBucket, Unavailable */
export interface StoredReturns {
  /**
   * A job's returns in both layouts: the list under the JID, and what `read` makes of the value of each peel. `read` also gets
   * values that a later one replaces.
   */
  of<T extends NonNullable<unknown>>(
    jid: string,
    read: (peel: string, bytes: Uint8Array) => T,
  ): Promise<{ list: Uint8Array | undefined; peels: T[] }>;
  /**
   * Hands over the entries of the returns asked for, and possibly others: first those under a peel's own key, then the lists.
   * Each comes in a state that it had during the read; none is missing that existed throughout.
   */
  across(of: ReturnsOf, entries: ReturnEntries): Promise<void>;
  /**
   * Hands over the keys of the returns of jobs, and possibly others, without their values; the peel is undefined for a list. A
   * key may come again: its later state counts. One that is written again during the read may be missing.
   * @param sinceNs no return of these jobs is older than this; undefined when that is unknown
   */
  keys(
    jids: readonly string[],
    sinceNs: bigint | undefined,
    onKey: (jid: string, peel: string | undefined, exists: boolean) => void,
  ): Promise<void>;
}

/** One stored message of a job's events. */
export interface StoredEvent {
  /** `dispatch`, `ack`, `return`, `schedule`, `cancel` or `status`. */
  readonly kind: string;
  readonly peel: string | undefined;
  readonly storedNs: bigint;
  readonly bytes: Uint8Array;
}

/** A target of a job. */
export interface PeelOfJob {
  readonly jid: string;
  readonly peel: string;
}

export interface Heartbeat {
  readonly storedMs: number;
  readonly ageMs: number;
  readonly bytes: Uint8Array;
}

/** A fleet's jobs, to be read. @throws Transient where a store can be lost */
export interface Store {
  /** The newest record of a job; undefined when there is none. */
  job(jid: string): Promise<Uint8Array | undefined>;
  /** Hands over every job's newest record. A job that changes meanwhile may come again: the later record counts. */
  scanJobs(jobs: JobKeys, onTotal?: (entries: number) => void): Promise<void>;
  /** @throws NoBucket */
  jobsState(): Promise<JobsState>;
  readonly returns: StoredReturns;
  /**
   * Hands over the events of a job, in order.
   * @param again called when some did not come: what was handed over counts for nothing, and all of it comes again
   * @throws NoBucket, Unavailable
   */
  events(jid: string, onEvent: (event: StoredEvent) => void, again: () => void): Promise<void>;
  /**
   * Hands over the acks and returns of peels in jobs, in order for each, and possibly other events.
   * @param places each once
   * @param again as in `events`
   * @throws NoBucket, Unavailable
   */
  eventsOfPeels(
    places: readonly PeelOfJob[],
    onEvent: (place: PeelOfJob, event: StoredEvent) => void,
    again: () => void,
  ): Promise<void>;
  /** The JIDs in the index of active jobs, which can lack some and name others that have ended. */
  activeJids(): Promise<string[]>;
  /** The masters or peels that have a heartbeat. @throws NoBucket, Unavailable */
  alive(of: "masters" | "peels"): Promise<string[]>;
  /**
   * The last heartbeat of a master or a peel.
   * @throws UserError when the bucket is missing or cannot be read
   */
  heartbeat(of: "masters" | "peels", id: string): Promise<Heartbeat | "none">;
  /** The store's clock. @throws UserError when it cannot be learned */
  clock(): Promise<Clock>;
  /** The time by the store's clock, as far as that is known: see `clock`. */
  now(): Date;
  /** `now` in ns since 1970. */
  nowNs(): bigint;
  /** False when it reads files, which takes as long as it takes, and a part as long as all. */
  readonly isLive: boolean;
  /** True when reading what belongs to a few hundred jobs or peels costs little more than what belongs to one. */
  readonly readsManyAtOnce: boolean;
}

/** What a fleet stores. */
export const PARTS = ["jobs", "returns", "events", "masters", "peels"] as const;
export type Part = (typeof PARTS)[number];

/** A message as its stream stores it. */
export interface StoredMessage {
  readonly subject: string;
  readonly sequence: number;
  readonly storedNs: bigint;
  /** Its own headers, in order; a name may stand there twice. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly bytes: Uint8Array;
}

/** What is told of a read of messages: how many are to be read, of which so many were; and each one. */
export interface MessagesProgress {
  begin(total: number, come?: number): void;
  step(): void;
}

/** A server by name; what it does not say is undefined. */
export interface ServerFacts {
  readonly name: string | undefined;
  readonly version: string | undefined;
  readonly cluster: string | undefined;
}

/** For those who follow what changes. */
export interface Follow {
  /** Called once, when everything that was stored at the start has been handed over. */
  readonly caughtUp: () => void;
  readonly stop: AbortSignal;
}

/** A new job, and the size in bytes of the event that a master makes of it, which is the largest message of both. */
export interface NewJob {
  readonly record: Uint8Array;
  readonly eventSize: number;
}

/** The result of one request: a master's answer; or certainly no master has the job; or that is unknown, and why. */
export type Handed = { readonly answer: Uint8Array } | { readonly refused: UserError } | { readonly open: string };

export interface LiveReturns extends StoredReturns {
  /** A job's returns in either layout, then every new one; the peel is undefined for the list. */
  follow(jid: string, onEntry: (peel: string | undefined, bytes: Uint8Array) => void, follow: Follow): Promise<void>;
}

/** A fleet's jobs on a live server: to be followed, canceled and dispatched as well. */
export interface LiveStore extends Store {
  /** The server's address, without a password. */
  readonly shown: string;
  /** How long the server may stay silent. */
  readonly timeoutMs: number;
  readonly server: ServerFacts;
  /** @throws NoBucket when there is no such bucket or stream, Unavailable when it may not be read */
  check(part: Part): Promise<void>;
  /**
   * Hands over the stored messages of these jobs, or all, in the order of their stream for each key: of jobs every revision of the
   * record and of its entry in the index, of events all, of returns and heartbeats the newest of each key, of heartbeats those of
   * all masters or peels. None is missing that existed throughout.
   * @throws NoBucket, Unavailable, and Transient when that cannot be proven
   */
  messages(
    part: Part,
    of: Exclude<ReturnsOf, { readonly peel: string }>,
    onMessage: (message: StoredMessage) => void,
    progress?: MessagesProgress,
  ): Promise<void>;
  readonly returns: LiveReturns;
  /** True when the newest entry under a job's key says that it was deleted; false when that is unknown. */
  jobWasDeleted(jid: string): Promise<boolean>;
  /** True when a job has no record, whatever a node that lags knows of it: the bucket's leader is asked. */
  hasNoJob(jid: string): Promise<boolean>;
  /**
   * Hands over every job's newest record, then every change, until `follow` stops it; undefined for a record that is gone.
   * @param jids undefined for all jobs; of several jobs only the changes come
   * @throws Transient when the connection or the consumer is lost: start again from the beginning
   */
  followJobs(
    jids: readonly string[] | undefined,
    onEntry: (jid: string, bytes: Uint8Array | undefined) => void,
    follow: Follow,
  ): Promise<void>;
  /** The events of a job, then those to come, until `follow` stops it. */
  followEvents(jid: string, onEvent: (event: StoredEvent) => void, follow: Follow): Promise<void>;
  /**
   * Publishes the cancel signal of a job.
   * @returns false when nothing listens and no stream stores it, undefined when that is unknown
   * @throws Unconfirmed, UserError
   */
  cancel(jid: string): Promise<boolean | undefined>;
  /** Sends a new job to the masters once. */
  dispatch(job: NewJob): Promise<Handed>;
  /** Why a job cannot be dispatched at all; undefined when the server accepts messages of this size. */
  tooLarge(job: NewJob): UserError | undefined;
  /** Leaves nothing behind on the server. */
  close(): Promise<void>;
}
