// What could stand next on a command line, by the command tree. Pure: what only a server knows is named, not fetched.
// Own code, because @bomb.sh/tab cannot wait for a server's answer (its handlers are synchronous), completes neither files
// nor what stands behind a comma, and its bash script evaluates the words: `$(…)` in a stored job id would run.
import { JOB_WORDS } from "../model/job-word.ts";
import { STATE_WORDS } from "../model/peel-state.ts";
import { GROUPS, SORTS, STATES } from "../model/selection.ts";
import { COLUMN_NAMES } from "../render/columns.ts";
import { tokenize } from "./args.ts";
import { type Arg, type Command, isPositional, negativeOf, takesMany } from "./command.ts";

/** A word that may stand next, and what it means. */
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
  /** What stands before the asked part in its word: `--state=failed,`. */
  readonly before: string;
  /** What is typed of the asked part. */
  readonly typed: string;
  /** The flags on the line that have a value, as args.ts would read them. */
  readonly flags: Readonly<Record<string, string>>;
}

const plain = (words: readonly string[]): Candidate[] => words.map((word) => [word, ""]);

/** The words for flags with this `valueHint`, beside those that spell them out (`a|b|c`). */
const VALUES: Record<string, () => readonly Candidate[]> = {
  state: () => [
    ...plain(STATES),
    ...Object.entries(GROUPS).map(([name, states]): Candidate => [name, states.join(", ")]),
  ],
  result: () => plain(STATE_WORDS),
  order: () => plain(SORTS),
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

/** Flags that take several values with commas between them. */
const isList = (def: Arg) => "valueHint" in def && /^(state|result|columns?)$/.test(def.valueHint ?? "");

const FIELDS: readonly string[] = ["function", "target", "user", "owner"] satisfies Field[];

/** Commands that can do nothing with a job that has ended. */
const FOR_RUNNING = new Set(["kill", "watch", "wait"]);

const nothing: Source = { kind: "words", words: [] };

function sourceOfValue(name: string, def: Arg, jid: string | undefined): Source {
  const hint = ("valueHint" in def && def.valueHint) || "";
  if (hint.includes("|")) return { kind: "words", words: plain(hint.split("|")) };
  if (/\bfile$/.test(hint)) return { kind: "files" };
  if (name === "context") return { kind: "contexts" };
  if (name === "peel" || name === "diff-with") return jid === undefined ? nothing : { kind: "peels", jid };
  if (hint === "glob" && FIELDS.includes(name)) return { kind: "field", field: name as Field };
  return Object.hasOwn(VALUES, hint)
    ? { kind: "words", words: (VALUES[hint] as () => readonly Candidate[])() }
    : nothing;
}

/** The flags that may still be given: a command's own ones, and where `withGlobals` the others too. */
function flagWords(command: Command, given: ReadonlySet<string>, globals: ReadonlySet<string>, withGlobals: boolean) {
  return Object.entries(command.args ?? {})
    .filter(([name, def]) => !isPositional(def) && !given.has(name) && (withGlobals || !globals.has(name)))
    .sort(([a], [b]) => Number(globals.has(a)) - Number(globals.has(b)))
    .map(([name, def]): Candidate => {
      const negative = negativeOf(def);
      return [`--${negative ? "no-" : ""}${name}`, negative || def.description || ""];
    });
}

interface Line {
  readonly command: Command;
  readonly name: string;
  /** The line asks for help. */
  readonly help: boolean;
  readonly positionals: readonly string[];
  readonly given: ReadonlySet<string>;
  readonly flags: Record<string, string>;
  /** The flag whose value comes next. */
  readonly pending: string | undefined;
  readonly terminated: boolean;
}

/** What the complete words before the cursor say; undefined when one of them is no command. */
function readLine(root: Command, words: readonly string[]): Line | undefined {
  let command = root;
  let name = "";
  let help = false;
  const positionals: string[] = [];
  const given = new Set<string>();
  const flags: Record<string, string> = {};
  const tokens = tokenize(root, words);
  const terminated = tokens.some((token) => token.kind === "option-terminator");
  for (const token of tokens) {
    if (token.kind === "positional") {
      const sub = command.subCommands;
      if (!sub) positionals.push(token.value);
      else if (token.value === "help") help = true;
      else if (Object.hasOwn(sub, token.value)) {
        command = sub[token.value] as Command;
        name = token.value;
      } else return undefined;
    } else if (token.kind === "option") {
      given.add(token.name.startsWith("no-") ? token.name.slice(3) : token.name);
      if (token.value !== undefined) flags[token.name] = token.value;
    }
  }
  const last = tokens.at(-1);
  const def = last?.kind === "option" ? command.args?.[last.name] : undefined;
  const waits =
    last?.kind === "option" && def && def.type !== "boolean" && !isPositional(def) && last.value === undefined;
  return { command, name, help, positionals, given, flags, pending: waits ? last.name : undefined, terminated };
}

function sourceOfWord(line: Line, current: string, globals: ReadonlySet<string>): Source {
  const { command, positionals } = line;
  if (current.startsWith("-") && !line.terminated)
    return { kind: "words", words: flagWords(command, line.given, globals, true) };
  if (command.subCommands) {
    const words = Object.entries(command.subCommands).map(
      ([name, sub]): Candidate => [name, sub.meta?.description ?? ""],
    );
    const topics = Object.entries(command.meta?.topics ?? {}).map(
      ([name, topic]): Candidate => [name, topic.description],
    );
    const more: Candidate[] = line.help ? topics : [["help", "Help on a command"]];
    return { kind: "words", words: [...words, ...more] };
  }
  if (line.help) return nothing;
  const wanted = Object.entries(command.args ?? {}).filter(([, def]) => isPositional(def));
  const last = wanted.at(-1);
  const next = wanted[positionals.length] ?? (last && takesMany(last[1]) ? last : undefined);
  if (next?.[0] === "jid" && current.startsWith("@")) return { kind: "words", words: JOB_WORDS };
  if (next?.[0] === "jid") return { kind: "jobs", running: FOR_RUNNING.has(line.name) };
  if (next?.[0] === "peel") return { kind: "peels", jid: undefined };
  if (next) return sourceOfValue(next[0], next[1], undefined);
  return line.terminated ? nothing : { kind: "words", words: flagWords(command, line.given, globals, false) };
}

/**
 * What is asked when Tab is pressed.
 * @param words the complete words after the program's name
 * @param current the word at the cursor, up to the cursor
 * @param globals the names of the flags that every command takes
 */
export function ask(
  root: Command,
  globals: ReadonlySet<string>,
  words: readonly string[],
  current: string,
): Question | undefined {
  const line = readLine(root, words);
  if (!line) return undefined;
  const inline = /^--([^=]+)=/.exec(current);
  const flag = line.pending ?? (line.terminated ? undefined : inline?.[1]);
  if (flag === undefined)
    return { source: sourceOfWord(line, current, globals), before: "", typed: current, flags: line.flags };
  const args = line.command.args ?? {};
  const def = Object.hasOwn(args, flag) ? args[flag] : undefined;
  if (!def || def.type === "boolean") return undefined;
  const start = line.pending === undefined ? (inline?.[0].length ?? 0) : 0;
  const cut = isList(def) ? Math.max(start, current.lastIndexOf(",") + 1) : start;
  return {
    source: sourceOfValue(flag, def, line.positionals[0]),
    before: current.slice(0, cut),
    typed: current.slice(cut),
    flags: line.flags,
  };
}
