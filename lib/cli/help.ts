// Help text, generated from the command tree. citty's own renderer writes colour whatever stdout is, and positionals in
// capitals where every message says <jid>.
import { named } from "../program.ts";
import { width, wrap } from "../text.ts";
import { type Arg, type Command, isPositional, negativeOf, shortOf, type Topic, usageWord } from "./command.ts";

type Row = readonly [left: string, right: string];

/** The widest form of a value that stands beside its flag; longer ones go into the description. */
const HINT = 15;

/** A flag as help shows it: its forms, and what it does. */
function flagRow([name, def]: readonly [string, Arg]): Row {
  const negative = negativeOf(def);
  const short = shortOf(def);
  const forms = `${short ? `-${short}, ` : ""}--${negative ? "no-" : ""}${name}`;
  const text = negative || def.description || "";
  if (def.type === "boolean") return [def.valueHint === undefined ? forms : `${forms}[=<${def.valueHint}>]`, text];
  const hint = ("valueHint" in def && def.valueHint) || "value";
  return hint.length > HINT && hint.includes("|")
    ? [`${forms} <${name}>`, `${hint}: ${text}`]
    : [`${forms} <${hint}>`, text];
}

/** A command taken apart for help and the man page. */
export function outline(path: readonly string[], command: Command, globals: ReadonlySet<string>) {
  const meta = command.meta ?? {};
  const args = Object.entries(command.args ?? {});
  const positionals = args.filter(([, def]) => isPositional(def));
  const flags = args.filter(([, def]) => !isPositional(def));
  const commands = Object.entries(command.subCommands ?? {});
  const usage = [
    ...path,
    ...(commands.length > 0
      ? [command.default === undefined ? "<command>" : "[<command>]"]
      : positionals.map(([name, def]) => {
          const word = usageWord(name, def);
          return def.required === false ? `[${word}]` : word;
        })),
    "[flags]",
  ].join(" ");
  const own = flags.filter(([name]) => !globals.has(name));
  return {
    meta,
    usage,
    commands,
    positionals: positionals.map(([name, def]): Row => [`<${name}>`, def.description ?? ""]),
    ownFlags: own,
    own: own.map(flagRow),
    global: flags.filter(([name]) => globals.has(name)).map(flagRow),
  };
}

type Topics = Readonly<Record<string, Topic>>;

/** Flags of a command as its help has them: those that a topic explains are one row, which names it. */
function flagRows(flags: readonly (readonly [string, Arg])[], topics: Topics): Row[] {
  const shared = Object.entries(topics).flatMap(([topic, { flags: known = {}, purpose }]) => {
    const those = purpose === undefined ? [] : flags.filter(([name, def]) => known[name] === def);
    return those.length > 1 ? [{ topic, purpose, those }] : [];
  });
  const rows = shared.map(({ topic, purpose, those }): Row => {
    const names = those.map(([name, def]) => (shortOf(def) ? `-${shortOf(def)}` : `--${name}`));
    return [names.join(", "), `${purpose}: help ${topic}`];
  });
  const told = new Set(shared.flatMap(({ those }) => those));
  return [...rows, ...flags.filter((flag) => !told.has(flag)).map(flagRow)];
}

/** The least columns beside the left ones for a text of two columns; where there are fewer, it stands below. */
const LEAST = 20;
/** The most columns of the left ones. */
const WIDEST = 27;

const indented = (lines: readonly string[], by: number) => lines.map((line) => " ".repeat(by) + line);
const wrapped = (text: string, columns: number, by = 0) => indented(wrap(named(text), Math.max(1, columns - by)), by);

/** Rows of two, as lines of at most `columns`: what does not fit beside the first goes on below itself. */
function table(rows: readonly Row[], columns: number, by = 2): string[] {
  const fitting = rows.map(([left]) => width(left)).filter((wide) => wide <= WIDEST);
  const wide = by + Math.max(0, ...fitting) + 2;
  const stacked = columns - wide < LEAST;
  const at = stacked ? Math.min(by + 4, columns - 1) : wide;
  return rows.flatMap(([left, right]) => {
    const text = wrapped(right, columns, at);
    if (stacked || width(left) > WIDEST) {
      if (by + width(left) + 2 + width(right) <= columns)
        return [`${" ".repeat(by)}${left}  ${named(right)}`.trimEnd()];
      return [...wrapped(left, columns, by), ...(right === "" ? [] : text)];
    }
    return right === ""
      ? [" ".repeat(by) + left]
      : [`${" ".repeat(by)}${left.padEnd(wide - by)}${text[0]?.trimStart()}`, ...text.slice(1)];
  });
}

/** A command line that is too wide goes on below, as a shell reads it. */
function example(text: string, columns: number): string[] {
  const line = named(text);
  if (width(line) + 2 <= columns) return [`  ${line}`];
  const parts = wrap(line, Math.max(1, columns - 6));
  return parts.map((part, i) => `${" ".repeat(i === 0 ? 2 : 4)}${part}${i < parts.length - 1 ? " \\" : ""}`);
}

