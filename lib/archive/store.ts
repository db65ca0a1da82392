// A Store on the files of exports: each question is answered by a pass over them. Questions that are asked at the same time share one.
//
// The files are read in the order in which they were exported: of a key in several, the newest message counts, and an event that is
// in several counts once. Now is when the newest was exported, and its heartbeats alone count.
import { NoBucket } from "../errors.ts";
import type {
  Clock,
  Heartbeat,
  JobKeys,
  JobsState,
  Part,
  PeelOfJob,
  Store,
  StoredEvent,
  StoredMessage,
} from "../store.ts";
import { ArchiveFile, type Opened } from "./file.ts";
import { STORED } from "./format.ts";

type Beats = "masters" | "peels";

/** Marks a key as gone: see `isTombstone` of lib/nats/bucket.ts. */
const isGone = ({ headers }: StoredMessage) =>
  headers.some(
    ([name, value]) =>
      (name === "KV-Operation" && (value === "DEL" || value === "PURGE")) ||
      (name === "Nats-Marker-Reason" && value !== ""),
  );

const liveBytes = (message: StoredMessage) => (isGone(message) ? undefined : message.bytes);
const keyOf = ({ subject }: StoredMessage, part: Part) => subject.slice(STORED[part].prefix.length);

const RETURNS: ReadonlySet<Part> = new Set(["returns"]);
/** What stands before the JID in the index of active jobs. */
const ACTIVE = "active.";

type OnMessage = (message: StoredMessage, key: string) => void;

/** A question that waits for a pass. */
interface Question {
  readonly part: Part;
  readonly take: OnMessage;
  failed?: unknown;
}

interface File extends Opened {
  readonly file: ArchiveFile;
}

export class ArchiveStore implements Store {
  readonly readsManyAtOnce = true;
  /** Heartbeats of the newest file, by part and ID; undefined before the first pass. */
  #beats: Record<Beats, Map<string, StoredMessage>> | undefined;
  #waiting: Question[] = [];
  #pass: Promise<void> | undefined;

  /** @param files in the order in which they were exported */
  constructor(readonly files: readonly File[]) {}

