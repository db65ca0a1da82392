// Flags that count from now count from the server's clock, which all operators share.

import { Transient, UserError } from "../errors.ts";
import { type Conditions, countsFromNow, parseSelection, requireSpan, type Selection } from "../model/selection.ts";
import { clockWords } from "../render/clock.ts";
import type { Session } from "./session.ts";

/**
 * The selection that the flags ask for, once there is a server to ask for the time. Warns when this machine's clock is
 * off and that would have mattered.
 * @param now by this machine's clock
 * @throws UserError as parseSelection does, and when the server does not tell the time
 */
export async function selectionByServer(flags: Conditions, session: Session, now = new Date()): Promise<Selection> {
  if (!countsFromNow(flags)) return parseSelection(flags, now);
  const { store } = session;
  const { aheadMs, doubtMs } = await store.clock();
  const words = clockWords(aheadMs, doubtMs);
  if (words !== undefined) session.terminal.warn(words);
  const selection = parseSelection(flags, store.now());
  requireSpan(selection, flags);
  return selection;
}

/** Sees to it that the server's clock is known before ages are shown; says so when that can't be. */
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
