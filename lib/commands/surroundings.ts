// What a command runs in, for those that connect nowhere as well: the terminal, the format of the output, the environment.
import { UserError } from "../errors.ts";
import { oneOf } from "../nearest.ts";
import { systemTerminal, type Terminal } from "../terminal/terminal.ts";
import type { GlobalArgs } from "./shared.ts";

export type Format = "text" | "json" | "yaml" | "jsonl" | "csv" | "openmetrics" | "html" | "markdown";
const FORMATS: readonly Format[] = ["text", "json", "yaml"];
/** The formats of commands that can write a record a line as well. */
export const WITH_LINES: readonly Format[] = ["text", "json", "jsonl", "yaml"];
/** Those of lists, which spreadsheets read as well. */
export const LIST_FORMATS: readonly Format[] = [...WITH_LINES, "csv"];
/** Those that any command knows. */
const ALL: readonly Format[] = [...LIST_FORMATS, "openmetrics", "html", "markdown"];

/** What a command can write. */
export interface Formats {
  /** Its text is a picture that changes, where one can be drawn. */
  readonly isDrawn?: boolean | undefined;
  /** Those that the command knows; text, json and yaml when not given. */
  readonly formats?: readonly Format[];
  /** Flags that only some of these can honour, by name. */
  readonly only?: Readonly<Record<string, readonly Format[]>>;
}

const parseFormat = (text: string, from: string, formats: readonly Format[]): Format =>
  oneOf(formats, text, from, "format");

/** The format that is asked for. A default from the environment that the command, with these flags, can't honour is left aside. */
function formatOf(flags: GlobalArgs, env: NodeJS.ProcessEnv, { formats = FORMATS, only = {} }: Formats): Format {
  const given = flags as Readonly<Record<string, unknown>>;
  const limits = Object.entries(only).filter(([flag]) => given[flag]);
  if (flags.format !== undefined) {
    const format = parseFormat(flags.format, "--format", formats);
    for (const [flag, able] of limits)
      if (!able.includes(format))
        throw new UserError(
          `--${flag} and --format ${format} cannot be used together.`,
          `Use --${flag} with one of: ${able.join(", ")}.`,
        );
    return format;
  }
  if (!env.ZESTER_FORMAT) return "text";
  const wish = parseFormat(env.ZESTER_FORMAT, "$ZESTER_FORMAT", ALL);
  return formats.includes(wish) && limits.every(([, able]) => able.includes(wish)) ? wish : "text";
}

/** For commands that act, or wait for what changes. @throws UserError for --from */
export function refuseFiles(flags: GlobalArgs): void {
  if (flags.from) throw new UserError("--from cannot be used here: this command needs a server.", "Omit --from.");
}

/** What a command runs in, by its flags and the environment. */
export interface Surroundings {
  readonly terminal: Terminal;
  readonly format: Format;
  readonly env: NodeJS.ProcessEnv;
}

/** @throws UserError for a format that the command does not know, and for a flag that the format given can't honour */
export function surroundings(flags: GlobalArgs, formats: Formats = {}): Surroundings {
  const { env } = process;
  const format = formatOf(flags, env, formats);
  const terminal = systemTerminal({
    color: flags.color,
    forceColor: flags["force-color"],
    isDrawnOn: formats.isDrawn,
  });
  if (flags.direct) terminal.note("--direct does nothing here: jobs are read from the server.");
  if (flags.test) terminal.note("--test does nothing here: nothing is changed.");
  return { terminal, format, env };
}
