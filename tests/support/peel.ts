// A peel: it accepts requests, runs one job after the other, and returns their results.
import type { Subscription } from "nats";
import { Time } from "./harness.ts";
import { randomFrom, SEED } from "./random.ts";
import { decode, encode, newJid, type Outcome, returnRecord, type Site } from "./wire.ts";

/** What a peel does with a job. */
export interface Behaviour {
  /**
   * `ok`, `fail` and `dry` run for `ms` and return. `hang` runs until it is canceled. `stubborn` runs for `ms` even when it
   * is canceled. A canceled job returns a little later, as failed. `silent` and `unreachable` neither ack nor return: the
   * master gives up the peel, for `unreachable` after `ms` when that is set. `late` is silent until then, and acks and runs
   * afterwards. `early` acks and returns so soon that the master misses both and gives up the peel, after `ms` when that is
   * set.
   */
  readonly does: "ok" | "fail" | "dry" | "hang" | "silent" | "stubborn" | "unreachable" | "late" | "early";
  readonly ms?: number;
  /** The job fails with this error in any case. */
  readonly error?: string;
  /** Whether the result reports a change; by default it does, unless the function is read-only. */
  readonly changed?: boolean;
  /** The results instead of the default one; null when nothing could be run. */
  readonly results?: readonly StateResult[] | null;
}

/** The result of one state or function call. */
export interface StateResult {
  readonly name: string;
  readonly changed?: boolean;
  readonly diff?: string;
  readonly ms?: number;
  readonly details?: Readonly<Record<string, string>>;
  readonly error?: string;
  /** It was skipped, for this reason. */
  readonly skipped?: string;
}

interface Work {
  readonly jid: string;
  readonly fn: string;
  readonly behaviour: Behaviour;
  timer?: ReturnType<typeof setTimeout>;
  /** Start time, in ms since 1970. */
  began?: number;
  /** True when it is canceled and about to return. */
  aborted?: true;
}

/** The subject of requests to a peel; job-events does not store them. */
export const requestSubject = (peel: string) => `zester.peel.${peel}.request`;

export const HEARTBEAT_LIFE_MS = 30_000;
const HEARTBEAT_EVERY_MS = 10_000;
/** How long a late peel waits after the master gave it up: the end of the job is written by then. */
const LATE_MS = 400;
/** How long a peel takes to stop a canceled job: the end of the job is written by then. */
const ABORT_MS = 100;

const QUEUE_FULL: Outcome = {
  success: false,
  return_data: null,
  error: "peel busy: execution queue full",
  duration: 0n,
};

/** Read-only functions, which bypass the queue. */
function readOnly(fn: string): boolean {
  const [module = ""] = fn.split(".");
  if (["grains", "settings", "pillar"].includes(module)) return true;
  return ["test.ping", "sys.list_functions", "sys.doc"].includes(fn) || (module === "facts" && fn !== "facts.set");
}
const random = randomFrom(SEED);
/** A random order: a peel collects its results from a map, whose order differs in each run. */
const shuffled = <T>(items: readonly T[]): T[] =>
  items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);

const nanos = (ms: number) => BigInt(Math.round(ms * 1e6));

/** A result as a peel encodes it. */
const resultOf = (result: StateResult) => ({
  name: result.name,
  changed: result.changed ?? false,
  diff: result.diff ?? "",
  duration: nanos(result.ms ?? 0),
  details: result.details ?? {},
  error: result.error,
  skipped: result.skipped === undefined ? undefined : true,
  skip_reason: result.skipped || undefined,
});

export class Peel {
  readonly #subs = new Set<Subscription>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  /** The jobs accepted since the last start. */
  readonly #seen = new Set<string>();
  readonly #running = new Map<string, Work>();
  #queue: Work[] = [];
  /** The job of the only worker. */
  #worker?: Work;
  #state: "new" | "online" | "offline" = "new";

  /** @param plan its behavior for a job */
  constructor(
    readonly site: Site,
    readonly id: string,
    readonly plan: (jid: string) => Behaviour,
  ) {}

