// What a command runs in, for those that connect nowhere as well: the terminal, the format of the output, the environment.
import { UserError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { systemTerminal, type Terminal } from "../terminal/terminal.ts";
import { safe } from "../text.ts";
import type { GlobalArgs } from "./flags.ts";

export type Format = "text" | "json" | "yaml" | "jsonl" | "csv";
const FORMATS: readonly Format[] = ["text", "json", "yaml"];
/** The formats of commands that can write a record a line as well. */
export const WITH_LINES: readonly Format[] = [...FORMATS, "jsonl"];
/** Those of lists, which spreadsheets read as well. */
export const LIST_FORMATS: readonly Format[] = [...WITH_LINES, "csv"];

function parseFormat(text: string, formats = FORMATS): Format {
  const format = formats.find((name) => name === text);
  if (format) return format;
  throw new UserError(
    `--format: "${safe(text)}" is not a format here.${nearest(text, formats)}`,
    `Formats: ${formats.join(", ")}.`,
  );
}

/** What a command runs in, by its flags and the environment. */
export interface Surroundings {
  readonly terminal: Terminal;
  readonly format: Format;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * @param formats those that the command knows; text, json and yaml when not given
 * @throws UserError for another format
 */
export function surroundings(flags: GlobalArgs, formats?: readonly Format[]): Surroundings {
  const { env } = process;
  const format = parseFormat(flags.format ?? (env.ZESTER_FORMAT || "text"), formats);
  const terminal = systemTerminal({ color: flags.color, forceColor: flags["force-color"] });
  return { terminal, format, env };
}
