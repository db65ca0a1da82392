// The errors that users meet, and the one place that turns any error into words and an exit code.

/** Exit codes of the executable. */
export const EXIT = { done: 0, error: 1, interrupted: 130 } as const;

/** An expected failure: what failed and why (`message`), and what to do next (`hint`). */
export class UserError extends Error {
  constructor(
    message: string,
    readonly hint?: string,
    readonly exitCode: number = EXIT.error,
  ) {
    super(message);
  }
}

/** Ends the command with `code`, when its output has said all there is to say. */
export class ExitWith extends Error {
  constructor(readonly code: number) {
    super(`exit ${code}`);
  }
}

/** The reader of stdout went away (`| head`): not a failure, just the end. */
export class OutputClosed extends Error {}

/**
 * Any error as one or two lines for people, never with a stack trace.
 * Unexpected errors are named as such, so that they get reported.
 */
export function describe(error: unknown): { text: string; exitCode: number } {
  if (error instanceof UserError) {
    return { text: error.hint ? `${error.message}\n${error.hint}` : error.message, exitCode: error.exitCode };
  }
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return {
    text: `unexpected failure: ${reason.split("\n")[0]}\nThis is a defect of zester; please report it with the command that you ran.`,
    exitCode: EXIT.error,
  };
}
