// Errors, and the one place that turns any error into text and an exit code.
import { oneLine } from "./text.ts";

export const EXIT = { done: 0, error: 1, trouble: 2, endedOtherwise: 6, timedOut: 124, interrupted: 130 } as const;

/** A failure for the user: what failed and why (`message`), and what to do (`hint`), one line each; a list of choices has more. */
export class UserError extends Error {
  readonly hint: string | undefined;

  constructor(
    message: string,
    hint?: string | readonly string[],
    readonly exitCode: number = EXIT.error,
  ) {
    // Both may repeat a path, a flag's value or the text of a server, which may contain anything.
    super(oneLine(message));
    this.hint = hint === undefined ? undefined : [hint].flat().map(oneLine).join("\n");
  }
}

/** The server or the way to it failed, not the request: a command that follows a job connects again and continues. */
export class Transient extends UserError {}

/** Adds what did not happen because the server failed; other errors contain it already. */
export const withWords = (error: UserError, words: string): UserError =>
  error instanceof Transient ? new Transient(`${error.message} ${words}`, error.hint) : error;

/** A bucket or a stream that does not exist, or that this user may not read. */
export class Unavailable extends UserError {}

/** A bucket, or the stream of events, that does not exist. */
export class NoBucket extends Unavailable {}

/** A message was sent, and it is unknown whether the server received it. */
export class Unconfirmed extends Error {
  constructor(readonly why: UserError) {
    super(why.message);
  }
}

/** The reader of stdout closed it (`| head`): the command ends, unless it has something else to do. */
export class OutputClosed extends Error {
  constructor() {
    super("the reader of the output went away");
  }
}

/** Why a file cannot be read or written; the code where it has no text. */
export function fileFault(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  return { ENOENT: "no such file", EISDIR: "it is a directory" }[code] ?? code;
}

/** For `catch`: returns `value` for an error of this kind, and throws any other again. */
export const insteadOf =
  <T>(kind: abstract new (...args: never) => Error, value: T) =>
  (error: unknown): T => {
    if (error instanceof kind) return value;
    throw error;
  };

/** Any error as one or two lines, without a stack trace. */
export function describe(error: unknown): { text: string; exitCode: number } {
  if (error instanceof UserError) {
    return { text: error.hint ? `${error.message}\n${error.hint}` : error.message, exitCode: error.exitCode };
  }
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return {
    text: `unexpected failure: ${oneLine(reason.split("\n")[0] ?? "")}\nThis is a defect of zester: report it with the command that you ran.`,
    exitCode: EXIT.error,
  };
}
