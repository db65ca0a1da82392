// zester __complete <words…> =<current>: what a completion script shows. One `word<Tab>description` per line, or only `:files`
// when the shell should complete files. It always ends in time, with exit code 0, and writes nothing else.
// Own code, because @bomb.sh/tab cannot wait for a server's answer (its handlers are synchronous), completes neither files
// nor values after a comma, and its bash script evaluates the words: `$(…)` in a stored job ID would run.
import type { ArgsDef } from "citty";
import type { JobRow } from "../model/job.ts";
import { JOB_REFERENCES } from "../model/job-reference.ts";
import { STATE_WORDS } from "../model/peel-state.ts";
import { JOB_SORTS, JOB_STATES, STATE_GROUPS } from "../model/selection.ts";
import { COLUMN_NAMES } from "../render/columns.ts";
import type { SettingFlags } from "../settings/settings.ts";
import type { LiveStore, Store } from "../store.ts";
import { locate } from "./args.ts";
import {
  type Arg,
  type Args,
  argsOf,
  argsThat,
  commandsOf,
  flagOf,
  flagText,
  flagWord,
  globalNames,
  load,
  manualOf,
  mayTakeValue,
  readArgs,
  type Tree,
  takesList,
  takesMany,
  tokensOf,
} from "./command.ts";

/** From the start of the process until its end, in ms: a person waits at the prompt. */
const DEADLINE_MS = 300;
/** The part of it for deleting the consumer. */
const CLOSING_MS = 20;
/** Only the newest jobs are offered. */
const MOST = 200;
/** The number of jobs whose fields provide values. */
const RECENT = 1000;

/** Words without a meaning in any shell. IDs and names come from records, which any peel or master may have written. */
const HARMLESS = /^[\w@%+:,./][\w@%+:,./~-]*$/;

type Candidate = readonly [word: string, description: string];

/** Candidates for a word: known words, files, names of contexts, or values that are read from a server. */
type Source =
  | readonly Candidate[]
  | "files"
  | "contexts"
  | ((store: Store, typed: string) => Promise<readonly Candidate[]>);

const plain = (words: Iterable<string>) => Array.from(words, (word): Candidate => [word, ""]);

/** The rows of the newest `limit` jobs that `keep` selects, newest first. Checks the time: timers wait for records. */
async function newestRows(store: Store, limit: number, keep: (row: JobRow) => boolean): Promise<JobRow[]> {
  const { readRecent } = await import("../jobs/recent.ts");
  const { readJobs } = await import("../jobs/read-jobs.ts");
  const inTime = (row: JobRow) => {
    if (performance.now() > DEADLINE_MS - 2 * CLOSING_MS) throw new Error("too late");
    return keep(row);
  };
  const read =
    (await readRecent(store, { since: undefined, limit }, inTime, false)) ?? (await readJobs(store, inTime, false));
  return Array.from(read.jobs, ({ row }) => row)
    .reverse()
    .slice(0, limit);
}

/** The jobs that match the typed text, newest first, with their calls. */
const jobs =
  (running: boolean): Source =>
  async (store, typed) => {
    const { isTerminal, displayState } = await import("../model/job.ts");
    const { formatAgo } = await import("../duration.ts");
    const keep = (row: JobRow) => row.jid.startsWith(typed) && !(running && isTerminal(row.status));
    const rows = await newestRows(store, MOST, keep);
    const now = store.nowNs();
    return rows.map((row) => {
      const age = row.created && now > row.created.ns ? `${formatAgo(now - row.created.ns)} ago` : undefined;
      return [row.jid, [row.fn, displayState(row), row.targetExpr, age].filter(Boolean).join("  ")];
    });
  };

/** Flags whose values in the newest jobs are offered, and the field. */
const FIELDS = { function: "fn", target: "targetExpr", user: "user", owner: "owner" } as const;

const fieldValues =
  (flag: keyof typeof FIELDS): Source =>
  async (store) => {
    const rows = await newestRows(store, RECENT, () => true);
    return plain([...new Set(rows.flatMap((row) => row[FIELDS[flag]] || []))].sort());
  };

