// The results in the returns of many jobs, counted by their names.

import { jidsOf } from "../model/job.ts";
import { type ResultStats, ResultTallies } from "../model/result-stats.ts";
import { briefResults, isDryRun } from "../model/return-data.ts";
import { RETURN_FIELDS, type Return } from "../model/returns.ts";
import { jobSlice } from "../model/stats.ts";
import type { Span } from "../model/trend.ts";
import type { Store } from "../store.ts";
import { targetTest } from "./failures.ts";
import { readUnheard } from "./given-up.ts";
import type { Progress, Read } from "./read-jobs.ts";
import { readReturnsAcross } from "./read-returns.ts";

const RESULT_FIELDS = [...RETURN_FIELDS, "return_data"];

/**
 * What the targets of these jobs returned, by the names of results. Of peels that masters gave up, the events tell what they
 * returned all the same.
 * @param read the jobs, oldest first
 * @returns the rows in no order, and how many returns can't be decoded
 * @throws what readReturnsAcross throws, and UserError when there are too many names
 */
export async function readResultStats(
  store: Store,
  { jobs, sinceNs }: Pick<Read, "jobs" | "sinceNs">,
  span: Span,
  { warn, progress }: { readonly warn: (text: string) => void; readonly progress: Progress | undefined },
): Promise<{ rows: ResultStats[]; unreadable: number }> {
  const tallies = new ResultTallies(span);
  const isTarget = targetTest(jobs);
  let unreadable = 0;
  const givenUp: { readonly place: number; readonly item: Return }[] = [];
  const add = (place: number, { record }: Return) => {
    const data = record.get("return_data");
    const slice = jobSlice(span, jobs.at(place).row);
    for (const result of briefResults(data)) tallies.add(result, isDryRun(data), place, slice);
  };
  const onReturn = (item: Return, place: number) => {
    if (jobs.at(place).row.unreadable !== undefined || !isTarget(place, item.peel)) return;
    if (item.unreadable !== undefined) unreadable++;
    else if (item.unreachable) givenUp.push({ place, item });
    else add(place, item);
  };
  const of = { jids: jidsOf(jobs), sinceNs };
  await readReturnsAcross(store, of, onReturn, { fields: RESULT_FIELDS, warn, progress });
  givenUp.sort((a, b) => a.place - b.place);
  const unheard = givenUp.map(({ place, item }) => ({ row: jobs.at(place).row, peel: item.peel, stored: item }));
  const { stories, note } = await readUnheard(store, unheard, RESULT_FIELDS);
  if (note !== undefined) warn(note);
  for (const [i, { place }] of givenUp.entries()) {
    const returned = stories[i]?.returned;
    if (returned && !returned.unreachable) add(place, returned);
  }
  const rows = tallies.all().map((tally) => ({
    tally,
    lastRun: tally.lastPlace === undefined ? undefined : jobs.at(tally.lastPlace).row.created,
  }));
  return { rows, unreadable };
}
