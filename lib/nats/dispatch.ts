// Handing a new job to the masters: a request that one of them answers (wire.md, "Dispatch").
import { UserError } from "../errors.ts";
import { plural } from "../text.ts";
import { type Connection, NoResponders, PermissionDenied } from "./connection.ts";

/** Where masters take new jobs. */
export const DISPATCH_SUBJECT = "zester.dispatch";

/** What came of one request: a master's answer; or it is certain that no master has it; or that can't be told, and why. */
export type Handed = { readonly answer: Uint8Array } | { readonly refused: UserError } | { readonly open: string };

/** Why a request can't be sent at all; undefined when the server takes one of this size. */
export function tooLarge({ shown, maxPayload }: Connection, request: Uint8Array): UserError | undefined {
  if (request.length <= maxPayload) return undefined;
  return new UserError(
    `the new job takes ${plural(request.length, "byte")}, and ${shown} takes ${plural(maxPayload, "byte")} at most. Nothing was sent.`,
    "Select fewer peels with --peel; when it is the arguments, the server's max_payload has to be raised.",
  );
}

/** Sends the request once, and waits for the answer as long as the server may stay silent. */
export async function handToMasters(connection: Connection, request: Uint8Array): Promise<Handed> {
  const large = tooLarge(connection, request);
  if (large) return { refused: large };
  try {
    return { answer: (await connection.request(DISPATCH_SUBJECT, request)).data };
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
