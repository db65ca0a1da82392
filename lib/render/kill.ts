// `kill`: messages and documents. Pure.

import { mapOf, type ValueMap } from "../codec/value.ts";
import { formatAgo } from "../duration.ts";
import { isPlainJid } from "../model/jid.ts";
import { countTargets, formatTargets, jobRow } from "../model/job.ts";
import type { Ending } from "../model/job-end.ts";
import { isSent, isTarget, type Outcome, type Plan, peelFates, type Target } from "../model/kill.ts";
import { hasNotReturned, statesPresent } from "../model/peel-state.ts";
import { type PeelStory, UNANSWERED } from "../model/story.ts";
import { aliveWords, type MasterSign, stuckWords } from "../model/stuck.ts";
import { named } from "../program.ts";
import { count, paragraph, plural, safe, width } from "../text.ts";
import { nsOf } from "../time.ts";
import { callOf } from "./call.ts";
import { ASKED, columnsOf } from "./columns.ts";
import { type Telling, waitingWords } from "./facts.ts";
import { peelNames } from "./names.ts";
import { namedCounts } from "./peels.ts";
import type { Look } from "./table.ts";
import { tableOf } from "./view.ts";

export function renderTargets(targets: readonly Target[], { color, columns }: Look, now: Date): Iterable<string> {
  const jobs = targets.map(({ jid, row, record }) => ({ row: row ?? jobRow(jid, new Map()), record }));
  return tableOf(columnsOf(ASKED), jobs, { color, columns, now });
}

const ALL_RETURNED = "all peels returned";
const STAKE_COLUMNS = 40;
const NAMED_USERS = 3;

export const sentLines = (outcomes: readonly Outcome[]) =>
  outcomes
    .filter(isSent)
    .map(({ jid }) => `Cancel signal sent for job ${safe(jid)}\n`)
    .join("");

const NAMED_JOBS = 2;

/** The signals were sent; whether the jobs end is unknown. */
export function bestEffortWords(sent: readonly Outcome[]): string {
  const jids = sent.map(({ jid }) => jid);
  const next =
    jids.length <= NAMED_JOBS && jids.every(isPlainJid)
      ? `how ${jids.length === 1 ? "the job ends" : "the jobs end"}: \`zester job wait ${jids.join(" ")}\``
      : "which jobs still run: `zester job active`";
  return named(`Some peels may not stop. To see ${next}.`);
}

export const sentWords = (outcomes: readonly Outcome[], plan: Plan) =>
  `cancel signals sent for ${count(outcomes.filter(isSent).length)} of ${plural(plan.length, "job")}`;

/** It is unknown whether the next signal was sent. */
export function interruptedWords(outcomes: readonly Outcome[], plan: Plan): string {
  const next = plan[outcomes.length];
  const open = next && isTarget(next) ? `; cannot tell whether one was sent for job ${safe(next.jid)}` : "";
  return `interrupted: ${sentWords(outcomes, plan)}${open}.`;
}

const FATE_COLUMNS = 60;

/** `db-01 has not answered`, `2 peels have not answered: db-[01-02]`. */
function peelsThat(peels: readonly PeelStory[], one: string, many = one): string | undefined {
  if (peels.length === 0) return undefined;
  const names = peelNames(peels, FATE_COLUMNS);
  return peels.length === 1 ? `${names} ${one}` : `${plural(peels.length, "peel")} ${many}: ${names}`;
}

const unansweredWords = (peels: readonly PeelStory[]) =>
  peelsThat(peels, UNANSWERED, UNANSWERED.replace(/^has/, "have"));

