// How jobs ended, as words and for programs. Pure.

import type { Value, ValueMap } from "../codec/value.ts";
import { formatDuration } from "../duration.ts";
import type { Ending } from "../model/ending.ts";
import type { JobRow } from "../model/job.ts";
import { countStates } from "../model/peel-state.ts";
import { safe } from "../text.ts";
import { reasonOf, tookOf } from "./facts.ts";
import { peelCounts } from "./peels.ts";

/** `failed after 12s: 1 failed, 3 ok`, and the master's reason where it gives one. */
export function endingText(ending: Ending, now: Date): string {
  const took = tookOf(ending, now);
  const after = took === undefined ? "" : ` after ${formatDuration(took)}`;
  const reason = reasonOf(ending);
  const counts = peelCounts(ending.story.peels) || "no peels";
  return `${safe(ending.row.status ?? "-")}${after}: ${counts}${reason === undefined ? "" : ` (${safe(reason)})`}`;
}

/** The same for programs: the number of peels in each state, worst first. */
export function endingDocument(ending: Ending): ValueMap {
  const { row, story } = ending;
  const reason = reasonOf(ending);
  return new Map<string, Value>([
    ["jid", row.jid],
    ["status", row.status ?? null],
    ...(reason === undefined ? [] : [["reason", reason] as const]),
    ...countStates(story.peels),
  ]);
}

/** A job that has not ended, for programs, as it was last seen; not at all when `row` is undefined. */
export const openDocument = (jid: string, row: JobRow | undefined): ValueMap =>
  new Map<string, Value>([
    ["jid", jid],
    ["status", row?.status ?? null],
  ]);
