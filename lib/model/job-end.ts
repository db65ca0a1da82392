// The end of a job: exit code and reason. Pure.

import { asInteger, type ValueMap } from "../codec/value.ts";
import { formatAge } from "../duration.ts";
import { count, plural } from "../text.ts";
import { isTerminal, type JobRow, metadataField, returnedOf, stoppedWatchingNs } from "./job.ts";
import { displayPeel } from "./peel.ts";
import { hasNotReturned, statesPresent } from "./peel-state.ts";
import { countDone, stateOfReturn } from "./returns.ts";
import type { PeelStory, Story } from "./story.ts";

export interface Ending {
  readonly row: JobRow;
  readonly job: ValueMap;
  readonly story: Story;
}

/** RETURNS of a job: as its record counts; without a count, the peels that have returned. */
export const doneOf = ({ row, story }: Pick<Ending, "row" | "story">) =>
  Number(returnedOf(row) ?? countDone(story.peels));

const CODE = { complete: 0, failed: 2, away: 3, both: 4, canceled: 5 } as const;

/**
 * 0 complete, 2 a peel failed, 3 a peel is unreachable or has not returned, 4 both, 5 canceled. The record's status
 * counts also where returns are gone. A late return does not change it, but a failure among late returns counts.
 */
export function endingCode({ row: { status }, story: { peels } }: Ending): number {
  if (status === "canceled") return CODE.canceled;
  if (status === "complete") return CODE.complete;
  const isAway = peels.some(
    ({ state, returnedUnseen }) =>
      state === "unreachable" || state === "late" || returnedUnseen || hasNotReturned(state),
  );
  const hasFailed = peels.some(
    ({ state, returned }) => state === "failed" || state === "unreadable" || (state === "late" && !returned?.ok),
  );
  const away = isAway || status === "partial" || status === "timeout";
  const failed = hasFailed || !away;
  return failed && away ? CODE.both : failed ? CODE.failed : CODE.away;
}

/** The highest code; failures and missing returns in different jobs are both (4). */
export function worstCode(codes: readonly number[]): number {
  const worst = Math.max(...codes);
  return worst === CODE.away && codes.includes(CODE.failed) ? CODE.both : worst;
}

const returnWords = (peels: readonly PeelStory[]) =>
  statesPresent(peels.flatMap(({ returned }) => (returned ? { state: stateOfReturn(returned) } : [])))
    .map(([state, n]) => `${count(n)} ${state}`)
    .join(", ");

/**
 * Without a watching master, a cancel signal makes peels abort and return as failed.
 * @returns undefined if no such signal reached the job, or its master canceled it
 */
function canceledUnwatched({ row, job, story }: Ending): string | undefined {
  const signal = story.steps.findIndex(({ kind }) => kind === "cancel");
  const reclaims = asInteger(job.get("reclaim_count")) ?? 0n;
  if (signal < 0 || reclaims === 0n || !isTerminal(row.status) || row.status === "canceled") return undefined;
  const after = story.steps.slice(signal);
  const aborted = new Set(after.flatMap(({ peel, returned }) => (returned?.ok === false && peel ? peel : []))).size;
  // A signal after the last return changes nothing.
  if (aborted === 0 && !story.peels.some(({ state }) => hasNotReturned(state))) return undefined;
  const owner = row.owner ? ` by ${row.owner}` : "";
  return `a cancel signal was sent while no master watched: ${count(aborted)} of ${plural(story.peels.length, "peel")} aborted, and the job ended as ${row.status} after a takeover${owner}`;
}

/** A duplicate target counts as two peels, one of which never returns. */
function targetTwice({ row }: Ending): string | undefined {
  const { targets = [], status } = row;
  const known = new Set<string>();
  const twice = targets.filter((peel) => known.size === known.add(peel).size);
  const [first, ...others] = new Set(twice);
  if (first === undefined || ["complete", "failed", "canceled"].includes(status ?? "")) return undefined;
  const more = others.length > 0 ? ` (and ${count(others.length)} more)` : "";
  return `${displayPeel(first)} is a target twice and counts as two${more}, so the job ${isTerminal(status) ? "could not" : "cannot"} be complete`;
}

function stoppedWatching({ row, story: { peels } }: Ending): string | undefined {
  const earlyNs = stoppedWatchingNs(row);
  if (earlyNs === undefined) return undefined;
  const later = peels.filter(({ state }) => state === "late");
  const open = peels.filter(({ state }) => state === "unfinished");
  const words = [
    `the master stopped watching ${formatAge(earlyNs)} before the deadline`,
    later.length > 0 &&
      `${count(later.length)} of ${plural(peels.length, "peel")} returned after that: ${returnWords(later)}`,
    open.length > 0 && `${plural(open.length, "peel")} may still be executing`,
  ];
  return words.filter(Boolean).join("; ");
}

function missedReturns({ row, story: { peels } }: Ending): string | undefined {
  const missed = peels.filter((peel) => peel.returnedUnseen);
  const [first] = missed;
  if (!first || row.status === "complete" || row.status === "canceled") return undefined;
  return missed.length === 1
    ? `the master missed the return of ${displayPeel(first.peel)}`
    : `the master missed the returns of ${plural(missed.length, "peel")}`;
}

/** Why a job ended like this, or cannot complete; undefined when its state says enough. */
export function whyOf(ending: Ending): string | undefined {
  return (
    metadataField(ending.job, "failed_reason") ||
    ending.story.steps.findLast(({ reason }) => reason !== undefined)?.reason ||
    canceledUnwatched(ending) ||
    targetTwice(ending) ||
    stoppedWatching(ending) ||
    missedReturns(ending)
  );
}