/** `canceled, 1 of 3 peels had returned; 1 of 2 peels stopped; db-01 has not answered and may still be executing` */
function canceledWords(ending: Ending): string {
  const { returned, stopped, finished, unanswered, others } = peelFates(ending);
  const all = ending.story.peels.length;
  const words = [
    `canceled${returned.length > 0 ? `, ${count(returned.length)} of ${plural(all, "peel")} had returned` : ""}`,
    stopped.length > 0 && `${count(stopped.length)} of ${plural(all - returned.length, "peel")} stopped`,
    peelsThat(finished, "finished anyway"),
    unansweredWords(unanswered),
    ...statesPresent(others).map(([state, n]) => {
      const there = others.filter((peel) => peel.state === state);
      return `${count(n)} ${state}: ${peelNames(there, FATE_COLUMNS)}`;
    }),
  ];
  return words.filter(Boolean).join("; ");
}

export function endLine(ending: Ending, columns: number | undefined): string {
  const { row, story } = ending;
  const otherwise = [
    `ended before the signal took effect: ${safe(row.status ?? "-")}, ${namedCounts(story.peels)}`,
    unansweredWords(peelFates(ending).unanswered),
  ];
  const words = row.status === "canceled" ? canceledWords(ending) : otherwise.filter(Boolean).join("; ");
  return paragraph(`Job ${safe(row.jid)} ${words}`, columns);
}

/** `4m overdue; 2 executing: cache-[01-02]`: a running job. */
export const sightWords = ({ row, stuck, story, sign }: Omit<Telling, "job"> & { readonly sign: MasterSign }) =>
  [stuck && stuckWords(stuck), stuck?.idleMaster ? "" : aliveWords(row, sign), waitingWords(story) ?? ALL_RETURNED]
    .filter(Boolean)
    .join("; ");

/** As in `list`, or folded when too long. */
function targetNames(targets: readonly string[]): string {
  const whole = formatTargets(targets);
  if (width(whole) <= STAKE_COLUMNS) return whole;
  return peelNames(targets, STAKE_COLUMNS);
}

/** `cmd.run "sleep 600" on cache* (2 peels executing, by root, started 4m ago)`: in the question. */
export function stakeWords({ row, job, story }: Telling, now: Date): string {
  const open = statesPresent(story.peels).filter(([state]) => hasNotReturned(state));
  const doing = open.map(([state, n]) => `${plural(n, "peel")} ${state}`);
  const ago = row.created && nsOf(now) - row.created.ns;
  const known = [
    ...(doing.length > 0 ? doing : [ALL_RETURNED]),
    row.user && `by ${row.user}`,
    ago !== undefined && ago >= 0n && `started ${formatAgo(ago)} ago`,
  ];
  const where = row.targetExpr ?? (row.targets && targetNames(row.targets));
  return safe(`${callOf(job, row)}${where === undefined ? "" : ` on ${where}`} (${known.filter(Boolean).join(", ")})`);
}

/** `2 jobs (5 peels, by ops, root)`: in the question. */
export function jobsWords(targets: readonly Target[]): string {
  const rows = targets.flatMap(({ row }) => row ?? []);
  const peels = rows.reduce((sum, { targets }) => sum + countTargets(targets ?? []), 0);
  const users = [...new Set(rows.flatMap(({ user }) => user || []))].toSorted();
  const by = users.length > NAMED_USERS ? plural(users.length, "user") : safe(users.join(", "));
  const known = [peels > 0 && plural(peels, "peel"), users.length > 0 && `by ${by}`].filter(Boolean).join(", ");
  return `${plural(targets.length, "job")}${known && ` (${known})`}`;
}

export function outcomeDocument({ jid, signal, error, ending, ended }: Outcome): ValueMap {
  const { returned, stopped, finished, unanswered, others } = ending ? peelFates(ending) : {};
  return mapOf({
    jid,
    signal,
    reason: error?.message,
    ended: ending ? (ending.row.status ?? "-") : ended,
    returned: returned?.length,
    peels: ending?.story.peels.length,
    stopped: stopped?.length,
    finished: finished?.length,
    unanswered: unanswered?.map(({ peel }) => peel),
    unreached: others?.map(({ peel }) => peel),
  });
}
