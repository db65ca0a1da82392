// argv → a command and its arguments, strictly. citty alone ignores unknown flags and surplus arguments, and keeps the
// last of a repeated flag, which for `kill` is a safety matter. So of citty there are the definitions of arguments and the
// types that it makes of them, and nothing of it is loaded.
import { UserError } from "../errors.ts";
import { didYouMean, nearest, nearestName } from "../nearest.ts";
import { programName } from "../program.ts";
import { safe, shorten } from "../text.ts";
import {
  type Arg,
  type Args,
  type Command,
  isPositional,
  negativeOf,
  shortOf,
  takesMany,
  usageWord,
} from "./command.ts";
import { type Flag, type Token, tokensOf } from "./tokens.ts";

/** A command on the command line, and the words after its name that are no flags. */
interface Found {
  /** The names from the root to the command: `["zester", "job", "show"]`. */
  readonly path: readonly string[];
  readonly command: Command;
  readonly words: string[];
}

export interface Invocation extends Omit<Found, "words"> {
  readonly args: Args;
  /** The topic that help is wanted on. */
  readonly topic?: string | undefined;
  /** True when only help is wanted: by a flag, by the word `help`, or because the command does nothing itself. */
  readonly help: boolean;
}

const show = (text: string) => shorten(safe(text.slice(0, 200)), 60);

/** The arguments of each command of the tree. */
function* everyArgs(command: Command): Generator<Readonly<Record<string, Arg>>> {
  yield command.args ?? {};
  for (const sub of Object.values(command.subCommands ?? {})) yield* everyArgs(sub);
}

/**
 * The words of `argv` by the flags of every command: what is a flag, its value, or a word of its own. A flag is looked up
 * when it stands there: tables of them all would take as long to make as a third of what a short command does.
 */
export function tokenize(root: Command, argv: readonly string[]): Token[] {
  return tokensOf(argv, {
    nameOf(letter) {
      for (const args of everyArgs(root))
        for (const [name, def] of Object.entries(args)) if (shortOf(def) === letter) return name;
      return undefined;
    },
    takesValue(name) {
      for (const args of everyArgs(root)) {
        const def = Object.hasOwn(args, name) ? args[name] : undefined;
        if (def && !isPositional(def) && def.type !== "boolean") return true;
      }
      return false;
    },
  });
}

/** What else could be meant by a word that is no command here: one that is called so elsewhere, or further down the tree. */
function otherwise(word: string, { meta, subCommands = {} }: Command): string | undefined {
  const elsewhere = meta?.elsewhere ?? {};
  if (Object.hasOwn(elsewhere, word)) return elsewhere[word];
  for (const [name, sub] of Object.entries(subCommands)) {
    const below = Object.hasOwn(sub.subCommands ?? {}, word) ? word : otherwise(word, sub);
    if (below !== undefined) return `${name} ${below}`;
  }
  return undefined;
}

/** The nearest command: here, else further down the tree. */
function nearestCommand(word: string, { subCommands = {} }: Command): string | undefined {
  const near = nearestName(word, Object.keys(subCommands));
  if (near !== undefined) return near;
  for (const [name, sub] of Object.entries(subCommands)) {
    const below = nearestCommand(word, sub);
    if (below !== undefined) return `${name} ${below}`;
  }
  return undefined;
}

/** @param topics what help is there on beside commands, where help is asked for */
function unknownCommand(word: string, command: Command, path: readonly string[], topics: readonly string[]): UserError {
  const here = path.join(" ");
  const topic = nearestName(word, topics);
  if (topic !== undefined)
    return new UserError(`there is no help on "${show(word)}".${didYouMean(`${here} help ${topic}`)}`);
  const known = otherwise(word, command) ?? nearestCommand(word, command);
  const isHere = known !== undefined && Object.hasOwn(command.subCommands ?? {}, known);
  const hint = didYouMean(known === undefined || isHere ? known : `${here} ${known}`);
  return new UserError(`unknown command "${show(word)}" for ${here}.${hint}`, `\`${here} --help\` lists the commands.`);
}

