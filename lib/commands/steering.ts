// Shared by kill and retry: the question before they act, and a report whose failure does not stop them.
import { readFileSync } from "node:fs";
import { EXIT, UserError } from "../errors.ts";
import { enduring, type Terminal } from "../terminal/terminal.ts";
import type { LiveSession } from "./session.ts";

/** @throws UserError for --test, a dry run elsewhere in the fleet, without --dry-run; and for --for without --wait */
export function parseSteering(
  flags: { readonly for?: string | undefined } & {
    readonly [name in "test" | "yes" | "wait" | "dry-run" | "fail-if-empty"]?: boolean | undefined;
  },
) {
  if (flags.test && !flags["dry-run"])
    throw new UserError("--test is not a dry run here. Nothing was sent.", "Use --dry-run.");
  if (flags.for !== undefined && !flags.wait) throw new UserError("--for needs --wait.", "Add --wait, or omit --for.");
  return {
    yes: flags.yes === true,
    wait: flags.wait === true,
    dryRun: flags["dry-run"] === true,
    failIfEmpty: flags["fail-if-empty"] === true,
  };
}

/** Shows on stderr what would be done, and asks unless --yes was given. `unasked`: no person can read the question and answer. */
export async function confirm(
  { terminal, interruption }: LiveSession,
  yes: boolean,
  plan: {
    readonly text: string;
    readonly warnings: readonly string[];
    question(): string | Promise<string>;
    /** The message for a person who interrupts the question. */
    readonly declined: string;
  },
): Promise<"agreed" | "declined" | "unasked"> {
  const { tell, canAsk, warn } = terminal;
  const told = tell(plan.text);
  plan.warnings.forEach(warn);
  if (yes) return "agreed";
  if (!canAsk || !told) return "unasked";
  const question = await plan.question();
  const { clear } = interruption;
  interruption.clear = () => void tell(`\n${plan.declined}`);
  const isAgreed = await terminal.ask(question);
  interruption.clear = clear;
  return isAgreed ? "agreed" : "declined";
}

/**
 * stdout for the report of what was done. If the report cannot be written, this prints an error, and the command continues.
 * @param done what was done, for that error
 */
export function reporting(terminal: Terminal, done: () => string): { readonly out: Terminal; code: number } {
  const { error } = terminal;
  const failed = (why: unknown) => {
    report.code = EXIT.error;
    error(`${done()}, but the report failed: ${(why as Error).message}.`);
  };
  const report = { out: enduring(terminal, failed), code: EXIT.done as number };
  return report;
}

/** The login name of a user ID in /etc/passwd; undefined without an entry or without that file. */
function nameOf(uid: number): string | undefined {
  try {
    const lines = readFileSync("/etc/passwd", "utf8").split("\n");
    return lines.map((line) => line.split(":")).find((fields) => Number(fields[2] || "-1") === uid)?.[0];
  } catch {
    return undefined;
  }
}

/**
 * The operator: the caller of sudo, else the login name of this process. Bun's userInfo() reads only variables; here /etc/passwd
 * comes first, and variables are for users of a directory service.
 */
export function operatorName(env: NodeJS.ProcessEnv): string {
  if (env.SUDO_USER) return env.SUDO_USER;
  const uid = process.getuid?.();
  const known = uid === undefined ? undefined : nameOf(uid);
  return known || env.LOGNAME || env.USER || env.USERNAME || (uid === undefined ? "unknown" : `uid ${uid}`);
}
