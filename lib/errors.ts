// The errors that users meet, and the one place that turns any error into words and an exit code.
import { oneLine } from "./text.ts";

export const EXIT = { done: 0, error: 1, trouble: 2, endedOtherwise: 6, timedOut: 124, interrupted: 130 } as const;

/**
 * A failure with a message for the user: what failed and why (`message`), and what to do (`hint`), one line each; a hint that
 * lists what there is to choose from has more.
 */
export class UserError extends Error {
  readonly hint: string | undefined;

  constructor(
    message: string,
    hint?: string | readonly string[],
    readonly exitCode: number = EXIT.error,
  ) {
    // Both may repeat a path, a flag's value or a server's words, whatever stands in them.
    super(oneLine(message));
    this.hint = hint === undefined ? undefined : [hint].flat().map(oneLine).join("\n");
  }
}

/** The server or the way to it failed, not the request: a command that follows a job connects again and continues. */
export class Transient extends UserError {}

/** What did not happen because the server failed; other errors say so themselves. */
export const withWords = (error: UserError, words: string): UserError =>
  error instanceof Transient ? new Transient(`${error.message} ${words}`, error.hint) : error;

/** A bucket or a stream that does not exist, or that this user may not read. */
export class Unavailable extends UserError {}

/** A bucket, or the stream of events, that does not exist. */
export class NoBucket extends Unavailable {}

/** A message was handed to the connection, and the server may not have it. */
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

/** Why a file cannot be read or written: the words for the codes that people meet, else the code. */
export function fileFault(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  return { ENOENT: "no such file", EISDIR: "it is a directory" }[code] ?? code;
}

/** For `catch`: `value` in place of an error of this kind; throws any other again. */
export const insteadOf =
  <T>(kind: abstract new (...args: never) => Error, value: T) =>
  (error: unknown): T => {
    if (error instanceof kind) return value;
    throw error;
  };

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
    text: `unexpected failure: ${oneLine(reason.split("\n")[0] ?? "")}\nThis is a defect of zester: report it with the command that you ran.`,
    exitCode: EXIT.error,
  };
}
