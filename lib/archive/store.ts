// A Store on the files of exports. Each question needs a pass over them; simultaneous questions share one.
//
// The files are read in the order of their export. Of a key in several files the newest message counts, and an event in several
// files counts once. "Now" is the time of the newest export; only its heartbeats count.
import { existsSync } from "node:fs";
import { Glob } from "bun";
import { NoBucket, UserError } from "../errors.ts";
import {
  type Clock,
  DOT_BYTE,
  type Heartbeat,
  isDeletion,
  type JobKeys,
  type JobsState,
  PARTS,
  type Part,
  type PeelOfJob,
  type Store,
  type StoredEvent,
  type StoredMessage,
} from "../store.ts";
import { plural, safe } from "../text.ts";
import { ArchiveFile, type OpenedFile, type Subjects } from "./file.ts";
import { STORED } from "./format.ts";

type Beats = "masters" | "peels";
type BeatsById = Record<Beats, Map<string, StoredMessage>>;

const isGone = ({ headers }: StoredMessage) =>
  headers.length > 0 && isDeletion((name) => headers.find(([own]) => own === name)?.[1]);

const liveBytes = (message: StoredMessage) => (isGone(message) ? undefined : message.bytes);
const prefixOf = (part: Part) => STORED[part].prefix;

const encoder = new TextEncoder();
/** The start of the keys of the index of active jobs. */
const ACTIVE_INDEX = "active.";
/** More files than this are counted instead of named. */
const MOST_NAMED = 3;
/** For more questions at once, all lines are parsed: comparing each with many subjects takes longer. */
const FEW = 8;

type OnMessage = (message: StoredMessage) => void;

/** A question that waits for a pass. */
interface SubjectQuestion extends Subjects {
  /** Every message of a subject, not only the newest. */
  readonly every?: boolean;
  readonly take: OnMessage;
  failed?: unknown;
}

async function passOver(file: ArchiveFile, questions: readonly SubjectQuestion[]): Promise<void> {
  const subjects = questions.length <= FEW ? questions : PARTS.map((part) => ({ begin: prefixOf(part) }));
  const newest = !questions.some(({ every }) => every);
  await file.read(subjects, newest, (message) => {
    for (const question of questions) {
      if ("failed" in question || !message.subject.startsWith(question.begin)) continue;
      try {
        question.take(message);
      } catch (error) {
        question.failed = error;
      }
    }
  });
}

type ExportFile = OpenedFile & { readonly file: ArchiveFile };

class ArchiveStore implements Store {
  readonly isLive = false;
  readonly readsManyAtOnce = true;
  /** Heartbeats of the file that was read last, by part and ID; undefined before the first pass. */
  #beats: BeatsById | undefined;
  #waiting: SubjectQuestion[] = [];
  #pass: Promise<void> | undefined;

  /** @param files in the order in which they were exported */
  constructor(readonly files: readonly ExportFile[]) {}

