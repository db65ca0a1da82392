// A command of the tree, as everything that reads the tree sees it, and what builds one.
import type { ArgsDef, ParsedArgs } from "citty";

type Rows = readonly (readonly [string, string])[];

/** Help on what several commands have in common. */
export interface Topic {
  readonly description: string;
  readonly details?: string;
  /** The flags that it is about. */
  readonly flags?: Readonly<Record<string, Arg>>;
  /** What these flags are for, where only some commands have them: their help then has one line for all. */
  readonly purpose?: string;
  /** What a value may look like, and what that means. */
  readonly values?: Rows;
}

/** What help says of a command: one line, and what else there is. */
export interface Manual {
  readonly description?: string;
  /** The group that help lists it in. */
  readonly group?: string;
  readonly details?: string;
  /** What only the man page says beside that. */
  readonly notes?: string;
  readonly examples?: readonly string[];
  /** Exit codes and their meanings, where there are more than 0 and 1. */
  readonly exitCodes?: string;
  /** The groups of its own commands, in their order. */
  readonly groups?: readonly string[];
  /** Words of the field, and what they mean. */
  readonly terms?: Rows;
  /** What its commands are called elsewhere, and what to type here. */
  readonly elsewhere?: Readonly<Record<string, string>>;
  /** What `help` knows beside commands. */
  readonly topics?: Readonly<Record<string, Topic>>;
}

/** The arguments by name, as citty's `ParsedArgs` has them, and under `_` the words that are no flags. */
export interface Args {
  _: string[];
  [name: string]: string | boolean | string[] | undefined;
}

/** A command of the tree: what citty calls a `CommandDef`, its parts plain objects, never functions. */
export interface Command {
  meta?: Manual;
  args?: ArgsDef;
  subCommands?: Record<string, Command>;
  /** What it does with its arguments; the result is the exit code, nothing means 0. */
  run?: (args: Args) => Promise<unknown>;
}

/** The definition of one argument. */
export type Arg = ArgsDef[string];

/**
 * A command that does something.
 * @param args all its arguments, the global flags included
 * @param load imports its module when it runs; what `run` returns is the exit code, nothing means 0
 */
export function leaf<T extends ArgsDef>(
  description: string,
  args: T,
  load: () => Promise<{ run: (args: ParsedArgs<T>) => unknown }>,
  manual: Manual = {},
): Command {
  return {
    meta: { description, ...manual },
    args,
    // The arguments that args.ts read by `args`.
    run: async (read) => (await load()).run(read as ParsedArgs<T>),
  };
}

/** A command that only holds others. */
export function group(
  description: string,
  args: ArgsDef,
  subCommands: Record<string, Command>,
  manual: Manual = {},
): Command {
  return { meta: { description, ...manual }, args, subCommands };
}

/** The one-letter form of a flag, if it has one. */
export function shortOf(def: Arg): string | undefined {
  return "alias" in def && typeof def.alias === "string" && def.alias.length === 1 ? def.alias : undefined;
}

/** True for an argument without a name of its own on the command line. */
export const isPositional = (def: Arg) => def.type === "positional";

/** True for a positional that takes every word that is left. */
export const takesMany = (def: Arg) => "many" in def && def.many === true;

/** A positional as it stands in a line of usage: `<jid>`, `<jid>…`, `<jid> <jid>` where just two are taken. */
export const usageWord = (name: string, def: Arg): string =>
  "exactly" in def && typeof def.exactly === "number"
    ? Array.from({ length: def.exactly }, () => `<${name}>`).join(" ")
    : `<${name}>${takesMany(def) ? "…" : ""}`;

/** What is said of a flag that can only be switched off: `--no-color`. */
export const negativeOf = (def: Arg) => (def.type === "boolean" && def.negativeDescription) || undefined;
