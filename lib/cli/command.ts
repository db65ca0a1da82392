// Commands: citty's definition, with help in our words, flags that are lists, and an exit code.
import { parseArgs } from "node:util";
import { type ArgsDef, type CommandDef, defineCommand as define } from "citty";
import { EXIT } from "../errors.ts";

type Pairs = readonly (readonly [string, string])[];

/** Help about several commands. */
export interface Topic {
  readonly description: string;
  readonly details?: string;
  readonly flags?: Readonly<Record<string, Arg>>;
  /** The heading of these flags in the help of a command, where only some commands have them. */
  readonly heading?: string;
  readonly values?: Pairs;
}

export interface Manual {
  readonly description?: string;
  /** The group that help lists it in. */
  readonly group?: string;
  readonly details?: string;
  /** Only in the man page. */
  readonly notes?: string;
  readonly example?: string;
  /** Exit codes and their meanings, where there are more than 0 and 1. */
  readonly exitCodes?: string;
  /** Groups of its commands, in their order. */
  readonly groups?: readonly string[];
  /** Words of the field, and what they mean. */
  readonly terms?: Pairs;
  /** Names of commands in other tools, and what to type here; a sentence if that is no command. */
  readonly elsewhere?: Readonly<Record<string, readonly string[]>>;
  /** The same for flags; the first one that the command has counts, as flag, `<argument>` or other text. */
  readonly flagsElsewhere?: Readonly<Record<string, readonly string[]>>;
  /** What to do instead of an argument that the command does not take. */
  readonly surplus?: string;
  /** Former flags, and what to type instead. */
  readonly renamed?: Readonly<Record<string, string>>;
  readonly topics?: Readonly<Record<string, Topic>>;
}

/** A command of the tree; its commands are loaded on demand. */
// biome-ignore lint/suspicious/noExplicitAny: citty's own type of a command with any arguments
export type Tree = CommandDef<any>;

/** A command with all below it, for help, completion and the man page. */
export interface Command {
  readonly meta?: Manual;
  readonly args?: ArgsDef;
  readonly subCommands?: Readonly<Record<string, Command>>;
  readonly default?: string;
  readonly run?: unknown;
}

// In this tree only commands are loaded; citty would take functions and promises everywhere.
export const manualOf = (command: Tree) => (command.meta ?? {}) as Manual;
export const argsOf = (command: Tree) => (command.args ?? {}) as ArgsDef;
export const commandsOf = (command: Tree) => command.subCommands as Readonly<Record<string, unknown>> | undefined;

/** The names of the flags of all commands, which are those of the root. */
export const globalNames = (root: { readonly args?: unknown }): ReadonlySet<string> =>
  new Set(Object.keys(root.args ?? {}));

export async function load(command: unknown): Promise<Tree> {
  return typeof command === "function" ? await command() : (command as Tree);
}

/** A command with all below it, loaded. */
export async function loadAll(command: Tree): Promise<Command> {
  const subCommands = commandsOf(command);
  if (!subCommands) return command as Command;
  const loaded = Object.entries(subCommands).map(
    async ([name, sub]) => [name, await loadAll(await load(sub))] as const,
  );
  return { ...(command as Command), subCommands: Object.fromEntries(await Promise.all(loaded)) };
}

export type Arg = ArgsDef[string];

/** The words of `a|b|c`. */
type Choices<S> = S extends `${infer First}|${infer Rest}` ? First | Choices<Rest> : S;

type ValueOf<D> = D extends { type: "boolean"; valueHint: string }
  ? boolean | string
  : D extends { type: "boolean" }
    ? boolean
    : D extends { multiple: true }
      ? readonly string[]
      : D extends { type: "string"; valueHint: infer S extends `${string}|${string}` }
        ? Choices<S>
        : string;

/** The arguments of a command by name, under `_` the words that are not flags, and the formats that the command has. */
export type Flags<T extends ArgsDef> = { readonly _: readonly string[]; readonly formats: readonly string[] } & {
  readonly [K in keyof T]: T[K] extends { required: true } ? ValueOf<T[K]> : ValueOf<T[K]> | undefined;
};

export type Args = { _: string[]; [name: string]: string | boolean | string[] | undefined };