  get #newest(): ExportFile {
    return this.files.at(-1) as ExportFile;
  }

  get name(): string {
    const names = this.files.map(({ file }) => file.name);
    return names.length <= MOST_NAMED ? names.join(", ") : plural(names.length, "file");
  }

  async #ask(question: SubjectQuestion): Promise<void> {
    this.#waiting.push(question);
    // Simultaneous questions are added before this runs.
    this.#pass ??= new Promise((begin) => setImmediate(begin)).then(() => this.#run());
    await this.#pass;
    if ("failed" in question) throw question.failed;
  }

  async #run(): Promise<void> {
    const questions = this.#waiting;
    this.#waiting = [];
    this.#pass = undefined;
    for (const { file } of this.files) {
      const beats: BeatsById = { masters: new Map(), peels: new Map() };
      const ofBeats = (["masters", "peels"] as const).map((of) => ({
        begin: prefixOf(of),
        take: (message: StoredMessage) => void beats[of].set(message.subject.slice(prefixOf(of).length), message),
      }));
      await passOver(file, [...questions, ...ofBeats]);
      this.#beats = beats;
    }
  }

  #checkPart(part: Part): void {
    if (this.files.some(({ missing }) => !missing.includes(part))) return;
    throw new NoBucket(`no ${STORED[part].title} in ${this.name}.`, "The server had none when the file was exported.");
  }

  async job(jid: string): Promise<Uint8Array | undefined> {
    const subject = prefixOf("jobs") + jid;
    let found: Uint8Array | undefined;
    const take = (message: StoredMessage) => {
      if (message.subject === subject) found = liveBytes(message);
    };
    await this.#ask({ begin: subject, take });
    return found;
  }

  async scanJobs(jobs: JobKeys): Promise<void> {
    const begin = prefixOf("jobs");
    const take = (message: StoredMessage) => {
      const key = encoder.encode(message.subject);
      if (key.indexOf(DOT_BYTE, begin.length) < 0) jobs.take(key, begin.length, liveBytes(message));
    };
    await this.#ask({ begin, except: begin + ACTIVE_INDEX, take });
  }

  async jobsState(): Promise<JobsState> {
    const subject = prefixOf("jobs");
    const changes: JobsState["changes"] = async (from, most, onChange) => {
      if (!("newest" in from)) return false;
      let last = 0;
      let found: StoredMessage[] = [];
      const dropOld = () => {
        found = found.filter(({ sequence }) => sequence >= last - from.newest);
      };
      const take = (message: StoredMessage) => {
        last = Math.max(last, message.sequence);
        if (found.push(message) > 2 * most) dropOld();
      };
      await this.#ask({ begin: subject, every: true, take });
      dropOld();
      if (found.length > most) return false;
      for (const message of found) {
        const key = encoder.encode(message.subject);
        if (key.indexOf(DOT_BYTE, subject.length) < 0)
          onChange(key, subject.length, liveBytes(message), message.storedNs);
      }
      return true;
    };
    return { messages: 0, changes };
  }

  readonly returns: Store["returns"] = {
    of: async (jid, read) => {
      this.#checkPart("returns");
      const list = prefixOf("returns") + jid;
      let listed: Uint8Array | undefined;
      const peels = new Map<string, ReturnType<typeof read> | undefined>();
      const take = (message: StoredMessage) => {
        const bytes = liveBytes(message);
        if (message.subject === list) listed = bytes;
        else if (message.subject[list.length] === ".") {
          const peel = message.subject.slice(list.length + 1);
          peels.set(peel, bytes && read(peel, bytes));
        }
      };
      await this.#ask({ begin: list, take });
      return { list: listed, peels: [...peels.values()].filter((one) => one !== undefined) };
    },
    across: async (of, entries) => {
      this.#checkPart("returns");
      if (typeof of === "object" && "jids" in of && of.jids.size === 0) return;
      const subject = prefixOf("returns");
      let lists = 0;
      const pass = async (ofLists: boolean) => {
        // The first state of a key counts.
        for (const { file } of this.files.toReversed())
          await file.read([{ begin: subject }], true, (message) => {
            const key = encoder.encode(message.subject);
            const isList = key.indexOf(DOT_BYTE, subject.length) < 0;
            if (isList) lists++;
            if (isList === ofLists) entries.take(key, subject.length, liveBytes(message));
          });
      };
      await pass(false);
      if (lists > 0) await pass(true);
    },
    keys: async (_jids, _sinceNs, onKey) => {
      this.#checkPart("returns");
      const subject = prefixOf("returns");
      const take = (message: StoredMessage) => {
        const [jid = "", peel] = message.subject.slice(subject.length).split(".");
        onKey(jid, peel, !isGone(message));
      };
      await this.#ask({ begin: subject, take });
    },
  };

  /** @param jids the jobs whose events are passed on; of a single one, only its lines are parsed */
  async #events(jids: ReadonlySet<string>, onEvent: (jid: string, event: StoredEvent) => void): Promise<void> {
    this.#checkPart("events");
    const prefix = prefixOf("events");
    const [only] = jids;
    const seen = new Set<string>();
    const take = ({ subject, sequence, storedNs, bytes }: StoredMessage) => {
      const [jid = "", kind = "", peel] = subject.slice(prefix.length).split(".");
      if (!jids.has(jid)) return;
      const identity = `${subject} ${sequence} ${storedNs}`;
      if (this.files.length > 1 && seen.has(identity)) return;
      if (this.files.length > 1) seen.add(identity);
      onEvent(jid, { kind, peel, storedNs, bytes });
    };
    await this.#ask({ begin: jids.size === 1 ? `${prefix}${only}.` : prefix, every: true, take });
  }

  async events(jid: string, onEvent: (event: StoredEvent) => void): Promise<void> {
    await this.#events(new Set([jid]), (_, event) => onEvent(event));
  }

  async eventsOfPeels(
    places: readonly PeelOfJob[],
    onEvent: (place: PeelOfJob, event: StoredEvent) => void,
  ): Promise<void> {
    await this.#events(new Set(places.map(({ jid }) => jid)), (jid, event) => {
      if (event.peel !== undefined) onEvent({ jid, peel: event.peel }, event);
    });
  }

  async activeJids(): Promise<string[]> {
    const subject = prefixOf("jobs") + ACTIVE_INDEX;
    const found = new Map<string, boolean>();
    const take = (message: StoredMessage) => void found.set(message.subject.slice(subject.length), !isGone(message));
    await this.#ask({ begin: subject, take });
    return [...found].flatMap(([jid, isActive]) => (isActive ? [jid] : []));
  }

  async #heartbeats(of: Beats): Promise<ReadonlyMap<string, StoredMessage>> {
    if (!this.#beats) await this.#ask({ begin: prefixOf(of), take: () => {} });
    if (this.#newest.missing.includes(of)) throw new NoBucket(`no ${STORED[of].title} in ${this.#newest.file.name}.`);
    return this.#beats?.[of] ?? new Map();
  }

  async alive(of: Beats): Promise<string[]> {
    return [...(await this.#heartbeats(of))].flatMap(([id, message]) => (isGone(message) ? [] : [id]));
  }

  async heartbeat(of: Beats, id: string): Promise<Heartbeat | "none"> {
    const message = (await this.#heartbeats(of)).get(id);
    if (!message || isGone(message)) return "none";
    return { storedMs: Number(message.storedNs / 1_000_000n), bytes: message.bytes };
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

/** The file of this name, or the files that a pattern matches: a shell does not expand a quoted one. */
function filesOf(path: string): string[] {
  if (path === "-" || !/[*?[{]/.test(path) || existsSync(path)) return [path];
  const found = [...new Glob(path).scanSync()].sort();
  if (found.length > 0) return found;
  throw new UserError(`no file matches ${safe(path)}.`, "Check the pattern.");
}

/** @param paths names, or patterns; `-` is stdin @throws UserError for a file that is not an export in a known format */
export async function openArchive(paths: readonly string[]): Promise<ArchiveStore> {
  const files: ExportFile[] = [];
  for (const path of new Set(paths.flatMap(filesOf))) {
    const file = new ArchiveFile(path);
    files.push({ file, ...(await file.open()) });
  }
  return new ArchiveStore(files.sort((a, b) => (a.ns < b.ns ? -1 : a.ns > b.ns ? 1 : 0)));
}
