// What jobs/ asks of a place that stores jobs, as bytes. lib/nats/store.ts answers from a live server. JIDs and peels are as stored;
// times are ns or ms since 1970 by the store's clock. A callback must copy the bytes that it keeps.
//
// A key that changes during a read may be passed on again. Of jobs (`scanJobs`) and of keys without values (`keys`) the later state
// counts and replaces the earlier one. Of the returns of many jobs (`across`) the first counts: it was used at once, and is not kept.
import type { UserError } from "./errors.ts";

/** Separates the parts of a key. */
export const DOT_BYTE = 0x2e;

/** How far the store's clock is ahead of this machine's, in ms, plus or minus `doubtMs`. */
export interface Clock {
  readonly aheadMs: number;
  readonly doubtMs: number;
}

/** Receives the records of a scan of all jobs. */
export interface JobKeys {
  /**
   * Takes a record. The JID is `key` from `from` on. Without bytes the job has no record.
   * @returns the job's number, from 0 on, the same each time the job is passed on
   */
  take(key: Uint8Array, from: number, bytes: Uint8Array | undefined): number;
  /** Only the jobs with these numbers exist, whatever `take` received. */
  dropAllBut(numbers: ReadonlySet<number>): void;
}

/** The stream of the jobs' records at the time of the request. */
export interface JobsState {
  readonly messages: number;
  /**
   * Passes on the changes of records among the newest messages, or from a time (ns) on, in order; deletions without bytes.
   * @param most reads nothing when there are more changes than this
   * @returns false when not every change up to this state was read
   */
  changes(
    from: { readonly newest: number } | { readonly ns: bigint },
    most: number,
    onChange: (key: Uint8Array, from: number, bytes: Uint8Array | undefined, storedNs: bigint) => void,
  ): Promise<boolean>;
}

/** Distinct JIDs: a set, the keys of a map, or computed ones. */
export interface Jids {
  readonly size: number;
  keys(): Iterable<string>;
}

/** The returns to read. `sinceNs`: no message of these jobs is older. */
export type ReturnsOf =
  | { readonly jids: Jids; readonly sinceNs?: bigint | undefined }
  | { readonly peel: string }
  | "all";

/** Receives the entries of the bucket of returns. */
export interface ReturnEntries {
  /**
   * Takes an entry. Its key is `key` from `from` on: `<jid>.<peel>`, or `<jid>` of a list. Without bytes the key was deleted. It
   * may be of another job or peel.
   * @returns the key's number, from 0 on, the same each time the key is passed on
   */
  take(key: Uint8Array, from: number, bytes: Uint8Array | undefined): number;
  /** Reports the expected number of entries, and how many were passed on. */
  expect(total: number, come: number): void;
}

/** The bucket of returns. @throws NoBucket, Unavailable */
interface StoredReturns {
  /** A job's returns in both layouts: the list, and the results of `read`, which also gets values that a later one replaces. */
  of<T extends NonNullable<unknown>>(
    jid: string,
    read: (peel: string, bytes: Uint8Array) => T,
  ): Promise<{ list: Uint8Array | undefined; peels: T[] }>;
  /**
   * Passes on these returns, and possibly others: first those under a peel's own key, then the lists. Each in a state that it
   * had during the read; none is missing that existed throughout.
   */
  across(of: ReturnsOf, entries: ReturnEntries): Promise<void>;
  /**
   * Passes on the keys of the returns of jobs, and possibly others; the peel is undefined for a list. One that is written again
   * during the read may be missing.
   * @param sinceNs no return of these jobs is older; undefined when that is unknown
   */
  keys(
    jids: readonly string[],
    sinceNs: bigint | undefined,
    onKey: (jid: string, peel: string | undefined, exists: boolean) => void,
  ): Promise<void>;
}

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
  readonly bytes: Uint8Array;
}

