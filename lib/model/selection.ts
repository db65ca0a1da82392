// Selection and order of jobs, from flags. Pure; the clock is an argument.

import { UserError } from "../errors.ts";
import { didYouMean, nearestName, oneOf } from "../nearest.ts";
import { oneLine, safe } from "../text.ts";
import { globs, splitList } from "./glob.ts";
import {
  ACTIVE_STATES,
  displayState,
  JobList,
  type JobRow,
  type JobSource,
  jobDuration,
  parseSource,
  TERMINAL_STATES,
} from "./job.ts";
import { compare, displayPeel } from "./peel.ts";
import { isRelative, parseWhen } from "./when.ts";

type Text = "since" | "until" | "limit" | "sort";
type List = "state" | "function" | "target" | "user" | "owner" | "source";

/**
 * As typed; undefined for no condition. Any value of a list matches. Commas separate values, but not in target
 * expressions and users.
 */
export type Conditions = { readonly [K in Text]?: string | undefined } & {
  readonly [K in List]?: readonly string[] | undefined;
} & { readonly reverse?: boolean | undefined };

export interface Selection {
  /** As typed, for messages; empty without conditions. */
  readonly text: string;
  /** For a message that no job matches: a probable typing error; else empty. */
  readonly hint: string;
  /** Created then or later, in ns since 1970. */
  readonly since: bigint | undefined;
  readonly until: bigint | undefined;
  /** Only the newest. */
  readonly limit: number | undefined;
  readonly sort: Sort;
  readonly timed: boolean;
  readonly fromNow: boolean;
  /** By another clock. @throws UserError when --since is then later than --until */
  at(now: Date): Selection;
  matches(row: JobRow): boolean;
  arrange(jobs: JobList): JobList;
}

export const STATE_GROUPS: Readonly<Record<string, readonly string[]>> = {
  active: ACTIVE_STATES,
  terminal: TERMINAL_STATES,
  bad: ["failed", "partial", "timeout", "canceled", "unreadable"],
};
export const JOB_STATES: readonly string[] = [...ACTIVE_STATES, ...TERMINAL_STATES, "unreadable"];
export const JOB_SORTS = ["created", "updated", "duration", "jid", "state"] as const;
type Sort = (typeof JOB_SORTS)[number];

/** Other words for states; the first one that is known counts. */
const STATE_WORDS: Readonly<Record<string, readonly string[]>> = {
  success: ["complete", "ok"],
  error: ["bad"],
  done: ["terminal", "ok"],
  queued: ["pending"],
  stuck: ["zester job status"],
};

/** States of a list, and those of its groups. @throws UserError for an unknown name */
export function parseStates<T extends string>(
  values: readonly string[],
  states: readonly T[],
  groups: Readonly<Record<string, readonly T[]>>,
  hint: string,
): ReadonlySet<T> {
  const found = splitList(values).flatMap((part) => {
    const name = part.trim();
    const group = Object.hasOwn(groups, name) ? groups[name] : states.filter((state) => state === name);
    if (group && group.length > 0) return group;
    const known = [...states, ...Object.keys(groups)];
    const words = Object.hasOwn(STATE_WORDS, name) ? STATE_WORDS[name] : undefined;
    const meant = words?.find((word) => word.includes(" ") || known.includes(word)) ?? nearestName(name, known);
    throw new UserError(`unknown state "${safe(name)}" for --state.${didYouMean(meant)}`, hint);
  });
  return new Set(found);
}

export function parseCount(text: string, flag: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new UserError(`invalid number "${safe(text)}" for ${flag}.`, `Use a whole number above zero: ${flag} 20.`);
}

type SortKey = bigint | string | undefined;

/** Missing values first; ties keep creation order. */
const compareKeys = (a: SortKey, b: SortKey): number =>
  a === undefined || b === undefined
    ? Number(a !== undefined) - Number(b !== undefined)
    : compare<bigint | string>(a, b);

const JOB_SORT_KEYS: Record<Exclude<Sort, "created">, (row: JobRow, now: Date) => SortKey> = {
  updated: (row) => row.updated?.ns,
  duration: jobDuration,
  jid: (row) => row.jid,
  state: displayState,
};

export const conditionsText = (flags: Conditions, names: readonly (List | Text)[]): string =>
  names.flatMap((name) => [flags[name] ?? []].flat().map((value) => `--${name} ${oneLine(value)}`)).join(" ");

const TYPED = ["state", "function", "target", "user", "owner", "source", "since", "until"] as const;

/** The selection. @throws UserError when --since is later than --until */
function withSpan(selection: Selection, flags: Conditions): Selection {
  const { since, until } = selection;
  if (since === undefined || until === undefined || since <= until) return selection;
  throw new UserError(
    `--since "${safe(flags.since ?? "")}" is later than --until "${safe(flags.until ?? "")}".`,
    "Use an earlier --since or a later --until.",
  );
}

