// argv → the command, checked strictly before citty runs it: citty ignores unknown flags and surplus arguments, and keeps the
// last of a repeated flag, which is dangerous for `kill`.
import type { ArgsDef } from "citty";
import { UserError } from "../errors.ts";
import { didYouMean, nearest, nearestName, oneOf } from "../nearest.ts";
import { programName } from "../program.ts";
import { safe, shorten } from "../text.ts";
import {
  type Arg,
  type Args,
  argsOf,
  argsThat,
  choicesOf,
  commandsOf,
  type FlagToken,
  flagOf,
  flagWord,
  isPositional,
  load,
  type Manual,
  manualOf,
  mayTakeValue,
  negativeOf,
  readArgs,
  type Token,
  type Tree,
  takesList,
  takesMany,
  tokensOf,
  usageWord,
} from "./command.ts";

const show = (text: string) => shorten(safe(text.slice(0, 200)), 60);

/** True for a hint that says what to do, instead of a name to type. */
const isSentence = (hint: string) => hint.endsWith(".");

/** True for a hint that does not depend on the place in the tree. */
const isWhole = (hint: string) => isSentence(hint) || hint.startsWith("zester ");

/** The commands that `find` finds here, else below. */
function search(command: Tree, find: (command: Tree) => readonly string[]): readonly string[] {
  const here = find(command);
  if (here.length > 0) return here;
  for (const [name, sub] of Object.entries(commandsOf(command) ?? {})) {
    const below = typeof sub === "function" ? [] : search(sub as Tree, find);
    if (below.length > 0) return below.map((known) => (isWhole(known) ? known : `${name} ${known}`));
  }
  return [];
}

/** What an unknown word may mean: a command elsewhere in the tree, a command of another tool, or the nearest name. */
function meant(typed: string, command: Tree): readonly string[] {
  const word = typed.replace(/^jobs\./, ""); // `salt-run jobs.list_jobs`
  const known = search(command, (one) => {
    const { elsewhere = {} } = manualOf(one);
    if (Object.hasOwn(commandsOf(one) ?? {}, word)) return [word];
    return Object.hasOwn(elsewhere, word) ? (elsewhere[word] ?? []) : [];
  });
  if (known.length > 0) return known;
  return search(command, (one) => [nearestName(word, Object.keys(commandsOf(one) ?? {})) ?? []].flat());
}

/** @param topics help topics, where help is requested */
function unknownCommand(
  word: string,
  command: Tree,
  path: readonly string[],
  topics: Manual["topics"] | undefined,
): UserError {
  const here = path.join(" ");
  const topic = nearestName(word, Object.keys(topics ?? {}));
  if (topic !== undefined)
    return new UserError(`unknown help topic "${show(word)}".${didYouMean(`${here} help ${topic}`)}`);
  if (topics?.terms?.values?.some(([term]) => term === word))
    return new UserError(`unknown help topic "${show(word)}".${didYouMean(`${here} help terms`)}`);
  const names = meant(word, command);
  const [first] = names;
  if (first !== undefined && isSentence(first))
    return new UserError(`unknown command "${show(word)}" for ${here}.`, first);
  const areHere = names.every((name) => Object.hasOwn(commandsOf(command) ?? {}, name));
  const typed = areHere ? names : names.map((name) => (isWhole(name) ? name : `${here} ${name}`));
  const hint = didYouMean(typed.length === 0 ? undefined : typed.join(" or "));
  if (topics) return new UserError(`unknown topic or command "${show(word)}".${hint}`, `\`${here} help\` lists both.`);
  return new UserError(`unknown command "${show(word)}" for ${here}.${hint}`, `\`${here} --help\` lists the commands.`);
}

interface Located {
  /** From below the root to the command. */
  readonly names: readonly string[];
  readonly command: Tree;
  /** Flags, and the command's arguments. */
  readonly words: readonly string[];
  readonly help: boolean;
  /** The first word that is not a command. */
  readonly unknown?: string;
}

/**
 * Finds the command by the words that are not flags; the word `help` requests help. Only flags of all commands can precede a
 * command's name: its own are known once it is loaded.
 * @throws UserError for another flag before a name
 */
