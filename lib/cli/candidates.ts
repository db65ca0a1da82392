// zester __complete <words…> =<current>: what a completion script shows. One `word<Tab>description` a line, or `:files`
// alone when the shell should complete files. Whatever happens, it ends in time, with 0, and says nothing else.

import type { JobRow } from "../model/job.ts";
import type { SettingFlags } from "../settings/settings.ts";
import type { LiveStore, Store } from "../store.ts";
import type { Tree } from "./command.ts";
import { ask, type Candidate, type Field, type Question, type Source } from "./completion.ts";

/** From the start of the process until its end, in ms: a person waits at the prompt. */
const DEADLINE_MS = 300;
/** The part of it for deleting the consumer. */
const GOODBYE_MS = 20;
/** Only the newest jobs are offered. */
const MOST = 200;

/** How many jobs the values of their fields are taken from. */
const RECENT = 1000;

/** Words without a meaning in any shell. IDs and names come from records, which any peel or master may have written. */
const HARMLESS = /^[\w@%+:,./][\w@%+:,./~-]*$/;

const remaining = () => Math.max(1, DEADLINE_MS - GOODBYE_MS - performance.now());

/**
 * The rows of the newest `limit` jobs that `keep` wants, newest first. The clock is looked at here too: while records
 * stream in, timers wait.
 */
async function newestRows(store: Store, limit: number, keep: (row: JobRow) => boolean): Promise<JobRow[]> {
  const { readRecent } = await import("../jobs/recent.ts");
  const { readJobs } = await import("../jobs/read-jobs.ts");
  const inTime = (row: JobRow) => {
    if (performance.now() > DEADLINE_MS - 2 * GOODBYE_MS) throw new Error("too late");
    return keep(row);
  };
  const read =
    (await readRecent(store, { since: undefined, limit }, inTime, false)) ?? (await readJobs(store, inTime, false));
  return Array.from(read.jobs, ({ row }) => row)
    .reverse()
    .slice(0, limit);
}

/** The jobs that fit what is typed, newest first, with what they run. */
async function jobs(store: Store, typed: string, running: boolean): Promise<Candidate[]> {
  const { isTerminal, displayState: stateOf } = await import("../model/job.ts");
  const { formatAgo } = await import("../duration.ts");
  const keep = (row: JobRow) => row.jid.startsWith(typed) && !(running && isTerminal(row.status));
  const rows = await newestRows(store, MOST, keep);
  const now = store.nowNs();
  return rows.map((row) => {
    const age = row.created && now > row.created.ns ? `${formatAgo(now - row.created.ns)} ago` : undefined;
    return [row.jid, [row.fn, stateOf(row), row.targetExpr, age].filter(Boolean).join("  ")];
  });
}

/** The values that a field has in the newest jobs, by name. */
async function fieldValues(store: Store, field: Field): Promise<Candidate[]> {
  const nameOf = { function: "fn", target: "targetExpr", user: "user", owner: "owner" } as const;
  const rows = await newestRows(store, RECENT, () => true);
  const values = new Set(rows.flatMap((row) => row[nameOf[field]] || []));
  return [...values].sort().map((value) => [value, ""]);
}

/** The targeted peels of a job, or of the newest jobs, as operators know them. */
async function peels(store: Store, jid: string | undefined): Promise<Candidate[]> {
  const { parseJid } = await import("../model/jid.ts");
  const { resolveJob } = await import("../jobs/lookup.ts");
  const { jobRow } = await import("../model/job.ts");
  const { displayPeel } = await import("../model/peel.ts");
  const rows =
    jid === undefined
      ? await newestRows(store, RECENT, () => true)
      : [await resolveJob(store, parseJid(jid), () => {}).then((found) => jobRow(found.jid, found.job))];
  return [...new Set(rows.flatMap(({ targets }) => targets ?? []))]
    .map(displayPeel)
    .sort()
    .map((peel) => [peel, ""]);
}

async function stored(store: Store, source: Source, typed: string): Promise<readonly Candidate[]> {
  if (source.kind === "jobs") return jobs(store, typed, source.running);
  if (source.kind === "field") return fieldValues(store, source.field);
  return source.kind === "peels" ? peels(store, source.jid) : [];
}

/** Fetches what only the server knows. `onStore` gets the store as soon as there is something to close. */
async function live(
  { source, typed, flags }: Question,
  env: NodeJS.ProcessEnv,
  onStore: (store: LiveStore) => void,
): Promise<readonly Candidate[]> {
  if (source.kind === "contexts") {
    const { contextNames } = await import("../settings/context.ts");
    return contextNames(env).map((name) => [name, ""]);
  }
  if (flags.from) {
    const { openArchive } = await import("../archive/store.ts");
    return stored(await openArchive(flags.from as string[]), source, typed);
  }
  const { resolveSettings } = await import("../settings/resolve.ts");
  const { openConnection } = await import("../nats/connect.ts");
  const { NatsStore } = await import("../nats/store.ts");
  const { settings } = await resolveSettings(flags as SettingFlags, env, () => {});
  const connection = await openConnection({ ...settings, timeoutMs: DEADLINE_MS }, () => {});
  const store = new NatsStore(connection);
  onStore(store);
  return stored(store, source, typed);
}

async function answer(
  question: Question,
  env: NodeJS.ProcessEnv,
  onStore: (store: LiveStore) => void,
): Promise<string> {
  const { source, before, typed } = question;
  if (source.kind === "files") return ":files\n";
  const { safe } = await import("../text.ts");
  const known = source.kind === "words";
  const words = known ? source.words : await live(question, env, onStore);
  return words
    .filter(([word]) => word.startsWith(typed) && (known || HARMLESS.test(word)))
    .map(([word, description]) => `${before}${word}\t${safe(description)}\n`)
    .join("");
}

/** Answers in time. `argv` are the words before the cursor, then `=` and the word at the cursor. */
export async function complete(
  root: Tree,
  globals: ReadonlySet<string>,
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<void> {
  let store: LiveStore | undefined;
  const late = new Promise<undefined>((done) => setTimeout(done, remaining(), undefined));
  try {
    const question = await ask(root, globals, argv.slice(0, -1), (argv.at(-1) ?? "=").slice(1));
    const work = question && answer(question, env, (opened) => (store = opened));
    const text = await Promise.race([work, late]);
    const { writeAll } = await import("../terminal/terminal.ts");
    if (text) writeAll(1, text);
  } catch {
    // The command itself will report it.
  }
  const goodbye = new Promise((done) => setTimeout(done, GOODBYE_MS));
  if (store) await Promise.race([store.close().catch(() => {}), goodbye]);
}