  get #newest(): File {
    return this.files.at(-1) as File;
  }

  get name(): string {
    return this.files.map(({ file }) => file.name).join(", ");
  }

  /** Hands over the messages of a part. */
  async #ask(part: Part, take: OnMessage): Promise<void> {
    const question: Question = { part, take };
    this.#waiting.push(question);
    // Those that are asked at the same time come before this.
    this.#pass ??= new Promise((begin) => setImmediate(begin)).then(() => this.#run());
    await this.#pass;
    if ("failed" in question) throw question.failed;
  }

  async #run(): Promise<void> {
    const questions = this.#waiting;
    this.#waiting = [];
    this.#pass = undefined;
    const beats = this.#beats ? undefined : { masters: new Map(), peels: new Map() };
    const parts = new Set<Part>(questions.map(({ part }) => part));
    if (beats) parts.add("masters").add("peels");
    const of = Map.groupBy(questions, ({ part }) => part);
    for (const { file } of this.files)
      await file.read(parts, (message, part) => {
        const key = keyOf(message, part);
        if (part === "masters" || part === "peels") {
          if (beats && file === this.#newest.file) beats[part].set(key, message);
          return;
        }
        for (const question of of.get(part) ?? []) {
          if ("failed" in question) continue;
          try {
            question.take(message, key);
          } catch (error) {
            question.failed = error;
          }
        }
      });
    this.#beats ??= beats;
  }

  #checkPart(part: Part): void {
    if (this.files.some(({ missing }) => !missing.includes(part))) return;
    throw new NoBucket(`${this.name} has no ${STORED[part].title}.`, "The server that it was exported from had none.");
  }

  async job(jid: string): Promise<Uint8Array | undefined> {
    let found: Uint8Array | undefined;
    await this.#ask("jobs", (message, key) => {
      if (key === jid) found = liveBytes(message);
    });
    return found;
  }

  async scanJobs(jobs: JobKeys): Promise<void> {
    await this.#ask("jobs", (message, key) => {
      if (!key.includes(".")) jobs.take(Buffer.from(key), 0, liveBytes(message));
    });
  }

  /** It counts no messages: a part of a file is no shorter to read than all of it. */
  async jobsState(): Promise<JobsState> {
    let lastSequence = 0;
    await this.#ask("jobs", ({ sequence }) => {
      lastSequence = Math.max(lastSequence, sequence);
    });
    const changes: JobsState["changes"] = async (from, most, onChange) => {
      const found: StoredMessage[] = [];
      await this.#ask("jobs", (message) => {
        const isWanted = "sequence" in from ? message.sequence >= from.sequence : message.storedNs >= from.ns;
        if (isWanted && found.length <= most) found.push(message);
      });
      if (found.length > most) return false;
      for (const message of found) {
        const key = keyOf(message, "jobs");
        if (!key.includes(".")) onChange(Buffer.from(key), 0, liveBytes(message), message.storedNs);
      }
      return true;
    };
    return { messages: 0, lastSequence, changes };
  }

  readonly returns: Store["returns"] = {
    of: async (jid, read) => {
      this.#checkPart("returns");
      let list: Uint8Array | undefined;
      const peels = new Map<string, ReturnType<typeof read> | undefined>();
      await this.#ask("returns", (message, key) => {
        const bytes = liveBytes(message);
        if (key === jid) list = bytes;
        else if (key.startsWith(`${jid}.`)) {
          const peel = key.slice(jid.length + 1);
          peels.set(peel, bytes && read(peel, bytes));
        }
      });
      return { list, peels: [...peels.values()].filter((one) => one !== undefined) };
    },
    across: async (_, entries) => {
      this.#checkPart("returns");
      let lists = 0;
      const pass = async (ofLists: boolean) => {
        // The first state of a key counts.
        for (const { file } of this.files.toReversed())
          await file.read(RETURNS, (message) => {
            const key = keyOf(message, "returns");
            const isList = !key.includes(".");
            if (isList) lists++;
            if (isList === ofLists) entries.take(Buffer.from(key), 0, liveBytes(message));
          });
      };
      await pass(false);
      if (lists > 0) await pass(true);
    },
    keys: async (_jids, _sinceNs, onKey) => {
      this.#checkPart("returns");
      await this.#ask("returns", (message, key) => {
        const [jid = "", peel] = key.split(".");
        onKey(jid, peel, !isGone(message));
      });
    },
  };

  /** Hands over each event, with its job. */
  async #events(onEvent: (jid: string, event: StoredEvent) => void): Promise<void> {
    this.#checkPart("events");
    const seen = this.files.length > 1 ? new Set<string>() : undefined;
    await this.#ask("events", ({ subject, sequence, storedNs, bytes }, key) => {
      const identity = seen && `${subject} ${sequence} ${storedNs}`;
      if (identity !== undefined && seen?.has(identity)) return;
      if (identity !== undefined) seen?.add(identity);
      const [jid = "", kind = "", peel] = key.split(".");
      onEvent(jid, { kind, peel, storedNs, bytes });
    });
  }

  async events(jid: string, onEvent: (event: StoredEvent) => void): Promise<void> {
    await this.#events((of, event) => {
      if (of === jid) onEvent(event);
    });
  }

  async eventsOfPeels(
    places: readonly PeelOfJob[],
    onEvent: (place: PeelOfJob, event: StoredEvent) => void,
  ): Promise<void> {
    const jids = new Set(places.map(({ jid }) => jid));
    await this.#events((jid, event) => {
      if (event.peel !== undefined && jids.has(jid)) onEvent({ jid, peel: event.peel }, event);
    });
  }

  async activeJids(): Promise<string[]> {
    const found = new Map<string, boolean>();
    await this.#ask("jobs", (message, key) => {
      if (key.startsWith(ACTIVE)) found.set(key.slice(ACTIVE.length), !isGone(message));
    });
    return [...found].flatMap(([jid, isActive]) => (isActive ? [jid] : []));
  }

  async #heartbeats(of: Beats): Promise<ReadonlyMap<string, StoredMessage>> {
    if (!this.#beats) await this.#ask(of, () => {});
    if (this.#newest.missing.includes(of)) throw new NoBucket(`${this.#newest.file.name} has no ${STORED[of].title}.`);
    return this.#beats?.[of] ?? new Map();
  }

  async alive(of: Beats): Promise<string[]> {
    return [...(await this.#heartbeats(of))].flatMap(([id, message]) => (isGone(message) ? [] : [id]));
  }

  async heartbeat(of: Beats, id: string): Promise<Heartbeat | "none"> {
    const message = (await this.#heartbeats(of)).get(id);
    if (!message || isGone(message)) return "none";
    const storedMs = Number(message.storedNs / 1_000_000n);
    return { storedMs, ageMs: this.now().getTime() - storedMs, bytes: message.bytes };
  }

  async clock(): Promise<Clock> {
    return { aheadMs: 0, doubtMs: 0 };
  }

  now(): Date {
    return new Date(Number(this.nowNs() / 1_000_000n));
  }

  nowNs(): bigint {
    return this.#newest.ns;
  }
}

/** Opens the files. @param paths `-` is stdin @throws UserError for one that is no export that this zester knows */
export async function openArchive(paths: readonly string[]): Promise<ArchiveStore> {
  const files: File[] = [];
  for (const path of new Set(paths)) {
    const file = new ArchiveFile(path);
    files.push({ file, ...(await file.open()) });
  }
  return new ArchiveStore(files.sort((a, b) => (a.ns < b.ns ? -1 : a.ns > b.ns ? 1 : 0)));
}