export async function locate(root: Tree, argv: readonly string[]): Promise<Located> {
  let command = root;
  let words = argv;
  let help = false;
  const names: string[] = [];
  const before: string[] = [];
  for (let commands = commandsOf(root); commands; commands = commandsOf(command)) {
    const tokens = tokensOf(argsOf(command), words);
    const next = tokens.find(({ kind }) => kind !== "option");
    if (next?.kind !== "positional") break;
    const word = next.value;
    const flags = words.slice(0, next.index);
    checkFlags([programName(), ...names], command, flags, manualOf(root));
    before.push(...flags);
    words = words.slice(next.index + 1);
    if (Object.hasOwn(commands, word)) {
      command = await load(commands[word]);
      names.push(word);
    } else if (word === "help") help = true;
    else {
      // `zester help list` is `zester help job list`.
      const [below] = help ? search(command, (one) => (Object.hasOwn(commandsOf(one) ?? {}, word) ? [word] : [])) : [];
      if (below) return locate(root, ["help", ...names, ...below.split(" "), ...before, ...words]);
      return { names, command, words: before, help, unknown: word };
    }
  }
  return { names, command, words: [...before, ...words], help };
}

/** What values look like, by `valueHint`: with another value, another flag is meant. */
const FORMS: Readonly<Record<string, RegExp>> = { number: /^\d*$/, state: /^[a-z,]*$/ };

/** The name of another tool's flag here, or what to do instead. @param word the word after it */
function flagHere(name: string, word: string, args: ArgsDef, { flagsElsewhere = {} }: Manual): string | undefined {
  const formats = (args.format && "valueHint" in args.format && args.format.valueHint?.split("|")) || [];
  const isHere = (known: string) => {
    const [flag = "", value] = known.split(" ");
    const name = /^(?:--|<)([\w-]+)>?$/.exec(flag)?.[1];
    if (name === undefined) return true;
    const def = Object.hasOwn(args, name) ? args[name] : undefined;
    const hint = def && "valueHint" in def ? def.valueHint : undefined;
    const takes = value ? flag !== "--format" || formats.includes(value) : (FORMS[hint ?? ""]?.test(word) ?? true);
    return def !== undefined && takes;
  };
  const known = Object.hasOwn(flagsElsewhere, name) ? flagsElsewhere[name]?.find(isHere) : undefined;
  if (known === "--format" && word === "wide" && args.wide) return "--wide";
  return known === "--format" && formats.includes(word) ? `${known} ${word}` : known;
}

/** @throws UserError for a flag that the command does not have, or not with such a value, or only once */
function checkFlags(path: readonly string[], command: Tree, words: readonly string[], habits: Manual): void {
  const args = argsOf(command);
  const { renamed = {}, flagsElsewhere } = manualOf(command);
  const here = path.join(" ");
  const names = argsThat(args, false).map(([name, def]) => flagWord(name, def));
  const fail = (message: string, hint = `\`${here} --help\` lists the flags.`) => new UserError(message, hint);
  const given = new Set<string>();
  const tokens = tokensOf(args, words);
  for (const [i, token] of tokens.entries()) {
    if (token.kind !== "option") continue;
    const { rawName, inlineValue } = token;
    const { name, negated, text } = flagOf(token);
    const def = Object.hasOwn(args, name) ? args[name] : undefined;
    const next = tokens[i + 1];
    const word = text ?? (next?.kind === "positional" ? next.value : "");
    const elsewhere = flagHere(name, word, args, { flagsElsewhere: { ...habits.flagsElsewhere, ...flagsElsewhere } });
    if (!def && Object.hasOwn(renamed, name)) throw fail(`${rawName} is now ${renamed[name]}.`);
    if (!def || isPositional(def) || negated !== (negativeOf(def) !== undefined)) {
      const unknown = `unknown flag ${show(rawName)} for ${here}.`;
      if (elsewhere !== undefined && isSentence(elsewhere)) throw fail(unknown, elsewhere);
      throw fail(`${unknown}${elsewhere === undefined ? nearest(rawName, names) : didYouMean(elsewhere)}`);
    }
    if (def.type !== "boolean" || (inlineValue && mayTakeValue(def))) checkValue(token, def, names, fail);
    else {
      const meant = elsewhere?.startsWith("--format ") ? didYouMean(elsewhere) : "";
      if (inlineValue || meant)
        throw fail(`${show(rawName)} takes no value.${meant}`, meant ? undefined : `Use --${name} alone.`);
      if (!mayTakeValue(def)) continue;
    }
    if (given.has(name) && !takesList(def)) throw fail(`--${name} can be used only once.`, "Omit all but one.");
    given.add(name);
  }
}

/** What to do about a value that starts with a dash, by `valueHint`: there such values mean nothing. */
const DASHED: Readonly<Record<string, string>> = {
  when: "Omit the dash: --since 1h is one hour ago.",
  order: "Omit the dash, and use --reverse for the opposite order.",
};

