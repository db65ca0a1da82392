// Flags that count from now count from the server's clock, which all operators share.

import { Transient, UserError } from "../errors.ts";
import type { Conditions, Selection } from "../model/selection.ts";
import { clockWords } from "../render/clock.ts";
import type { Session } from "./session.ts";

/**
 * A selection by the server's clock, where it counts from now. Warns when this machine's clock is off and that would have mattered.
 * @throws UserError when the server does not tell the time, or when --since is then later than --until
 */
export async function selectionByServer(selection: Selection, { store, terminal }: Session): Promise<Selection> {
  if (!selection.fromNow) return selection;
  const { aheadMs, doubtMs } = await store.clock();
  const words = clockWords(aheadMs, doubtMs);
  if (words !== undefined) terminal.warn(words);
  return selection.at(store.now());
}

/** Asks for the server's clock before ages are shown, and warns where that fails. */
export async function serverClock({ store, terminal }: Session): Promise<void> {
  try {
    await store.clock();
  } catch (error) {
    if (!(error instanceof UserError) || error instanceof Transient) throw error;
    terminal.warn(`${error.message} Ages count by this machine's clock.`);
  }
}

/** The same conditions; without a time they select the jobs of the last day. */
export const ofLastDay = <T extends Conditions>(flags: T): T =>
  flags.since === undefined && flags.until === undefined ? { ...flags, since: "24h" } : flags;
