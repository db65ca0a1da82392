// Help text, generated from the command tree. citty's own renderer writes colour whatever stdout is, and positionals in
// capitals where every message says <jid>.
import { type Arg, type Command, isPositional, negativeOf, shortOf, takesMany } from "./command.ts";

/** A flag as help shows it: its forms, and what it does. */
function flagRow([name, def]: [string, Arg]): readonly [string, string] {
  const negative = negativeOf(def);
  const short = shortOf(def);
  const hint = def.type === "boolean" ? "" : ` <${"valueHint" in def && def.valueHint ? def.valueHint : "value"}>`;
  return [`${short ? `-${short}, ` : ""}--${negative ? "no-" : ""}${name}${hint}`, negative || def.description || ""];
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
      ? [command.run ? "[<command>]" : "<command>"]
      : positionals.map(([name, def]) => {
          const word = `<${name}>${takesMany(def) ? "…" : ""}`;
          return def.required === false ? `[${word}]` : word;
        })),
    "[flags]",
  ].join(" ");
  return {
    meta,
    usage,
    commands: commands.map(([name, sub]) => [name, sub.meta?.description ?? ""] as const),
    positionals: positionals.map(([name, def]) => [`<${name}>`, def.description ?? ""] as const),
    own: flags.filter(([name]) => !globals.has(name)).map(flagRow),
    global: flags.filter(([name]) => globals.has(name)).map(flagRow),
  };
}

/** Rows of two, as a table with the first column as wide as its widest cell. */
function columns(rows: readonly (readonly [string, string])[]): string {
  const wide = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(wide)}  ${right}`.trimEnd()).join("\n");
}

/** The complete help of one command, ended by a newline. `globals` are the names of flags listed apart. */
export function renderHelp(path: readonly string[], command: Command, globals: ReadonlySet<string>): string {
  const { meta, usage, commands, positionals, own, global } = outline(path, command, globals);
  const blocks = [
    meta.description ?? "",
    `Usage:\n  ${usage}`,
    meta.details ?? "",
    commands.length > 0 ? `Commands:\n${columns(commands)}` : "",
    positionals.length > 0 ? `Arguments:\n${columns(positionals)}` : "",
    own.length > 0 ? `Flags:\n${columns(own)}` : "",
    global.length > 0 ? `Global flags:\n${columns(global)}` : "",
    meta.examples ? `Examples:\n${meta.examples.map((line) => `  ${line}`).join("\n")}` : "",
    commands.length > 0 ? `\`${path.join(" ")} <command> --help\` says more about a command.` : "",
  ];
  return `${blocks.filter(Boolean).join("\n\n")}\n`;
}
