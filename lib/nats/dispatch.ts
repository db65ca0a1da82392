// Hands a new job to the masters: one of them answers the request (wire.md, "Dispatch").
import { UserError } from "../errors.ts";
import type { Handed, NewJob } from "../store.ts";
import { plural } from "../text.ts";
import { type Connection, NoResponders, PermissionDenied } from "./connection.ts";

/** The subject on which masters accept new jobs. */
export const DISPATCH_SUBJECT = "zester.dispatch";

/** The error for a job that is larger than the server accepts; undefined for one that is not. */
export function tooLarge({ shown, maxPayload }: Connection, { eventSize }: NewJob): UserError | undefined {
  if (eventSize <= maxPayload) return undefined;
  return new UserError(
    `the new job has ${plural(eventSize, "byte")}, and ${shown} accepts at most ${plural(maxPayload, "byte")}. Nothing was sent.`,
    "Select fewer peels with --peel, or raise max_payload of the server.",
  );
}

/** Sends the request once, and waits for the answer up to the timeout. */
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
          "`zester config check` shows which masters run.",
        ),
      };
    // Any other refusal may be about something else, such as the subscription for the answer.
    if (error instanceof PermissionDenied && !error.listening && error.subject === DISPATCH_SUBJECT)
      return { refused: new UserError(`${error.message} Nothing was dispatched.`, error.hint) };
    if (error instanceof UserError) return { open: error.message };
    throw error;
  }
}