/** The words of a command line: flags with their values, and arguments. */
export function tokensOf(args: ArgsDef, words: readonly string[]) {
  const options = Object.entries(args)
    .filter(([, def]) => !isPositional(def))
    .map(([name, def]) => {
      const short = shortOf(def);
      return [name, { type: def.type === "boolean" ? "boolean" : "string", ...(short && { short }) }] as const;
    });
  return parseArgs({
    args: [...words],
    options: Object.fromEntries(options),
    strict: false,
    allowPositionals: true,
    tokens: true,
  }).tokens;
}

export type Token = ReturnType<typeof tokensOf>[number];
export type FlagToken = Extract<Token, { kind: "option" }>;

/** The flag of a token. In `-n=5` the equals sign is not part of the value. */
export function flagOf({ name, rawName, value, inlineValue }: FlagToken) {
  const negated = name.startsWith("no-");
  const text = inlineValue && rawName.length === 2 ? value?.replace(/^=/, "") : value;
  return { name: negated ? name.slice(3) : name, negated, text };
}

/** The flags and arguments in the words after a command's name, which have been checked. */
export function readArgs(args: ArgsDef, words: readonly string[]): Args {
  const read: Args = { _: [] };
  for (const token of tokensOf(args, words)) {
    if (token.kind === "positional") read._.push(token.value);
    if (token.kind !== "option") continue;
    const { name, negated, text } = flagOf(token);
    const before = read[name];
    if (takesList(args[name])) read[name] = [...(Array.isArray(before) ? before : []), text ?? ""];
    else read[name] = text ?? !negated;
  }
  const named = Object.keys(args).filter((name) => isPositional(args[name] as Arg));
  for (const [i, name] of named.entries()) read[name] = read._[i];
  return read;
}

/** A command that does something, as its file describes it. */
export interface Definition<T extends ArgsDef, R> {
  readonly meta: Manual;
  readonly args: T;
  /** Makes the request, before anything connects. @throws UserError for flags that contradict each other, or invalid values */
  readonly parse: (flags: Flags<T>, now: Date) => R | Promise<R>;
}

/** Its exit code is the result of `run` (undefined: 0), which citty drops; citty's own parser of flags has no lists. */
export function defineCommand<const T extends ArgsDef, R, Globals>({
  meta,
  args,
  parse,
  run,
}: Definition<T, R> & { readonly run: (request: R, flags: Globals) => unknown }): Tree {
  return define({
    meta,
    args,
    async run({ rawArgs }) {
      const flags: unknown = { ...readArgs(args, rawArgs), formats: choicesOf("format", args.format) };
      const code = await run(await parse(flags as Flags<T>, new Date()), flags as Globals);
      process.exitCode = typeof code === "number" ? code : EXIT.done;
    },
  });
}

/** The values that a flag takes; empty if it takes any. */
export function choicesOf(name: string, def: Arg | undefined): readonly string[] {
  const hint = def?.type === "string" && !takesList(def) ? (def.valueHint ?? "") : "";
  return hint.includes("|") || name === "format" ? hint.split("|") : [];
}

export function shortOf(def: Arg): string | undefined {
  return "alias" in def && typeof def.alias === "string" && def.alias.length === 1 ? def.alias : undefined;
}

export const isPositional = (def: Arg) => def.type === "positional";

/** True for a flag with an optional value: `--diff`, `--diff=web-1`. */
export const mayTakeValue = (def: Arg) => def.type === "boolean" && def.valueHint !== undefined;

/** True for a flag that can be repeated: its value is a list. */
export const takesList = (def: Arg | undefined) => def !== undefined && "multiple" in def && def.multiple === true;

/** True for a positional that takes all remaining words. */
export const takesMany = (def: Arg) => "many" in def && def.many === true;

/** A positional in a line of usage: `<jid>`, `<jid>…`, or `<jid> <jid>` for exactly two. */
export const usageWord = (name: string, def: Arg): string =>
  "exactly" in def && typeof def.exactly === "number"
    ? Array.from({ length: def.exactly }, () => `<${name}>`).join(" ")
    : `<${name}>${takesMany(def) ? "…" : ""}`;

/** The description of a flag that can only be switched off: `--no-color`. */
export const negativeOf = (def: Arg) => (def.type === "boolean" && def.negativeDescription) || undefined;

/** A flag as it is typed. */
export const flagWord = (name: string, def: Arg) => `--${negativeOf(def) ? "no-" : ""}${name}`;
export const flagText = (def: Arg) => negativeOf(def) || def.description || "";

/** The positionals or the flags of a command, in their order. */
export const argsThat = (args: ArgsDef, arePositionals: boolean) =>
  Object.entries(args).filter(([, def]) => (def.type === "positional") === arePositionals);
