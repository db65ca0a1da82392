// Help text, generated from the command tree. citty's own renderer writes colour whatever stdout is, and positionals in
// capitals where every message says <jid>.
import { named } from "../program.ts";
import { width, wrap } from "../text.ts";
import {
  type Arg,
  argsThat,
  type Command,
  choicesOf,
  flagText,
  flagWord,
  shortOf,
  type Topic,
  usageWord,
} from "./command.ts";

type HelpRow = readonly [left: string, right: string];

/** Maximum length of choices beside a flag; longer ones go into the description. */
const HINT = 9;

/** A flag as help shows it: its forms, and what it does. */
function flagRow([name, def]: readonly [string, Arg]): HelpRow {
  const short = shortOf(def);
  const forms = `${short ? `-${short}, ` : ""}${flagWord(name, def)}`;
  const text = flagText(def);
  if (def.type === "boolean") return [def.valueHint === undefined ? forms : `${forms}[=<${def.valueHint}>]`, text];
  const hint = ("valueHint" in def && def.valueHint) || "value";
  return hint.length > HINT && hint.includes("|")
    ? [`${forms} <${name}>`, `${hint}: ${text}`]
    : [`${forms} <${hint}>`, text];
}

/** True for a flag whose values differ between commands. */
const isFormat = ([name, def]: readonly [string, Arg]) => name === "format" && choicesOf(name, def).length > 1;

/** A text with a capital: the first line of a page. */
const sentence = (text = "") => text.charAt(0).toUpperCase() + text.slice(1);

/** A command taken apart for help and the man page. */
export function outline(path: readonly string[], command: Command, globals: ReadonlySet<string>) {
  const meta = command.meta ?? {};
  const positionals = argsThat(command.args ?? {}, true);
  const flags = argsThat(command.args ?? {}, false);
  const commands = Object.entries(command.subCommands ?? {});
  const isGroup = commands.length > 0 && command.default === undefined;
  const usage = [
    ...path,
    ...(commands.length > 0
      ? [isGroup ? "<command>" : "[<command>]"]
      : positionals.map(([name, def]) => {
          const word = usageWord(name, def);
          return def.required === false ? `[${word}]` : word;
        })),
    "[flags]",
  ].join(" ");
  const own = [
    ...flags.filter(([name]) => !globals.has(name)),
    ...flags.filter((flag) => !isGroup && globals.has(flag[0]) && isFormat(flag)),
  ];
  return {
    meta,
    title: sentence(meta.description),
    usage,
    commands,
    positionals: positionals.map(([name, def]): HelpRow => [`<${name}>`, def.description ?? ""]),
    ownFlags: own,
    own: own.map(flagRow),
    global: flags.filter(([name]) => globals.has(name)).map(flagRow),
  };
}

type Topics = Readonly<Record<string, Topic>>;

/** The flags of a command under their headings: those of a topic have its own. */
function flagSections(flags: readonly (readonly [string, Arg])[], topics: Topics, columns: number): string[][] {
  const headingOf = ([name, def]: readonly [string, Arg]) =>
    Object.values(topics).find(({ heading, flags: known }) => heading && known?.[name] === def)?.heading ?? "Flags:";
  const headings = new Set(["Flags:", ...flags.map(headingOf)]);
  return Array.from(headings, (heading) =>
    section(heading, table(flags.filter((flag) => headingOf(flag) === heading).map(flagRow), columns)),
  );
}

/** Minimum columns of the right column; below that it goes under the left one. */
const LEAST = 20;
/** Maximum columns of the left column. */
const WIDEST = 27;

const wrapped = (text: string, columns: number, by = 0) =>
  wrap(named(text), Math.max(1, columns - by)).map((line) => " ".repeat(by) + line);

