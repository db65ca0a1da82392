// What could stand next on a command line, by the command tree. Pure: what only a server knows is named, not fetched.
// Own code, because @bomb.sh/tab cannot wait for a server's answer (its handlers are synchronous), completes neither files
// nor what stands behind a comma, and its bash script evaluates the words: `$(…)` in a stored job id would run.
import type { ArgsDef } from "citty";
import { JOB_REFERENCES } from "../model/job-reference.ts";
import { STATE_WORDS } from "../model/peel-state.ts";
import { JOB_SORTS, JOB_STATES, STATE_GROUPS } from "../model/selection.ts";
import { COLUMN_NAMES } from "../render/columns.ts";
import { locate } from "./args.ts";
import {
  type Arg,
  type Args,
  argsOf,
  commandsOf,
  flagOf,
  isPositional,
  load,
  manualOf,
  mayTakeValue,
  negativeOf,
  readArgs,
  type Tree,
  takesList,
  takesMany,
  tokensOf,
} from "./command.ts";

export type Candidate = readonly [word: string, description: string];

/** Fields of job records whose values are worth offering. */
export type Field = "function" | "target" | "user" | "owner";

/** What a word may be: known words, a file, or something that is read from a server. */
export type Source =
  | { readonly kind: "words"; readonly words: readonly Candidate[] }
  | { readonly kind: "files" }
  | { readonly kind: "contexts" }
  | { readonly kind: "jobs"; readonly running: boolean }
  | { readonly kind: "field"; readonly field: Field }
  /** The peels of one job; without it those of the newest jobs. */
  | { readonly kind: "peels"; readonly jid: string | undefined };

export interface Question {
  readonly source: Source;
  /** The word before the completed part: `--state=failed,`. */
  readonly before: string;
  /** The typed beginning of the completed part. */
  readonly typed: string;
  readonly flags: Args;
}

const plain = (words: readonly string[]): Candidate[] => words.map((word) => [word, ""]);

/** The words for flags with this `valueHint`, beside those that spell them out (`a|b|c`). */
const VALUES: Record<string, () => readonly Candidate[]> = {
  state: () => [
    ...plain(JOB_STATES),
    ...Object.entries(STATE_GROUPS).map(([name, states]): Candidate => [name, states.join(", ")]),
  ],
  "peel state": () => plain(STATE_WORDS),
  order: () => plain(JOB_SORTS),
  when: () => [
    ["1h", "an hour ago"],
    ["1d", "24 hours ago"],
    ["today", "since midnight"],
    ["yesterday", "since the midnight before"],
    ["monday", "since the last Monday"],
    ["15:00", "since it was 15:00"],
  ],
  columns: () => plain(COLUMN_NAMES),
  duration: () => plain(["1s", "5s", "30s", "1m"]),
};

/** Flags whose values may be separated by commas. */
const WITH_COMMAS = ["state", "function", "owner", "source", "peel", "columns"];

const FIELDS: readonly string[] = ["function", "target", "user", "owner"] satisfies Field[];

/** Commands for jobs that have not ended. */
const FOR_RUNNING = new Set(["kill", "watch", "wait"]);

const nothing: Source = { kind: "words", words: [] };

function sourceOfValue(name: string, def: Arg, jid: string | undefined): Source {
  const hint = ("valueHint" in def && def.valueHint) || "";
  if (hint.includes("|")) return { kind: "words", words: plain(hint.split("|")) };
  if (/\bfile$/.test(hint)) return { kind: "files" };
  if (name === "context") return { kind: "contexts" };
  if (hint === "peel" || name === "peel") return jid === undefined ? nothing : { kind: "peels", jid };
  if (hint === "glob" && FIELDS.includes(name)) return { kind: "field", field: name as Field };
  return Object.hasOwn(VALUES, hint)
    ? { kind: "words", words: (VALUES[hint] as () => readonly Candidate[])() }
    : nothing;
}