/** The targeted peels of a job, or of the newest jobs, as operators know them. */
const peels =
  (jid?: string): Source =>
  async (store) => {
    const { parseJid } = await import("../model/jid.ts");
    const { resolveJob } = await import("../jobs/lookup.ts");
    const { jobRow } = await import("../model/job.ts");
    const { displayPeel } = await import("../model/peel.ts");
    const rows =
      jid === undefined
        ? await newestRows(store, RECENT, () => true)
        : [await resolveJob(store, parseJid(jid), () => {}).then((found) => jobRow(found.jid, found.job))];
    const names = new Set(rows.flatMap(({ targets }) => targets ?? []));
    return plain(Array.from(names, displayPeel).sort());
  };

/** The words for flags with this `valueHint`; other hints list their words (`a|b|c`). */
const VALUES: Record<string, readonly Candidate[]> = {
  state: [
    ...plain(JOB_STATES),
    ...Object.entries(STATE_GROUPS).map(([name, states]): Candidate => [name, states.join(", ")]),
  ],
  "peel state": plain(STATE_WORDS),
  order: plain(JOB_SORTS),
  when: [
    ["1h", "an hour ago"],
    ["1d", "24 hours ago"],
    ["today", "since midnight"],
    ["yesterday", "since the midnight before"],
    ["monday", "since the last Monday"],
    ["15:00", "since it was 15:00"],
  ],
  columns: plain(COLUMN_NAMES),
  duration: plain(["1s", "5s", "30s", "1m"]),
};

/** Flags whose values may be separated by commas. */
const WITH_COMMAS = ["state", "function", "owner", "source", "peel", "columns"];

/** Commands for jobs that have not ended. */
const FOR_RUNNING = ["kill", "watch", "wait"];

function sourceOfValue(name: string, def: Arg, jid: string | undefined): Source {
  const hint = ("valueHint" in def && def.valueHint) || "";
  if (hint.includes("|")) return plain(hint.split("|"));
  if (/\bfile$/.test(hint)) return "files";
  if (name === "context") return "contexts";
  if (hint === "peel" || name === "peel") return jid === undefined ? [] : peels(jid);
  if (hint === "glob" && Object.hasOwn(FIELDS, name)) return fieldValues(name as keyof typeof FIELDS);
  return Object.hasOwn(VALUES, hint) ? (VALUES[hint] ?? []) : [];
}

/** The parsed words before the cursor; undefined when one of them is not a command. `pending`: the flag whose value is next. */
async function readLine(root: Tree, words: readonly string[]) {
  const { names, command, words: rest, help, unknown } = await locate(root, words);
  if (unknown !== undefined) return undefined;
  const args = argsOf(command);
  const tokens = tokensOf(args, rest);
  const last = tokens.at(-1);
  const def = last?.kind === "option" && Object.hasOwn(args, last.name) ? args[last.name] : undefined;
  const waits = last?.kind === "option" && def && def.type !== "boolean" && last.value === undefined;
  return {
    command,
    name: names.at(-1) ?? "",
    help,
    given: new Set(tokens.flatMap((token) => (token.kind === "option" ? flagOf(token).name : []))),
    flags: readArgs(args, waits ? rest.slice(0, -1) : rest),
    pending: waits ? last.name : undefined,
    terminated: tokens.some(({ kind }) => kind === "option-terminator"),
  };
}

/** The flags that can still be used, a command's own ones first. @param withGlobals also those of all commands */
const flagWords = (args: ArgsDef, given: ReadonlySet<string>, globals: ReadonlySet<string>, withGlobals: boolean) =>
  argsThat(args, false)
    .filter(([name, def]) => !given.has(name) || takesList(def))
    .filter(([name]) => withGlobals || !globals.has(name))
    .sort(([a], [b]) => Number(globals.has(a)) - Number(globals.has(b)))
    .map(([name, def]): Candidate => [flagWord(name, def), flagText(def)]);

type TypedLine = NonNullable<Awaited<ReturnType<typeof readLine>>>;

