// `retry`: messages and documents. Pure.

import { asInteger, mapOf, type ValueMap } from "../codec/value.ts";
import { paintState } from "../colors.ts";
import { formatAgo, formatDuration } from "../duration.ts";
import { isTerminal } from "../model/job.ts";
import { type OutcomeGroup, outcomeGroups } from "../model/outcome-groups.ts";
import { type Dispatched, doubtOf, type RetryPlan } from "../model/retry.ts";
import { isDryRun } from "../model/return-data.ts";
import type { PeelStory } from "../model/story.ts";
import { count, paragraph, plural, safe, shorten, shortenMiddle } from "../text.ts";
import { callOf, furtherArguments } from "./call.ts";
import { peelNames } from "./names.ts";
import { moreOutcomes } from "./summary.ts";
import { type Column, LONG, type Look, renderTable, rowLimit, shrinks } from "./table.ts";

/** Columns of the call and of a note; groups on a terminal. */
const PLAN_LIMITS = { call: 200, note: 200, outcomes: 20 } as const;
const nameColumns = (columns: number) => (columns < 120 ? 24 : 40);
const INDENT = 2;
/** The same for all jobs, so that their lists align. */
const STATE_COLUMNS = 12;

/** `failed 10m ago`, `running, created 10m ago` */
function statusWords({ row }: RetryPlan, nowNs: bigint): string {
  const ended = isTerminal(row.status);
  const at = ended ? (row.updated ?? row.created) : row.created;
  const ago = at && nowNs >= at.ns ? `${formatAgo(nowNs - at.ns)} ago` : undefined;
  const when = ago && (ended ? ` ${ago}` : `, created ${ago}`);
  return `${row.status || "without a status"}${when ?? ""}`;
}

/** Error, doubt, and peels that are offline now. */
function noteWords({ state, note, peels }: OutcomeGroup, offline: RetryPlan["offline"], names: number): string {
  const gone = state === "offline" ? [] : peels.filter(({ peel }) => offline?.has(peel));
  const where =
    gone.length === 0 ? "" : gone.length === peels.length ? "offline" : `offline: ${peelNames(gone, names)}`;
  return [shorten(safe(note.slice(0, 2 * PLAN_LIMITS.note)), PLAN_LIMITS.note), doubtOf(state, peels[0]?.behind), where]
    .filter(Boolean)
    .join("; ");
}

/** `, timeout 5m instead of 1m`; empty when none was given. */
function timeoutWords({ job, timeoutNs, setsTimeout }: RetryPlan): string {
  if (!setsTimeout) return "";
  const stored = asInteger(job.get("timeout"));
  const instead = stored && stored !== timeoutNs ? ` instead of ${formatDuration(stored)}` : "";
  return `, timeout ${formatDuration(timeoutNs)}${instead}`;
}

/** The new job, and a line per outcome of its peels, worst first. */
export function renderPlan(plan: RetryPlan, look: Look, nowNs: bigint): string {
  const { row, job, peels, targets, offline } = plan;
  const call = callOf(job, row, PLAN_LIMITS.call);
  const dry = isDryRun(job.get("args")) ? " (dry run)" : "";
  const known = [statusWords(plan, nowNs), row.user && `by ${row.user}`].filter(Boolean).join(", ");
  const head = `retry of ${safe(`${row.jid} (${known})`)}: ${call}${dry} on ${count(peels.length)} of ${plural(targets.length, "peel")}${timeoutWords(plan)}`;
  const further = shortenMiddle(furtherArguments(job, row), PLAN_LIMITS.call);
  const groups = outcomeGroups(peels, targets);
  const names = look.columns === undefined ? Number.POSITIVE_INFINITY : nameColumns(look.columns);
  const shown = groups.slice(0, rowLimit(PLAN_LIMITS.outcomes, look));
  const rest = groups.slice(shown.length);
  const columns: readonly Column<OutcomeGroup>[] = [
    {
      title: "",
      min: STATE_COLUMNS,
      text: ({ state }) => state,
      paint: ({ state }, { color }) => paintState(state, color),
    },
    {
      title: "",
      gives: [shrinks(1, names), shrinks(2, 12)],
      text({ peels }, _, max) {
        const many = peels.length > 1 ? `${plural(peels.length, "peel")}: ` : "";
        return many + peelNames(peels, Math.max(1, Math.min(names, max - many.length)));
      },
    },
    { title: "", gives: LONG, wraps: true, text: (group) => noteWords(group, offline, names) },
  ];
  const room = look.columns === undefined ? undefined : Math.max(1, look.columns - INDENT);
  const wrapped = (text: string) => paragraph(text, room).trimEnd().split("\n");
  const lines = renderTable(columns, shown, { ...look, columns: room, header: false })
    .trimEnd()
    .split("\n");
  const more = rest.length === 0 ? [] : wrapped(moreOutcomes(rest));
  const below = further === "" ? [] : wrapped(`with ${further}`);
  return (
    paragraph(head, look.columns) +
    [...below, ...lines, ...more].map((line) => `${" ".repeat(INDENT)}${line}\n`).join("")
  );
}

/** @param condition as typed; empty for none @param isSkipped true for a peel left out only because it is ok */
export function nothingWords(
  { targets }: RetryPlan,
  condition: string,
  isSkipped: (peel: PeelStory) => boolean,
): string {
  const skipped = targets.filter(isSkipped);
  if (condition !== "" && skipped.length > 0) {
    const them = skipped.length === 1 ? "it" : "them";
    return `Nothing to retry: ${peelNames(skipped, nameColumns(120))} returned ok; --all runs ${them} again.`;
  }
  if (condition !== "") return `Nothing to retry: 0 of ${plural(targets.length, "peel")} match ${safe(condition)}.`;
  if (targets.length === 0) return "Nothing to retry: the job has no peels.";
  const late = targets.filter(({ state }) => state === "late").length;
  const all = targets.length === 1 ? "the only peel" : `all ${plural(targets.length, "peel")}`;
  return `Nothing to retry: ${all} returned ok${late > 0 ? ` (${late} late)` : ""}.`;
}

export const theseWords = (peels: readonly unknown[]) =>
  peels.length === 1 ? "this peel" : `these ${plural(peels.length, "peel")}`;

type Taken = Exclude<Dispatched, { readonly kind: "unknown" }>;

/** `accepted by master-2hPwZ9, not sent yet` */
const acceptedWords = ({ owner }: Taken) => `accepted by ${owner ? safe(owner) : "a master"}, not sent yet`;

/** `Job 2hQaXk… dispatched to 2 peels by master-2hPwZ9` */
export function takenLine(jid: string, peels: number, taken: Taken): string {
  const { kind, owner } = taken;
  if (kind === "accepted") return `Job ${jid} ${acceptedWords(taken)}\n`;
  return `Job ${jid} dispatched to ${plural(peels, "peel")}${owner ? ` by ${safe(owner)}` : ""}\n`;
}

/**
 * `dispatched` is null when unknown or not sent yet.
 * @param jid of the new job
 * @param outcome undefined when nothing was dispatched
 * @param error the reason, unless that was intended
 */
export function retryDocument(
  retryOf: string,
  targets: readonly string[],
  jid?: string,
  outcome?: Dispatched,
  error?: Error,
): ValueMap {
  const reason =
    outcome?.kind === "unknown" ? outcome.why : outcome?.kind === "accepted" ? acceptedWords(outcome) : error?.message;
  return mapOf({
    jid,
    retry_of: retryOf,
    targets: [...targets],
    dispatched: outcome === undefined ? false : outcome.kind === "dispatched" ? true : null,
    reason,
  });
}