/** Rows of two texts, as lines of at most `columns`. */
function table(rows: readonly HelpRow[], columns: number, by = 2): string[] {
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

/** A command line; one that is too wide continues as in a shell. */
function example(text: string, columns: number): string[] {
  const line = named(text);
  if (width(line) + 2 <= columns) return [`  ${line}`];
  const parts = wrap(line, Math.max(1, columns - 6));
  return parts.map((part, i) => `${" ".repeat(i === 0 ? 2 : 4)}${part}${i < parts.length - 1 ? " \\" : ""}`);
}

type Commands = readonly (readonly [name: string, command: Command])[];

/** The commands of each group that has any; those without a group have an empty one. */
function grouped(commands: Commands, groups: readonly string[]): (readonly [group: string, Commands])[] {
  const of = (group: string) => commands.filter(([, { meta }]) => (meta?.group ?? "") === group);
  return [...groups, ""].map((group) => [group, of(group)] as const).filter(([, members]) => members.length > 0);
}

/** The commands of each group, beside its name; of commands with groups of their own, only the names. */
function commandLines(commands: Commands, groups: readonly string[], columns: number): string[] {
  if (groups.length === 0)
    return commands.flatMap(([name, command]) => {
      const rows = grouped(Object.entries(command.subCommands ?? {}), command.meta?.groups ?? []);
      const names = rows.map(([group, members]): HelpRow => [group, members.map(([member]) => member).join(", ")]);
      const wide = Math.max(...commands.map(([other]) => other.length));
      const [first = "", ...rest] = table([[name.padEnd(wide), command.meta?.description ?? ""]], columns);
      return [first, ...rest, ...(command.meta?.groups ? table(names, columns, Math.min(wide + 6, columns >> 1)) : [])];
    });
  const wide = Math.max(...groups.map((group) => group.length)) + 2;
  const names = Math.max(...commands.map(([name]) => name.length));
  return grouped(commands, groups).flatMap(([group, members]) => {
    const rows = members.map(([name, { meta }]): HelpRow => [name.padEnd(names), meta?.description ?? ""]);
    const lines = table(rows, columns, wide);
    return lines.map((line, i) => (i === 0 ? (group || "Other").padEnd(wide) + line.slice(wide) : line));
  });
}

const section = (title: string, lines: readonly string[]) => (lines.length === 0 ? [] : [title, ...lines]);

/** Blocks of lines with an empty line in between. */
const page = (blocks: readonly (readonly string[])[]) =>
  `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join("\n"))
    .join("\n\n")}\n`;

const GLOBAL_FLAGS = "Global flags: see zester help connection, zester help output";

/** The help of one command, with line breaks at `columns`. @param topics those of the root */
export function renderHelp(
  path: readonly string[],
  command: Command,
  topics: Topics,
  globals: ReadonlySet<string>,
  columns: number,
): string {
  const { meta, title, usage, commands, positionals, ownFlags } = outline(path, command, globals);
  const { details, groups = [], terms = [], example: line, exitCodes, topics: own = {} } = meta;
  const rows = commandLines(commands, groups, columns);
  const more = wrapped(GLOBAL_FLAGS, columns);
  const topicRows = Object.entries(own).map(([name, { description }]): HelpRow => [name, description]);
  return page([
    [
      ...wrapped(title, columns),
      ...wrapped(`Usage: ${usage}`, columns),
      ...table(positionals, columns),
      ...(ownFlags.length > 0 ? [] : more),
    ],
    details === undefined ? [] : wrapped(details, columns),
    groups.length > 0 ? rows : section("Commands:", rows),
    ...flagSections(ownFlags, topics, columns),
    [
      ...(ownFlags.length > 0 ? more : []),
      ...(exitCodes === undefined ? [] : wrapped(`Exit codes: ${exitCodes}`, columns)),
    ],
    section(named("Topics (zester help <topic>):"), table(topicRows, columns)),
    section("Terms:", table(terms, columns)),
    section("Example:", line === undefined ? [] : example(line, columns)),
  ]);
}

/** The help on a topic, ended by a newline. */
export function renderTopic(topic: Topic | undefined, columns: number): string {
  const rows = Object.entries(topic?.flags ?? {}).map(flagRow);
  return page([
    wrapped(sentence(topic?.description), columns),
    topic?.details === undefined ? [] : wrapped(topic.details, columns),
    table(rows, columns),
    table(topic?.values ?? [], columns),
  ]);
}
