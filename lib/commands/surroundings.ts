// What a command runs in, for those that connect nowhere as well: the terminal, the format of the output, the environment.
import { UserError } from "../errors.ts";
import { oneOf } from "../nearest.ts";
import { systemTerminal, type Terminal } from "../terminal/terminal.ts";
import type { GlobalArgs } from "./shared.ts";

const FORMATS = ["text", "json", "jsonl", "yaml", "csv", "openmetrics", "html", "markdown"] as const;
export type Format = (typeof FORMATS)[number];

/** What a command can write. */
export interface Formats {
  /** Its text is a picture that changes, where one can be drawn. */
  readonly isDrawn?: boolean | undefined;
  /** Flags that only some formats can honour, by name. */
  readonly only?: Readonly<Record<string, readonly Format[]>>;
}

/** The format that is asked for. A default from the environment that the command, with these flags, can't honour is left aside. */
function formatOf(flags: GlobalArgs, env: NodeJS.ProcessEnv, { only = {} }: Formats): Format {
  const given = flags as Readonly<Record<string, unknown>>;
  const limits = Object.entries(only).filter(([flag]) => given[flag]);
  if (flags.format !== undefined) {
    const format = flags.format as Format; // which has been checked
    for (const [flag, able] of limits)
      if (!able.includes(format))
        throw new UserError(
          `--${flag} and --format ${format} cannot be used together.`,
          `Use --${flag} with one of: ${able.join(", ")}.`,
        );
    return format;
  }
  if (!env.ZESTER_FORMAT) return "text";
  const wish = oneOf(FORMATS, env.ZESTER_FORMAT, "$ZESTER_FORMAT", "format");
  return flags.formats.includes(wish) && limits.every(([, able]) => able.includes(wish)) ? wish : "text";
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

/** @throws UserError for a flag that the format given can't honour */
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