async function sourceOfWord(line: TypedLine, current: string, globals: ReadonlySet<string>): Promise<Source> {
  const { command, given, help, name, terminated } = line;
  const args = argsOf(command);
  if (current.startsWith("-") && !terminated) return flagWords(args, given, globals, true);
  const commands = commandsOf(command);
  if (commands) {
    const loaded = Object.entries(commands).map(
      async ([sub, at]): Promise<Candidate> => [sub, manualOf(await load(at)).description ?? ""],
    );
    const topics = Object.entries(manualOf(command).topics ?? {}).map(
      ([topic, { description }]): Candidate => [topic, description],
    );
    const words = await Promise.all(loaded);
    return help ? [...words, ...topics] : [...words, ["help", "show help on a command or topic"]];
  }
  if (help) return [];
  const wanted = argsThat(args, true);
  const last = wanted.at(-1);
  const next = wanted[line.flags._.length] ?? (last && takesMany(last[1]) ? last : undefined);
  if (next?.[0] === "jid") return current.startsWith("@") ? JOB_REFERENCES : jobs(FOR_RUNNING.includes(name));
  if (next?.[0] === "peel") return peels();
  if (next) return sourceOfValue(next[0], next[1], undefined);
  return terminated ? [] : flagWords(args, given, globals, false);
}

/**
 * The question of a Tab key: candidates for `typed`, which follows `before` in the word at the cursor (`--state=failed,`).
 * @param words the complete words after the program's name
 */
async function ask(root: Tree, words: readonly string[], current: string) {
  const line = await readLine(root, words);
  if (!line) return undefined;
  const { flags, pending, terminated, command } = line;
  const inline = /^--([^=]+)=/.exec(current);
  const flag = pending ?? (terminated ? undefined : inline?.[1]);
  if (flag === undefined)
    return { source: await sourceOfWord(line, current, globalNames(root)), before: "", typed: current, flags };
  const args = argsOf(command);
  const def = Object.hasOwn(args, flag) ? args[flag] : undefined;
  if (!def || (def.type === "boolean" && !mayTakeValue(def))) return undefined;
  const start = pending === undefined ? (inline?.[0].length ?? 0) : 0;
  const cut = WITH_COMMAS.includes(flag) ? Math.max(start, current.lastIndexOf(",") + 1) : start;
  const source = sourceOfValue(flag, def, flags._[0]);
  return { source, before: current.slice(0, cut), typed: current.slice(cut), flags };
}

/** @param onStore receives the store of a server, which the caller closes */
async function openStore(flags: Args, env: NodeJS.ProcessEnv, onStore: (store: LiveStore) => void): Promise<Store> {
  if (flags.from) return (await import("../archive/store.ts")).openArchive(flags.from as string[]);
  const { resolveSettings } = await import("../settings/resolve.ts");
  const { openConnection } = await import("../nats/connect.ts");
  const { NatsStore } = await import("../nats/store.ts");
  const { settings } = await resolveSettings(flags as SettingFlags, env, () => {});
  const store = new NatsStore(await openConnection({ ...settings, timeoutMs: DEADLINE_MS }, () => {}));
  onStore(store);
  return store;
}

async function answer(
  { source, before, typed, flags }: NonNullable<Awaited<ReturnType<typeof ask>>>,
  env: NodeJS.ProcessEnv,
  onStore: (store: LiveStore) => void,
): Promise<string> {
  if (source === "files") return ":files\n";
  const { safe } = await import("../text.ts");
  const isKnown = typeof source === "object";
  let words: readonly Candidate[];
  if (isKnown) words = source;
  else if (source === "contexts") words = plain((await import("../settings/context.ts")).contextNames(env));
  else words = await source(await openStore(flags, env, onStore), typed);
  return words
    .filter(([word]) => word.startsWith(typed) && (isKnown || HARMLESS.test(word)))
    .map(([word, description]) => `${before}${word}\t${safe(description)}\n`)
    .join("");
}

/** @param argv the words before the cursor, then `=` and the word at the cursor */
export async function complete(root: Tree, argv: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  let store: LiveStore | undefined;
  const remaining = Math.max(1, DEADLINE_MS - CLOSING_MS - performance.now());
  const late = new Promise<undefined>((done) => setTimeout(done, remaining, undefined));
  try {
    const question = await ask(root, argv.slice(0, -1), (argv.at(-1) ?? "=").slice(1));
    const work = question && answer(question, env, (opened) => (store = opened));
    const text = await Promise.race([work, late]);
    const { writeAll } = await import("../terminal/terminal.ts");
    if (text) writeAll(1, text);
  } catch {
    // The command itself will report it.
  }
  const goodbye = new Promise((done) => setTimeout(done, CLOSING_MS));
  if (store) await Promise.race([store.close().catch(() => {}), goodbye]);
}
