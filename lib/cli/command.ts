// What a command is: a definition of citty's, with help in our words, lists, and an exit code.
import { parseArgs } from "node:util";
import { type ArgsDef, type CommandDef, defineCommand as define } from "citty";
import { EXIT } from "../errors.ts";

type Rows = readonly (readonly [string, string])[];

/** Help on what several commands have in common. */
export interface Topic {
  readonly description: string;
  readonly details?: string;
  /** The flags that it is about. */
  readonly flags?: Readonly<Record<string, Arg>>;
  /** The heading of these flags in the help of a command, where only some commands have them. */
  readonly heading?: string;
  /** What a value may look like, and what that means. */
  readonly values?: Rows;
}

/** Help on a command. */
export interface Manual {
  readonly description?: string;
  /** The group that help lists it in. */
  readonly group?: string;
  readonly details?: string;
  /** What only the man page says beside that. */
  readonly notes?: string;
  readonly example?: string;
  /** Exit codes and their meanings, where there are more than 0 and 1. */
  readonly exitCodes?: string;
  /** The groups of its own commands, in their order. */
  readonly groups?: readonly string[];
  /** Words of the field, and what they mean. */
  readonly terms?: Rows;
  /** What its commands are called elsewhere, and what to type here. */
  readonly elsewhere?: Readonly<Record<string, readonly string[]>>;
  /** The same of flags: flags, of which a command may lack the first, or a command. */
  readonly flagsElsewhere?: Readonly<Record<string, readonly string[]>>;
  /** Flags that it had, and what to type in their place. */
  readonly renamed?: Readonly<Record<string, string>>;
  /** What `help` knows beside commands. */
  readonly topics?: Readonly<Record<string, Topic>>;
}

/** A command as it stands in the tree, where its own commands are loaded when they are asked for. */
// biome-ignore lint/suspicious/noExplicitAny: citty's own type of a command with any arguments
export type Tree = CommandDef<any>;

/** A command with all that is below it, for what is generated from the tree: help, completion, the man page. */
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

/** A command of the tree, loaded. */
export async function load(command: unknown): Promise<Tree> {
  return typeof command === "function" ? await command() : (command as Tree);
}

/** A command with all its own, loaded. */
export async function loadAll(command: Tree): Promise<Command> {
  const subCommands = commandsOf(command);
  if (!subCommands) return command as Command;
  const loaded = Object.entries(subCommands).map(
    async ([name, sub]) => [name, await loadAll(await load(sub))] as const,
  );
  return { ...(command as Command), subCommands: Object.fromEntries(await Promise.all(loaded)) };
}

/** The definition of one argument. */
export type Arg = ArgsDef[string];

type ValueOf<D> = D extends { type: "boolean"; valueHint: string }
  ? boolean | string
  : D extends { type: "boolean" }
    ? boolean
    : D extends { multiple: true }
      ? readonly string[]
      : string;

/** The arguments of a command by name, and under `_` the words that are no flags. */
export type Flags<T extends ArgsDef> = { readonly _: readonly string[] } & {
  readonly [K in keyof T]: T[K] extends { required: true } ? ValueOf<T[K]> : ValueOf<T[K]> | undefined;
};

/** The same of any command. */
export type Args = { _: string[]; [name: string]: string | boolean | string[] | undefined };

/** The words of a command line by the flags of a command: what is a flag, its value, or a word of its own. */
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

/** The flag that a token names. `-n=5`: the equals sign is no part of a value. */
export function flagOf({ name, rawName, value, inlineValue }: FlagToken) {
  const negated = name.startsWith("no-");
  const text = inlineValue && rawName.length === 2 ? value?.replace(/^=/, "") : value;
  return { name: negated ? name.slice(3) : name, negated, text };
}

/** The arguments that stand in the words after a command's name, which have been checked. */
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

/**
 * A command that does something. citty's own reading of flags knows no lists, and it drops what a command below another
 * returns: that is the exit code here, nothing means 0.
 */
export function defineCommand<const T extends ArgsDef>(command: {
  readonly meta: Manual;
  readonly args: T;
  readonly run: (context: { readonly args: Flags<T> }) => unknown;
}): Tree {
  const { meta, args, run } = command;
  return define({
    meta,
    args,
    async run({ rawArgs }) {
      const code = await run({ args: readArgs(args, rawArgs) as unknown as Flags<T> });
      process.exitCode = typeof code === "number" ? code : EXIT.done;
    },
  });
}

/** The one-letter form of a flag, if it has one. */
export function shortOf(def: Arg): string | undefined {
  return "alias" in def && typeof def.alias === "string" && def.alias.length === 1 ? def.alias : undefined;
}

/** True for an argument without a name of its own on the command line. */
export const isPositional = (def: Arg) => def.type === "positional";

/** True for a flag with a value that it may lack: `--diff`, `--diff=web-1`. */
export const mayTakeValue = (def: Arg) => def.type === "boolean" && def.valueHint !== undefined;

/** True for a flag that may be repeated: its value is a list. */
export const takesList = (def: Arg | undefined) => def !== undefined && "multiple" in def && def.multiple === true;

/** True for a positional that takes every word that is left. */
export const takesMany = (def: Arg) => "many" in def && def.many === true;

/** A positional as it stands in a line of usage: `<jid>`, `<jid>…`, `<jid> <jid>` where just two are taken. */
export const usageWord = (name: string, def: Arg): string =>
  "exactly" in def && typeof def.exactly === "number"
    ? Array.from({ length: def.exactly }, () => `<${name}>`).join(" ")
    : `<${name}>${takesMany(def) ? "…" : ""}`;

/** What is said of a flag that can only be switched off: `--no-color`. */
export const negativeOf = (def: Arg) => (def.type === "boolean" && def.negativeDescription) || undefined;
