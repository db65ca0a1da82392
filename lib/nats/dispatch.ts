// Handing a new job to the masters: a request that one of them answers (wire.md, "Dispatch").
import { UserError } from "../errors.ts";
import { plural } from "../text.ts";
import { type Connection, NoResponders, PermissionDenied } from "./connection.ts";

/** Where masters take new jobs. */
export const DISPATCH_SUBJECT = "zester.dispatch";

/** What came of one request: a master's answer; or it is certain that no master has it; or that can't be told, and why. */
export type Handed = { readonly answer: Uint8Array } | { readonly refused: UserError } | { readonly open: string };

/** A new job, and the size of the event that a master makes of it, which is the largest message of both. */
export interface NewJob {
  readonly record: Uint8Array;
  readonly eventSize: number;
}

/** Why a job can't be dispatched at all; undefined when the server takes messages of this size. */
export function tooLarge({ shown, maxPayload }: Connection, { eventSize }: NewJob): UserError | undefined {
  if (eventSize <= maxPayload) return undefined;
  return new UserError(
    `the new job takes ${plural(eventSize, "byte")} when it is dispatched, and ${shown} takes ${plural(maxPayload, "byte")} at most. Nothing was sent.`,
    "Select fewer peels with --peel; when it is the arguments, the server's max_payload has to be raised.",
  );
}

/** Sends the request once, and waits for the answer as long as the server may stay silent. */
export async function handToMasters(connection: Connection, job: NewJob): Promise<Handed> {
  const large = tooLarge(connection, job);
  if (large) return { refused: large };
  try {
    return { answer: (await connection.request(DISPATCH_SUBJECT, job.record)).data };
  } catch (error) {
    if (error instanceof NoResponders)
      return {
        refused: new UserError(
          `no master listens on ${DISPATCH_SUBJECT}. Nothing was dispatched.`,
          "`zester config check` tells which masters run.",
        ),
      };
    // Any other refusal may be of something else that was asked: of the subscription for the answer, for example.
    if (error instanceof PermissionDenied && !error.listening && error.subject === DISPATCH_SUBJECT)
      return { refused: new UserError(`${error.message} Nothing was dispatched.`, error.hint) };
    if (error instanceof UserError) return { open: error.message };
    throw error;
  }
}