/** The flags that may still be given: a command's own ones, and where `withGlobals` the others too. */
function flagWords(args: ArgsDef, given: ReadonlySet<string>, globals: ReadonlySet<string>, withGlobals: boolean) {
  return Object.entries(args)
    .filter(
      ([name, def]) =>
        !isPositional(def) && (!given.has(name) || takesList(def)) && (withGlobals || !globals.has(name)),
    )
    .sort(([a], [b]) => Number(globals.has(a)) - Number(globals.has(b)))
    .map(([name, def]): Candidate => {
      const negative = negativeOf(def);
      return [`--${negative ? "no-" : ""}${name}`, negative || def.description || ""];
    });
}

interface Line {
  readonly command: Tree;
  readonly name: string;
  readonly help: boolean;
  readonly given: ReadonlySet<string>;
  readonly flags: Args;
  /** The flag whose value comes next. */
  readonly pending: string | undefined;
  readonly terminated: boolean;
}

/** What the complete words before the cursor say; undefined when one of them is no command. */
async function readLine(root: Tree, words: readonly string[]): Promise<Line | undefined> {
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

async function sourceOfWord(line: Line, current: string, globals: ReadonlySet<string>): Promise<Source> {
  const { command } = line;
  const args = argsOf(command);
  if (current.startsWith("-") && !line.terminated)
    return { kind: "words", words: flagWords(args, line.given, globals, true) };
  const commands = commandsOf(command);
  if (commands) {
    const words = await Promise.all(
      Object.entries(commands).map(
        async ([name, sub]): Promise<Candidate> => [name, manualOf(await load(sub)).description ?? ""],
      ),
    );
    const topics = Object.entries(manualOf(command).topics ?? {}).map(
      ([name, topic]): Candidate => [name, topic.description],
    );
    const more: Candidate[] = line.help ? topics : [["help", "show help on a command or topic"]];
    return { kind: "words", words: [...words, ...more] };
  }
  if (line.help) return nothing;
  const wanted = Object.entries(args).filter(([, def]) => isPositional(def));
  const last = wanted.at(-1);
  const next = wanted[line.flags._.length] ?? (last && takesMany(last[1]) ? last : undefined);
  if (next?.[0] === "jid" && current.startsWith("@")) return { kind: "words", words: JOB_REFERENCES };
  if (next?.[0] === "jid") return { kind: "jobs", running: FOR_RUNNING.has(line.name) };
  if (next?.[0] === "peel") return { kind: "peels", jid: undefined };
  if (next) return sourceOfValue(next[0], next[1], undefined);
  return line.terminated ? nothing : { kind: "words", words: flagWords(args, line.given, globals, false) };
}

/**
 * What is asked when Tab is pressed.
 * @param words the complete words after the program's name
 * @param current the word at the cursor, up to the cursor
 * @param globals the names of the flags that every command takes
 */
export async function ask(
  root: Tree,
  globals: ReadonlySet<string>,
  words: readonly string[],
  current: string,
): Promise<Question | undefined> {
  const line = await readLine(root, words);
  if (!line) return undefined;
  const inline = /^--([^=]+)=/.exec(current);
  const flag = line.pending ?? (line.terminated ? undefined : inline?.[1]);
  if (flag === undefined)
    return { source: await sourceOfWord(line, current, globals), before: "", typed: current, flags: line.flags };
  const args = argsOf(line.command);
  const def = Object.hasOwn(args, flag) ? args[flag] : undefined;
  if (!def || (def.type === "boolean" && !mayTakeValue(def))) return undefined;
  const start = line.pending === undefined ? (inline?.[0].length ?? 0) : 0;
  const cut = WITH_COMMAS.includes(flag) ? Math.max(start, current.lastIndexOf(",") + 1) : start;
  return {
    source: sourceOfValue(flag, def, line.flags._[0]),
    before: current.slice(0, cut),
    typed: current.slice(cut),
    flags: line.flags,
  };
}
