// A store of jobs in memory, from the messages of a fleet's streams: what a reader of a file of messages would be.
import type { NatsConnection, StoredMsg } from "nats";
import { NoBucket, UserError } from "../../lib/errors.ts";
import type {
  Heartbeat,
  JobKeys,
  JobsState,
  PeelOfJob,
  ReturnEntries,
  ReturnsOf,
  Store,
  StoredEvent,
} from "../../lib/store.ts";

interface Message {
  readonly sequence: number;
  /** The subject without the prefix of its bucket. */
  readonly key: string;
  readonly storedNs: bigint;
  /** Undefined for a message that marks its key as gone. */
  readonly bytes: Uint8Array | undefined;
}

const GONE = new Set(["DEL", "PURGE"]);
const STREAMS = ["KV_jobs", "KV_job-returns", "KV_master-heartbeat", "KV_peel-heartbeat", "job-events"] as const;
type Streams = Readonly<Record<(typeof STREAMS)[number], readonly Message[]>>;

function nsOf(timestamp: string): bigint {
  const [, seconds = "", fraction = ""] = /^(.{19})(?:\.(\d+))?/.exec(timestamp) ?? [];
  return BigInt(Date.parse(`${seconds}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
}

const messageOf = ({ seq, subject, timestamp, header, data }: StoredMsg, prefix: number): Message => ({
  sequence: seq,
  key: subject.slice(prefix),
  storedNs: nsOf(timestamp),
  bytes: GONE.has(header?.get("KV-Operation") ?? "") ? undefined : data,
});

/** Every message of a fleet's streams. */
export async function streamsOf(nc: NatsConnection): Promise<Streams> {
  const jsm = await nc.jetstreamManager();
  const read = async (stream: string): Promise<Message[]> => {
    const { first_seq, last_seq } = (await jsm.streams.info(stream)).state;
    const prefix = stream.startsWith("KV_") ? `$KV.${stream.slice(3)}.`.length : 0;
    const messages: Message[] = [];
    for (let seq = first_seq; seq <= last_seq; seq++) {
      const found = await jsm.streams.getMessage(stream, { seq }).catch(() => undefined);
      if (found) messages.push(messageOf(found, prefix));
    }
    return messages;
  };
  const all = await Promise.all(STREAMS.map(async (stream) => [stream, await read(stream)] as const));
  return Object.fromEntries(all) as unknown as Streams;
}

/** The last message of each key. */
const newest = (messages: readonly Message[]) => new Map(messages.map((message) => [message.key, message]));

/** Hands over a key and a value as no more than a view that is used again: who keeps them has to copy. */
class Frame {
  readonly #bytes = new Uint8Array(1 << 20);

  hand<T>(key: string, bytes: Uint8Array | undefined, to: (key: Uint8Array, from: number, bytes?: Uint8Array) => T): T {
    const text = Buffer.from(`.${key}`);
    this.#bytes.set(text);
    if (bytes) this.#bytes.set(bytes, text.length);
    const value = bytes && this.#bytes.subarray(text.length, text.length + bytes.length);
    return to(this.#bytes.subarray(0, text.length), 1, value);
  }
}

export class MemoryStore implements Store {
  readonly readsManyAtOnce = true;
  readonly #frame = new Frame();

  constructor(
    readonly streams: Streams,
    /** When the messages were read: the only time that this store knows. */
    readonly readNs: bigint,
  ) {}

  get #jobs() {
    return newest(this.streams.KV_jobs);
  }

  async job(jid: string) {
    return this.#jobs.get(jid)?.bytes;
  }

  async scanJobs(jobs: JobKeys, onTotal: (entries: number) => void = () => {}) {
    const all = [...this.#jobs.values()].filter(({ key }) => !key.includes("."));
    onTotal(all.length);
    for (const { key, bytes } of all) this.#frame.hand(key, bytes, (...entry) => jobs.take(...entry));
  }

  async jobsState(): Promise<JobsState> {
    const all = this.streams.KV_jobs;
    return {
      messages: all.length,
      lastSequence: all.at(-1)?.sequence ?? 0,
      changes: async (from, most, onChange) => {
        const wanted = all.filter((one) =>
          "sequence" in from ? one.sequence >= from.sequence : one.storedNs >= from.ns,
        );
        if (wanted.length > most) return false;
        for (const { key, bytes, storedNs } of wanted)
          if (!key.includes("."))
            this.#frame.hand(key, bytes, (bytesOfKey, at, value) => onChange(bytesOfKey, at, value, storedNs));
        return true;
      },
    };
  }

  readonly returns = {
    of: async <T extends NonNullable<unknown>>(jid: string, read: (peel: string, bytes: Uint8Array) => T) => {
      const all = newest(this.streams["KV_job-returns"]);
      const own = [...all.values()].filter(({ key }) => key.startsWith(`${jid}.`));
      const peels = own.flatMap(({ key, bytes }) => (bytes ? [read(key.slice(jid.length + 1), bytes)] : []));
      return { list: all.get(jid)?.bytes, peels };
    },
    /** All entries, whatever is asked for: which of them count is for the reader to say. */
    across: async (_: ReturnsOf, entries: ReturnEntries) => {
      const all = [...newest(this.streams["KV_job-returns"]).values()];
      entries.expect(all.length, 0);
      const isList = ({ key }: Message) => !key.includes(".");
      for (const { key, bytes } of [...all.filter((one) => !isList(one)), ...all.filter(isList)])
        this.#frame.hand(key, bytes, (...entry) => entries.take(...entry));
    },
    /** All keys, as `across`. */
    keys: async (...[, , onKey]: Parameters<Store["returns"]["keys"]>) => {
      for (const { key, bytes } of newest(this.streams["KV_job-returns"]).values()) {
        const [jid = "", peel] = key.split(".");
        onKey(jid, peel, bytes !== undefined);
      }
    },
  };

  /** Every event, with its job. */
  #events(onEvent: (jid: string, event: StoredEvent) => void) {
    if (this.streams["job-events"].length === 0) throw new NoBucket("no events");
    for (const { key, bytes = new Uint8Array(), storedNs } of this.streams["job-events"]) {
      const [, , jid = "", kind = "", peel] = key.split(".");
      this.#frame.hand("", bytes, (_key, _from, value = bytes) => onEvent(jid, { kind, peel, storedNs, bytes: value }));
    }
  }

  async events(jid: string, onEvent: (event: StoredEvent) => void) {
    this.#events((of, event) => {
      if (of === jid) onEvent(event);
    });
  }

  async eventsOfPeels(_: readonly PeelOfJob[], onEvent: (place: PeelOfJob, event: StoredEvent) => void) {
    this.#events((jid, event) => {
      if (event.peel !== undefined) onEvent({ jid, peel: event.peel }, event);
    });
  }

  async activeJids() {
    const index = [...this.#jobs.values()].filter(({ key, bytes }) => key.startsWith("active.") && bytes);
    return index.map(({ key }) => key.slice("active.".length));
  }

  #heartbeats(of: "masters" | "peels") {
    return newest(this.streams[of === "masters" ? "KV_master-heartbeat" : "KV_peel-heartbeat"]);
  }

  async alive(of: "masters" | "peels") {
    return [...this.#heartbeats(of).values()].flatMap(({ key, bytes }) => (bytes ? [key] : []));
  }

  async heartbeat(of: "masters" | "peels", id: string): Promise<Heartbeat | "none"> {
    const found = this.#heartbeats(of).get(id);
    if (!found?.bytes) return "none";
    const storedMs = Number(found.storedNs / 1_000_000n);
    return { storedMs, ageMs: this.now().getTime() - storedMs, bytes: found.bytes };
  }

  async clock(): Promise<never> {
    throw new UserError("messages do not tell the time.");
  }

  now() {
    return new Date(Number(this.readNs / 1_000_000n));
  }

  nowNs() {
    return this.readNs;
  }
}
