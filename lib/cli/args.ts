// argv → a command and its arguments, strictly. citty alone ignores unknown flags and surplus arguments, which for
// `kill` is a safety matter; so everything is checked here, and citty gets a clean argv.
import { parseArgs } from "node:util";
import { UserError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { safe, shorten } from "../text.ts";
import { type Arg, type Command, isPositional, negativeOf, shortOf, takesMany } from "./command.ts";

export interface Invocation {
  /** The names from the root to the command: `["zester", "job", "show"]`. */
  readonly path: readonly string[];
  readonly command: Command;
  /** A clean argv for citty: `--flag=value` words, `--`, positionals. */
  readonly rawArgs: string[];
  readonly help: boolean;
  readonly version: boolean;
  readonly flags: { color?: boolean; forceColor?: boolean };
}

const show = (text: string) => shorten(safe(text.slice(0, 200)), 60);

function everyArg(command: Command): [string, Arg][] {
  return [
    ...Object.entries(command.args ?? {}),
    ...Object.values(command.subCommands ?? {}).flatMap(everyArg),
  ];
}

/** Flags that exist on every command: global ones are wherever a command takes arguments. */
function flagNames(command: Command): string[] {
  return Object.entries(command.args ?? {})
    .filter(([, def]) => !isPositional(def))
    .map(([name, def]) => `--${negativeOf(def) ? "no-" : ""}${name}`);
}

/** The words of `argv` by the flags of every command: what is a flag, its value, or a word of its own. */
export function tokenize(root: Command, argv: readonly string[]) {
  const options: Record<string, { type: "string" | "boolean"; short?: string }> = {};
  for (const [name, def] of everyArg(root)) {
    if (isPositional(def)) continue;
    const short = shortOf(def);
    options[name] = { type: def.type === "boolean" ? "boolean" : "string", ...(short && { short }) };
  }
  return parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

/**
 * What `argv` (without the program's own name) asks for.
 * @param root the command tree; flags of any command may stand before or after its name
 * @throws UserError for an unknown command or flag, a missing value, a missing or surplus argument
 */
export function parseCommandLine(root: Command, rootName: string, argv: readonly string[]): Invocation {
  const tokens = tokenize(root, argv);
  const path = [rootName];
  let command = root;
  const positionals: string[] = [];
  let askedForHelp = false;
  let terminated = false;
  for (const token of tokens) {
    if (token.kind === "option-terminator") terminated = true;
    if (token.kind !== "positional") continue;
    const known = command.subCommands;
    if (!known || terminated) positionals.push(token.value);
    else if (Object.hasOwn(known, token.value)) {
      command = known[token.value] as Command;
      path.push(token.value);
    } else if (token.value === "help" && path.length === 1) askedForHelp = true;
    else {
      throw new UserError(
        `unknown command "${show(token.value)}" for ${path.join(" ")}.${nearest(token.value, Object.keys(known))}`,
        `\`${path.join(" ")} --help\` lists the commands.`,
      );
    }
  }

  const args = command.args ?? {};
  const given = new Map<string, string[]>();
  const usage = `\`${path.join(" ")} --help\` lists the flags.`;
  const wish: { color?: boolean; forceColor?: boolean } = {};
  let help = askedForHelp;
  let version = false;
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const negated = token.name.startsWith("no-") ? token.name.slice(3) : undefined;
    const def = Object.hasOwn(args, negated ?? token.name) ? args[negated ?? token.name] : undefined;
    const negatable = def?.type === "boolean" && def.negativeDescription !== undefined;
    if (!def || isPositional(def) || negatable !== (negated !== undefined)) {
      throw new UserError(
        `unknown flag ${show(token.rawName)} for ${path.join(" ")}.${nearest(token.rawName, flagNames(command))}`,
        usage,
      );
    }
    if (def.type === "boolean") {
      if (token.inlineValue) throw new UserError(`${show(token.rawName)} takes no value.`, usage);
      if (token.name === "help") help = true;
      else if (token.name === "version") version = true;
      else if (negated === "color") wish.color = false;
      else if (token.name === "force-color") wish.forceColor = true;
      given.set(token.name, []);
      continue;
    }
    const value = token.value;
    // `--creds --timeout 5s` forgot a value; `--creds=-odd` means it.
    if (
      value === undefined ||
      value === "" ||
      (!token.inlineValue && value.startsWith("-") && value.length > 1)
    ) {
      throw new UserError(
        `${show(token.rawName)} needs a value${def.valueHint ? `: ${token.rawName} <${def.valueHint}>` : ""}.`,
        usage,
      );
    }
    // `-n=5`: a short flag takes the rest of its word, equals sign included; nobody means that sign.
    const clean =
      token.inlineValue && token.rawName.length === 2 && value.startsWith("=") ? value.slice(1) : value;
    if (clean.includes("\0"))
      throw new UserError(`${show(token.rawName)}: the value holds a NUL character.`, usage);
    given.set(token.name, [...(given.get(token.name) ?? []), clean]);
  }

  const invocation = { path, command, help, version, flags: wish };
  if (help || version || (command.subCommands && !command.run)) return { ...invocation, rawArgs: [] };

  const wanted = Object.entries(args).filter(([, def]) => isPositional(def));
  const names = wanted.map(([name, def]) => `<${name}>${takesMany(def) ? "…" : ""}`).join(" ");
  const missing = wanted.find(([, def], i) => def.required !== false && positionals[i] === undefined);
  if (missing) {
    throw new UserError(
      `${path.join(" ")} needs ${/^[aeiou]/.test(missing[0]) ? "an" : "a"} <${missing[0]}>.`,
      `Usage: ${path.join(" ")} ${names} [flags]`,
    );
  }
  const surplus = wanted.some(([, def]) => takesMany(def)) ? undefined : positionals[wanted.length];
  if (surplus !== undefined) {
    throw new UserError(
      `surplus argument "${show(surplus)}" for ${path.join(" ")}.`,
      `Usage: ${[...path, names].filter(Boolean).join(" ")} [flags]`,
    );
  }
  // citty keeps only the last of a repeated flag; a list is one value with commas. Those between URLs, which may hold some
  // themselves, are told by a line break.
  const words = Array.from(given, ([name, values]) =>
    values.length > 0 ? `--${name}=${values.join(name === "master" ? ",\n" : ",")}` : `--${name}`,
  );
  return { ...invocation, rawArgs: [...words, "--", ...positionals] };
}
