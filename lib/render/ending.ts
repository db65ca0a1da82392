// How jobs ended, as words and for programs. Pure.

import type { Value, ValueMap } from "../codec/value.ts";
import { formatDuration } from "../duration.ts";
import type { Ending } from "../model/ending.ts";
import { jobDuration } from "../model/job.ts";
import { countStates, PEEL_STATES } from "../model/peel-state.ts";
import { safe } from "../text.ts";
import { peelCounts } from "./peels.ts";

/** `complete after 12s: 3 ok` */
export function endingText({ row, peels }: Ending, now: Date): string {
  const took = jobDuration(row, now);
  const after = took === undefined ? "" : ` after ${formatDuration(took)}`;
  return `${safe(row.status ?? "-")}${after}: ${peelCounts(peels) || "no peels"}`;
}

/** The same for programs. */
export function endingDocument({ row: { jid, status }, peels }: Ending): ValueMap {
  const counts = countStates(peels, PEEL_STATES).reverse();
  return new Map<string, Value>([["jid", jid], ["status", status ?? null], ...counts]);
}