/** A probable typing error in conditions that no job matches. */
function emptyHint({ target = [], user = [], function: functions = [] }: Conditions): string {
  // `L@web-1,web-2` is one target expression.
  if (target.some((one) => one.includes(",") && !one.includes("@"))) return " For several targets, repeat --target.";
  if (user.some((one) => one.includes(","))) return " For several users, repeat --user.";
  const peels = target.find((one) => /^[a-z]{1,60}-?$/i.test(one));
  if (peels !== undefined) return didYouMean(`--target '${peels}*'`);
  const module = functions.flatMap((one) => one.split(",")).find((one) => /^\w{1,60}$/.test(one));
  return module === undefined ? "" : didYouMean(`--function '${module}.*'`);
}

/** Conditions except on creation time. */
function conditionsOf(flags: Conditions): ((row: JobRow) => boolean)[] {
  const conditions: ((row: JobRow) => boolean)[] = [];
  const onText = (patterns: readonly string[] | undefined, textOf: (row: JobRow) => string | undefined) => {
    if (patterns === undefined) return;
    const test = globs(patterns);
    conditions.push((row) => {
      const text = textOf(row);
      return text !== undefined && test(text);
    });
  };
  if (flags.state !== undefined) {
    const hint = `Use one of: ${JOB_STATES.join(", ")}; groups: ${Object.keys(STATE_GROUPS).join(", ")}.`;
    const states = parseStates(flags.state, JOB_STATES, STATE_GROUPS, hint);
    conditions.push((row) => states.has(displayState(row)));
  }
  onText(flags.function && splitList(flags.function), (row) => row.fn);
  onText(flags.user, (row) => row.user);
  onText(flags.owner && splitList(flags.owner), (row) => row.owner);
  if (flags.source !== undefined) {
    const sources = new Set<JobSource | undefined>(splitList(flags.source).map(parseSource));
    conditions.push((row) => row.unreadable === undefined && sources.has(row.source));
  }
  if (flags.target !== undefined) {
    const test = globs(flags.target);
    const onPeel = (id: string) => test(id) || test(displayPeel(id));
    conditions.push(
      (row) => (row.targetExpr !== undefined && test(row.targetExpr)) || (row.targets?.some(onPeel) ?? false),
    );
  }
  return conditions;
}

function sortedJobs({ numbers, make }: JobList, sort: Exclude<Sort, "created">, now: Date): Int32Array {
  const keyed = Array.from(numbers, (n) => ({ n, key: JOB_SORT_KEYS[sort](make(n).row, now) }));
  return Int32Array.from(
    keyed.sort((a, b) => compareKeys(a.key, b.key)),
    ({ n }) => n,
  );
}

/**
 * Conditions combine with "and".
 * @param now this machine's clock: the server's is not known yet
 * @throws UserError for an invalid value
 */
export function parseSelection(flags: Conditions, now: Date): Selection {
  const conditions = conditionsOf(flags);
  const limit = flags.limit === undefined ? undefined : parseCount(flags.limit, "--limit");
  const sort: Sort = oneOf(JOB_SORTS, flags.sort ?? "created", "--sort", "order");
  const times = [flags.since, flags.until];
  const fromNow = times.map((text) => text !== undefined && isRelative(text));
  const at = (now: Date): Selection => {
    const [since, until] = times.map((text, i) =>
      text === undefined ? undefined : parseWhen(text, i === 0 ? "--since" : "--until", now),
    );
    return {
      text: conditionsText(flags, TYPED),
      hint: emptyHint(flags),
      since,
      until,
      limit,
      sort,
      timed: limit !== undefined || since !== undefined || until !== undefined,
      fromNow: fromNow.includes(true),
      at: (later) => withSpan(at(later), flags),
      matches: (row) => conditions.every((condition) => condition(row)) && isWithin(row, since, until),
      arrange({ numbers, make }) {
        const newest = limit === undefined ? numbers : numbers.slice(-limit);
        const sorted = sort === "created" ? newest : sortedJobs(new JobList(newest, make), sort, now);
        return new JobList(flags.reverse ? sorted.toReversed() : sorted, make);
      },
    };
  };
  const selection = at(now);
  // If only one is relative, the server's clock decides which is later.
  return fromNow[0] === fromNow[1] ? withSpan(selection, flags) : selection;
}

/** Jobs without a time do not match. Reading a time makes it, of 100,000 rows: only when it is needed. */
function isWithin(row: JobRow, since: bigint | undefined, until: bigint | undefined): boolean {
  if (since === undefined && until === undefined) return true;
  const ns = row.created?.ns;
  return ns !== undefined && (since === undefined || ns >= since) && (until === undefined || ns < until);
}

export const tooMany = (what: string) =>
  new UserError(`too many ${what}.`, "Select fewer jobs with --function, --target or a shorter --since.");
