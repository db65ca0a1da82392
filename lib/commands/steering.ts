// What kill and retry share: the question before they act, and a report that keeps nothing from being done.
import { EXIT, UserError } from "../errors.ts";
import { enduring, reportError, type Terminal } from "../terminal/terminal.ts";
import type { Limit } from "./limit.ts";
import { type LiveSession, withSession } from "./session.ts";
import type { GlobalArgs } from "./shared.ts";

type SteeringFlags = { readonly for: string | undefined } & {
  readonly [name in "test" | "yes" | "wait" | "dry-run" | "fail-if-empty"]: boolean | undefined;
};

export type SteeringRequest = ReturnType<typeof parseSteering>;

/** @throws UserError for --test, a dry run elsewhere in the fleet, without --dry-run; and for --for without --wait */
export function parseSteering(flags: SteeringFlags) {
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

/** Shows on stderr what would be done, and asks unless --yes was given. `unasked`: no person can see it and answer. */
export async function confirm(
  terminal: Terminal,
  yes: boolean,
  plan: {
    readonly text: string;
    readonly warnings: readonly string[];
    question(): string | Promise<string>;
    /** For a person who interrupts the question. */
    readonly declined: string;
  },
  interruption: Interruption,
): Promise<"agreed" | "declined" | "unasked"> {
  const told = terminal.tell(plan.text);
  plan.warnings.forEach(terminal.warn);
  if (yes) return "agreed";
  if (!terminal.canAsk || !told) return "unasked";
  const question = await plan.question();
  const { clear } = interruption;
  interruption.clear = () => void terminal.tell(`\n${plan.declined}`);
  const isAgreed = await terminal.ask(question);
  interruption.clear = clear;
  return isAgreed ? "agreed" : "declined";
}

/**
 * stdout for the report of what was done; when that cannot be written, an error says so, and the command goes on to its end.
 * @param done what was done, for that error
 */
export function reporting(terminal: Terminal, done: () => string): { readonly out: Terminal; code: number } {
  const failed = (error: unknown) => {
    report.code = EXIT.error;
    terminal.error(`${done()}, but the report failed: ${(error as Error).message}.`);
  };
  const report = { out: enduring(terminal, failed), code: EXIT.done as number };
  return report;
}

/** What a signal that ends the process finds; no words while nothing was sent, and once all is reported. */
export interface Interruption {
  words?: (() => string) | undefined;
  /** Takes away what stands on the line of stderr. */
  clear(): void;
}

/** `withSession` for a command that says what it did when it is interrupted. */
export function steer(
  args: GlobalArgs,
  limit: Limit | undefined,
  work: (session: LiveSession, interruption: Interruption) => Promise<number | undefined>,
): Promise<number | undefined> {
  const interruption: Interruption = { clear() {} };
  const onSignal = () => {
    interruption.clear();
    if (interruption.words) reportError(interruption.words(), {});
  };
  return withSession(args, (session) => work(session, interruption), { limit, onSignal });
}