/** A fleet's jobs, to read. @throws Transient where a store can be lost */
export interface Store {
  /** The newest record of a job; undefined when there is none. */
  job(jid: string): Promise<Uint8Array | undefined>;
  /** Passes on every job's newest record. */
  scanJobs(jobs: JobKeys, onTotal?: (entries: number) => void): Promise<void>;
  /** @throws NoBucket */
  jobsState(): Promise<JobsState>;
  readonly returns: StoredReturns;
  /**
   * Passes on the events of a job, in order.
   * @param again called when some were missing: all of them follow once more
   * @throws NoBucket, Unavailable
   */
  events(jid: string, onEvent: (event: StoredEvent) => void, again: () => void): Promise<void>;
  /**
   * Passes on the acks and returns of peels in jobs, in order for each, and possibly other events.
   * @param places without repetition
   * @param again as for `events`
   * @throws NoBucket, Unavailable
   */
  eventsOfPeels(
    places: readonly PeelOfJob[],
    onEvent: (place: PeelOfJob, event: StoredEvent) => void,
    again: () => void,
  ): Promise<void>;
  /** The JIDs in the index of active jobs, which can lack some and contain ended ones. */
  activeJids(): Promise<string[]>;
  /** The masters or peels that have a heartbeat. @throws NoBucket, Unavailable */
  alive(of: "masters" | "peels"): Promise<string[]>;
  /** The last heartbeat. @throws UserError when the bucket is missing or cannot be read */
  heartbeat(of: "masters" | "peels", id: string): Promise<Heartbeat | "none">;
  /** @throws UserError when the time of the store is unknown */
  clock(): Promise<Clock>;
  /** The time by the store's clock as known so far. */
  now(): Date;
  /** `now` in ns since 1970. */
  nowNs(): bigint;
  /** False for files: reading has no timeout, and a part takes as long as all. */
  readonly isLive: boolean;
  /** True when reading a few hundred jobs or peels costs little more than reading one. */
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
  /** Its own headers, in order; names may repeat. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly bytes: Uint8Array;
}

/**
 * True for headers that mark a key as deleted, purged or expired (docs/contributing.md, "Buckets"). Only they decide: an empty value
 * is a record that cannot be decoded.
 */
export const isDeletion = (header: (name: string) => string | undefined): boolean =>
  /^(DEL|PURGE)$/.test(header("KV-Operation") ?? "") || Boolean(header("Nats-Marker-Reason"));

/** Receives the number of messages to read, how many of them were read, and a call for each. */
export interface MessagesProgress {
  begin(total: number, come?: number): void;
  step(): void;
}

/** Undefined where the server does not report it. */
export interface ServerFacts {
  readonly name: string | undefined;
  readonly version: string | undefined;
  readonly cluster: string | undefined;
}

export interface Follow {
  /** Called once, after everything that was stored at the start. */
  readonly caughtUp: () => void;
  readonly stop: AbortSignal;
}

/** A new job, and the size in bytes of the event that a master makes of it, which is the largest message of both. */
export interface NewJob {
  readonly record: Uint8Array;
  readonly eventSize: number;
}

/** A master's answer; or why certainly no master has the job; or why that is unknown. */
export type Handed = { readonly answer: Uint8Array } | { readonly refused: UserError } | { readonly open: string };

export interface LiveReturns extends StoredReturns {
  /** A job's returns in either layout, then every new one; the peel is undefined for the list. */
  follow(jid: string, onEntry: (peel: string | undefined, bytes: Uint8Array) => void, follow: Follow): Promise<void>;
}

/** A fleet's jobs on a live server: to follow, cancel and dispatch as well. */
export interface LiveStore extends Store {
  /** The server's address, without a password. */
  readonly shown: string;
  /** How long the server may stay silent. */
  readonly timeoutMs: number;
  readonly server: ServerFacts;
  /** @throws NoBucket when there is no such bucket or stream, Unavailable without the permission to read it */
  check(part: Part): Promise<void>;
  /**
   * Passes on the stored messages of these jobs, or all, in the order of their stream for each key: of jobs every revision of the
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
  /** True when the newest entry under a job's key is a deletion; false when that is unknown. */
  jobWasDeleted(jid: string): Promise<boolean>;
  /** True when a job has no record according to the leader of the bucket. Other nodes may lag. */
  hasNoJob(jid: string): Promise<boolean>;
  /**
   * Passes on every job's newest record, then every change, until `follow` stops it; undefined for a deleted record.
   * @param jids undefined for all jobs; for several jobs only changes are passed on
   * @throws Transient when the connection or the consumer is lost: start again from the beginning
   */
  followJobs(
    jids: readonly string[] | undefined,
    onEntry: (jid: string, bytes: Uint8Array | undefined) => void,
    follow: Follow,
  ): Promise<void>;
  /** The events of a job, then new ones, until `follow` stops it. */
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
  /** Leaves nothing on the server. */
  close(): Promise<void>;
}