  /** Starts it, unless it was started or stopped by hand before. */
  async ready(): Promise<void> {
    if (this.#state === "new") await this.goOnline();
  }

  /** Starts or restarts it: it accepts requests and sends heartbeats. */
  async goOnline(): Promise<void> {
    if (this.#state === "online") return;
    this.#state = "online";
    this.#subscribe(requestSubject(this.id), (_, data) => this.#take(decode(data)));
    if (!this.site.ignoreCancel)
      this.#subscribe("zester.job.*.cancel", (subject) => this.#abort(subject.split(".")[2] as string));
    const { heartbeats, scale, nc } = this.site;
    if (heartbeats) {
      const beat = () => encode({ ts: Time.now(), version: "0.6.5", protocol: 1 });
      const again = () => heartbeats.peels.put(this.id, beat()).catch(() => {});
      this.#timers.add(setInterval(again, HEARTBEAT_EVERY_MS * scale));
      await heartbeats.peels.put(this.id, beat());
    } else await nc.flush();
  }

  /** Crashes it: running and queued jobs are lost, and its heartbeat expires. */
  goOffline(): void {
    this.#state = "offline";
    for (const sub of this.#subs) sub.unsubscribe();
    for (const timer of this.#timers) clearTimeout(timer);
    for (const { timer } of this.#running.values()) clearTimeout(timer);
    this.#queue = [];
    this.#worker = undefined;
    for (const all of [this.#subs, this.#timers, this.#running, this.#seen]) all.clear();
  }

  /** Runs a function by its own schedule, outside its queue. @param jid may be that of another job @returns the JID at once */
  schedule(entry: string, fn: string, behaviour: Behaviour, jid = newJid()): string {
    this.#after(behaviour.ms ?? 50, () => {
      const { success, error, return_data, duration } = this.#outcome({ jid, fn, behaviour });
      const { v, ...answer } = return_data as Record<string, unknown>;
      const result = { jid, entry, module: fn, args: {}, success, error, return_data: answer };
      this.#publish(jid, "schedule", encode({ ...result, duration, timestamp: Time.now() }));
    });
    return jid;
  }

  #subscribe(subject: string, handle: (subject: string, data: Uint8Array) => void): Subscription {
    const sub = this.site.nc.subscribe(subject, { callback: (_, msg) => handle(msg.subject, msg.data) });
    this.#subs.add(sub);
    return sub;
  }

  #after(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, ms);
    this.#timers.add(timer);
  }

  #publish(jid: string, kind: string, data: Uint8Array): void {
    this.site.nc.publish(`zester.job.${jid}.${kind}.${this.id}`, data);
  }

  /** Receives a request; a second one for the same job changes nothing. */
  #take(request: Record<string, unknown> | undefined): void {
    if (!request) return;
    const { jid, function: fn } = request as { jid: string; function: string };
    const work: Work = { jid, fn, behaviour: this.plan(jid) };
    const { does } = work.behaviour;
    if (this.#seen.has(jid) || does === "silent" || does === "unreachable") return;
    this.#seen.add(jid);
    if (does === "late") this.#acceptLate(work);
    else this.#accept(work);
  }

  #acceptLate(work: Work): void {
    const sub = this.#subscribe(`zester.job.${work.jid}.return.${this.id}`, (_, data) => {
      if (!decode(data)?.unreachable) return;
      this.#subs.delete(sub);
      sub.unsubscribe();
      this.#after(LATE_MS, () => this.#accept(work));
    });
  }

  #accept(work: Work): void {
    this.#publish(work.jid, "ack", encode({ jid: work.jid, peel_id: this.id, timestamp: Time.now() }));
    if (work.behaviour.does === "early") this.#return(work.jid, this.#outcome(work));
    else if (readOnly(work.fn)) this.#run(work);
    else if (this.#worker && this.#queue.length >= this.site.queue) this.#return(work.jid, QUEUE_FULL);
    else {
      this.#queue.push(work);
      this.#next();
    }
  }

  /** Starts the next job when the worker is free. */
  #next(): void {
    if (this.#worker) return;
    this.#worker = this.#queue.shift();
    if (this.#worker) this.#run(this.#worker);
  }

  #run(work: Work): void {
    this.#running.set(work.jid, work);
    work.began = Date.now();
    if (work.behaviour.does === "hang") return;
    work.timer = setTimeout(() => {
      this.#return(work.jid, this.#outcome(work));
      this.#leave(work);
    }, work.behaviour.ms ?? 50);
  }

  #leave(work: Work): void {
    clearTimeout(work.timer);
    this.#running.delete(work.jid);
    if (this.#worker !== work) return;
    this.#worker = undefined;
    this.#next();
  }

  /** Ends a canceled job, running or queued, and returns it as failed. */
  #abort(jid: string): void {
    const meant = (work: Work) => work.jid === jid && work.behaviour.does !== "stubborn";
    for (const work of this.#queue.filter(meant)) this.#return(jid, this.#canceled(work));
    this.#queue = this.#queue.filter((work) => !meant(work));
    const work = this.#running.get(jid);
    if (!work || work.aborted || !meant(work)) return;
    work.aborted = true;
    clearTimeout(work.timer);
    work.timer = setTimeout(() => {
      this.#return(jid, this.#canceled(work));
      this.#leave(work);
    }, ABORT_MS);
  }

  /** The state that runs is cut off, and those after it are skipped: only of these the return itself has an error. */
  #canceled({ jid, fn, behaviour, began }: Work): Outcome {
    const ms = began === undefined ? 0 : Date.now() - began;
    const names = behaviour.results?.map(({ name }) => name) ?? [fn];
    const left = names.slice(began === undefined ? 0 : 1).map((name) => ({ name, skipped: "" }));
    const cut = began === undefined ? [] : [{ name: names[0] as string, ms, error: "context canceled" }];
    const error = left.length > 0 ? "execution canceled" : undefined;
    const results = shuffled([...cut, ...left].map(resultOf));
    return {
      success: false,
      return_data: { v: 1, peel_id: this.id, jid, success: false, results, error },
      error,
      duration: nanos(ms),
    };
  }

  #return(jid: string, outcome: Outcome): void {
    this.#publish(jid, "return", returnRecord(jid, this.id, outcome));
  }

  #outcome({ jid, fn, behaviour }: Work): Outcome {
    const { does, ms = 50, changed = !readOnly(fn) } = behaviour;
    const error = behaviour.error ?? (does === "fail" ? "exit status 1" : undefined);
    const success = error === undefined;
    const details: Record<string, string> = success ? { stdout: `${fn} done\n` } : { stderr: error };
    const only: StateResult = { name: fn, changed: success && changed, ms, details, error };
    const results = behaviour.results === null ? null : shuffled((behaviour.results ?? [only]).map(resultOf));
    const test = does === "dry" || undefined;
    const return_data = { v: 1, peel_id: this.id, jid, success, test, results, error };
    return { success, return_data, error, duration: nanos(ms) };
  }
}