type Commands = readonly (readonly [name: string, command: Command])[];

/** What stands in place of the group of commands that have none, where others have one. */
const OTHER = "Other";

/** The commands of each group that has any; those without a group have an empty one. */
function grouped(commands: Commands, groups: readonly string[]): (readonly [group: string, Commands])[] {
  const of = (group: string) => commands.filter(([, { meta }]) => (meta?.group ?? "") === group);
  return [...groups, ""].map((group) => [group, of(group)] as const).filter(([, members]) => members.length > 0);
}

/** How help on topics is told of, among the commands. */
const helpOn = (topics: readonly string[]): Commands[number] => [
  "help",
  { meta: { description: `On a command, ${topics.slice(0, -1).join(", ")} or ${topics.at(-1)}.` } },
];

const commandRow = ([name, { meta }]: readonly [string, Command]): Row => [name, meta?.description ?? ""];

/** The commands, each group beside its name; of those that have groups themselves, just the names. */
function commandLines(commands: Commands, groups: readonly string[], columns: number): string[] {
  if (groups.length === 0)
    return commands.flatMap(([name, command]) => {
      const rows = grouped(Object.entries(command.subCommands ?? {}), command.meta?.groups ?? []);
      const names = rows.map(([group, members]): Row => [group, members.map(([member]) => member).join(", ")]);
      const wide = Math.max(...commands.map(([other]) => other.length));
      const [first = "", ...rest] = table([[name.padEnd(wide), command.meta?.description ?? ""]], columns);
      return [first, ...rest, ...(command.meta?.groups ? table(names, columns, Math.min(wide + 6, columns >> 1)) : [])];
    });
  const wide = Math.max(...groups.map((group) => group.length)) + 2;
  const names = Math.max(...commands.map(([name]) => name.length));
  return grouped(commands, groups).flatMap(([group, members]) => {
    const rows = members.map(commandRow).map(([name, text]): Row => [name.padEnd(names), text]);
    const lines = table(rows, columns, wide);
    return lines.map((line, i) => (i === 0 ? (group || OTHER).padEnd(wide) + line.slice(wide) : line));
  });
}

const section = (title: string, lines: readonly string[]) => (lines.length === 0 ? [] : [title, ...lines]);

/** Blocks of lines with an empty line in between. */
const page = (blocks: readonly (readonly string[])[]) =>
  `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join("\n"))
    .join("\n\n")}\n`;

/** Where the flags are that every command has, and which formats there are beside text. */
function pointer(command: Command, columns: number): string[] {
  const format = command.args?.format;
  const [, ...formats] = format && "valueHint" in format ? (format.valueHint ?? "").split("|") : [];
  const isGroup = command.subCommands !== undefined && command.default === undefined;
  const inBrackets = !isGroup && formats.length > 0 ? ` (${formats.join(", ")})` : "";
  return wrapped(`More flags: zester help connection, zester help output${inBrackets}`, columns);
}

/**
 * The complete help of one command, ended by a newline.
 * @param topics those of the root
 * @param globals the names of the flags that every command takes
 * @param columns no line is wider
 */
export function renderHelp(
  path: readonly string[],
  command: Command,
  topics: Topics,
  globals: ReadonlySet<string>,
  columns: number,
): string {
  const { meta, usage, commands, positionals, ownFlags } = outline(path, command, globals);
  const { details, terms = [], examples = [], exitCodes, topics: own = {} } = meta;
  const groups = meta.groups ?? [];
  const topicNames = Object.keys(own);
  const topicHelp = topicNames.length === 0 ? [] : [helpOn(topicNames)];
  const commandRows = commands.length === 0 ? [] : commandLines([...commands, ...topicHelp], groups, columns);
  const flags = table(flagRows(ownFlags, topics), columns);
  const more = pointer(command, columns);
  return page([
    [
      ...wrapped(meta.description ?? "", columns),
      ...wrapped(`Usage: ${usage}`, columns),
      ...table(positionals, columns),
    ],
    details === undefined ? [] : wrapped(details, columns),
    groups.length > 0 ? commandRows : section("Commands:", commandRows),
    [
      ...section("Flags:", flags),
      ...(flags.length > 0 ? more : []),
      ...(exitCodes === undefined ? [] : wrapped(`Exit codes: ${exitCodes}`, columns)),
    ],
    section(
      "Examples:",
      examples.flatMap((line) => example(line, columns)),
    ),
    [...table(terms, columns, 0), ...(flags.length > 0 ? [] : more)],
  ]);
}

/** The help on a topic, ended by a newline. */
export function renderTopic(topic: Topic | undefined, columns: number): string {
  const rows = Object.entries(topic?.flags ?? {}).map(flagRow);
  return page([
    wrapped(topic?.description ?? "", columns),
    topic?.details === undefined ? [] : wrapped(topic.details, columns),
    table(rows, columns),
    table(topic?.values ?? [], columns),
  ]);
}