/** @throws UserError for a missing or impossible value */
function checkValue(
  token: FlagToken,
  def: Arg,
  names: readonly string[],
  fail: (message: string, hint?: string) => UserError,
): void {
  const { name, rawName, inlineValue } = token;
  const { text } = flagOf(token);
  const valueHint = "valueHint" in def ? def.valueHint : undefined;
  // `--creds --timeout 5s` forgot a value; `--creds=-odd` means it.
  const isNumber = valueHint === "number" && /^-\d/.test(text ?? "");
  const usual = DASHED[valueHint ?? ""];
  const dashed = (!inlineValue || usual) && text !== undefined && text.startsWith("-") && text.length > 1 && !isNumber;
  if (!text || dashed) {
    const isFlag = dashed && names.includes(text.split("=")[0] as string);
    const dash = usual ?? `Write a value that starts with a dash as --${name}=…`;
    throw fail(
      `${show(rawName)} needs a value${valueHint ? `: ${rawName}${mayTakeValue(def) ? "=" : " "}<${valueHint}>` : ""}.`,
      dashed && !isFlag ? dash : undefined,
    );
  }
  if (text.includes("\0")) throw fail(`${show(rawName)}: a value cannot contain a NUL character.`);
}

/** What to do about `--since 1h ago`. @param at the index of the word that is too many */
function unquoted(args: ArgsDef, tokens: readonly Token[], at = 0): string | undefined {
  const before = tokens.findLast(({ index }) => index < at);
  if (before?.kind !== "option" || before.inlineValue !== false) return undefined;
  const def = args[before.name];
  if (!def || !("valueHint" in def) || def.valueHint !== "when") return undefined;
  return `Quote a time that has spaces: --${before.name} '1 hour ago'.`;
}

/** @throws UserError for a missing or a surplus argument */
function checkPositionals(path: readonly string[], command: Tree, typed: readonly string[]): void {
  const args = argsOf(command);
  const tokens = tokensOf(args, typed);
  const given = tokens.filter((token) => token.kind === "positional");
  const words = given.map(({ value }) => value);
  const wanted = argsThat(args, true);
  const names = wanted.map(([name, def]) => usageWord(name, def));
  const usage = `Usage: ${[...path, ...names].join(" ")} [flags]`;
  for (const [i, [name, def]] of wanted.entries())
    if (def.required !== false && words[i] === undefined)
      throw new UserError(
        `missing argument <${name}> for ${path.join(" ")}.`,
        `${usage}. <${name}>: ${def.description}.`,
      );
  const extra = words[wanted.length];
  if (extra !== undefined && !wanted.some(([, def]) => takesMany(def)))
    throw new UserError(
      `unexpected argument "${show(extra)}" for ${path.join(" ")}.`,
      unquoted(args, tokens, given[wanted.length]?.index) ?? manualOf(command).surplus ?? usage,
    );
}

/** What an unknown value of these flags is called. */
const VALUE_NOUNS: Readonly<Record<string, string>> = { format: "format", by: "grouping", sort: "order" };

/** @throws UserError for a value that a flag does not take */
function checkChoices(args: ArgsDef, given: Args): void {
  for (const [name, def] of Object.entries(args)) {
    const choices = choicesOf(name, def);
    const value = given[name];
    if (choices.length > 0 && typeof value === "string")
      oneOf(choices, value, `--${name}`, VALUE_NOUNS[name] ?? "value");
  }
}

/**
 * The request in `argv` (without the program's own name): a command by its `path` from the root, or help on it or on a topic;
 * `rawArgs` is the same for citty, the names first.
 * @throws UserError for an unknown command or flag, a missing value, a missing or an unexpected argument
 */
export async function readCommandLine(root: Tree, argv: readonly string[]) {
  const { names, command, words, help: isHelp, unknown } = await locate(root, argv);
  const path = [programName(), ...names];
  const topics = isHelp ? manualOf(root).topics : undefined;
  if (unknown !== undefined && !Object.hasOwn(topics ?? {}, unknown))
    throw unknownCommand(unknown, command, path, topics);
  checkFlags(path, command, words, manualOf(root));
  const args = readArgs(argsOf(command), words);
  const doesNothing = commandsOf(command) !== undefined && command.default === undefined;
  const help = isHelp || args.help === true || (doesNothing && args.version !== true);
  if (!help && args.version !== true) {
    checkChoices(argsOf(command), args);
    checkPositionals(path, command, words);
  }
  return { path, command, rawArgs: [...names, ...words], args, help, topic: unknown };
}