/** Goes down the tree by the words that are no flags; `help` among the names of commands asks for help. */
function findCommand(root: Command, tokens: readonly Token[]): Found & { help: boolean; topic?: string | undefined } {
  const path = [programName()];
  const words: string[] = [];
  let command = root;
  let help = false;
  let topic: string | undefined;
  let terminated = false;
  for (const token of tokens) {
    if (token.kind === "option-terminator") terminated = true;
    if (token.kind !== "positional") continue;
    const known = command.subCommands;
    if (!known || terminated || topic !== undefined) words.push(token.value);
    else if (Object.hasOwn(known, token.value)) {
      command = known[token.value] as Command;
      path.push(token.value);
    } else if (token.value === "help") help = true;
    else {
      const topics = help ? Object.keys(command.meta?.topics ?? {}) : [];
      if (!topics.includes(token.value)) throw unknownCommand(token.value, command, path, topics);
      topic = token.value;
    }
  }
  return { path, command, words, help, topic };
}

/** The flags of a command as they are typed. */
const flagNames = (command: Command) =>
  Object.entries(command.args ?? {})
    .filter(([, def]) => !isPositional(def))
    .map(([name, def]) => `--${negativeOf(def) ? "no-" : ""}${name}`);

/** The name and the value of a flag. @throws UserError when the command has no such flag, or not with such a value */
function readFlag({ command, path }: Found, token: Flag): [name: string, value: string | boolean] {
  const { rawName, inlineValue, value } = token;
  const fail = (message: string) => new UserError(message, `\`${path.join(" ")} --help\` lists the flags.`);
  const negated = token.name.startsWith("no-");
  const name = negated ? token.name.slice(3) : token.name;
  const def = Object.hasOwn(command.args ?? {}, name) ? command.args?.[name] : undefined;
  if (!def || isPositional(def) || negated !== (negativeOf(def) !== undefined))
    throw fail(`unknown flag ${show(rawName)} for ${path.join(" ")}.${nearest(rawName, flagNames(command))}`);
  if (def.type === "boolean") {
    if (inlineValue) throw fail(`${show(rawName)} takes no value.`);
    return [name, !negated];
  }
  // `--creds --timeout 5s` forgot a value; `--creds=-odd` means it.
  if (!value || (!inlineValue && value.startsWith("-") && value.length > 1))
    throw fail(`${show(rawName)} needs a value${def.valueHint ? `: ${rawName} <${def.valueHint}>` : ""}.`);
  if (value.includes("\0")) throw fail(`${show(rawName)}: the value holds a NUL character.`);
  // A short flag takes the rest of its word as its value; the equals sign of `-n=5` is not meant to be a part of it.
  return [name, inlineValue && rawName.length === 2 ? value.replace(/^=/, "") : value];
}

/** All flags by name; a repeated one is a list: one value with commas, as it could have been typed. */
function readFlags(found: Found, tokens: readonly Token[]): Args {
  const args: Args = { _: found.words };
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const [name, value] = readFlag(found, token);
    const before = args[name];
    // URLs may hold commas themselves: between them a line break tells where one ends.
    args[name] = typeof before === "string" ? `${before}${name === "master" ? ",\n" : ","}${value}` : value;
  }
  return args;
}

/** Gives the command's positionals their names in `args`. @throws UserError when one is missing or left over */
function namePositionals({ command, path, words }: Found, args: Args): void {
  const wanted = Object.entries(command.args ?? {}).filter(([, def]) => isPositional(def));
  const names = wanted.map(([name, def]) => usageWord(name, def));
  const usage = `Usage: ${[...path, ...names].join(" ")} [flags]`;
  for (const [i, [name, def]] of wanted.entries()) {
    args[name] = words[i];
    if (def.required !== false && words[i] === undefined)
      throw new UserError(`${path.join(" ")} needs ${/^[aeiou]/.test(name) ? "an" : "a"} <${name}>.`, usage);
  }
  const extra = words[wanted.length];
  if (extra !== undefined && !wanted.some(([, def]) => takesMany(def)))
    throw new UserError(`unexpected argument "${show(extra)}" for ${path.join(" ")}.`, usage);
}

/**
 * What `argv` (without the program's own name) asks for.
 * @param root the command tree; flags of any command may stand before or after its name
 * @throws UserError for an unknown command or flag, a missing value, a missing or an unexpected argument
 */
export function parseCommandLine(root: Command, argv: readonly string[]): Invocation {
  const tokens = tokenize(root, argv);
  const found = findCommand(root, tokens);
  const args = readFlags(found, tokens);
  const { path, command } = found;
  const onlyGroup = command.subCommands !== undefined && !command.run;
  const help = found.help || args.help === true || (onlyGroup && !args.version);
  if (!help && !args.version) namePositionals(found, args);
  return { path, command, args, help, topic: found.topic };
}
