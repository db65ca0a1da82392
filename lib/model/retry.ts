// A retry as values: plan, checks, warnings. Pure.

import { asInteger, asText, type ValueMap } from "../codec/value.ts";
import { formatAge } from "../duration.ts";
import { UserError } from "../errors.ts";
import { count, firstOf, plural, safe } from "../text.ts";
import { quoted, tokenFault } from "./jid.ts";
import { isTerminal, type JobRow, RECORD_VERSION, unknownStateWords } from "./job.ts";
import { displayPeel } from "./peel.ts";
import { needsAgain, type PeelConditions, type PeelSelection, peelSelection } from "./peel-selection.ts";
import { type PeelState, statesPresent } from "./peel-state.ts";
import type { PeelStory } from "./story.ts";

/** A job to run again; nothing has been sent. */
export interface RetryPlan {
  readonly row: JobRow;
  readonly job: ValueMap;
  /** Peels of the new job, worst first; empty when there is nothing to retry. */
  readonly peels: readonly PeelStory[];
  readonly targets: readonly PeelStory[];
  /** Peels without a heartbeat now; undefined when unknown. */
  readonly offline: ReadonlySet<string> | undefined;
  readonly timeoutNs: bigint;
  /** The timeout was given, and is not copied from the record. */
  readonly setsTimeout: boolean;
  /** Sentences to read before confirming. */
  readonly warnings: readonly string[];
}

export interface Minted {
  readonly jid: string;
  /** By this machine's clock. */
  readonly createdNs: bigint;
  readonly user: string;
}

/** `accepted`: a master has the job, and nothing shows that it was sent. `unknown`: sent, without an answer. */
export type Dispatched =
  | {
      readonly kind: "dispatched" | "accepted";
      readonly owner: string | undefined;
      readonly warnings: readonly string[];
    }
  | { readonly kind: "unknown"; readonly why: string };

type RetryConditions = Pick<PeelConditions, "bad" | "failed" | "missing" | "unreachable" | "peel"> & {
  readonly all?: boolean | undefined;
};

/**
 * Selects peels in one of the named states (default: those that need it) that match --peel.
 * @throws UserError for flags that cannot be used together
 */
export function retrySelection(flags: RetryConditions) {
  const { all, bad, failed, missing, unreachable, peel } = flags;
  const [first] = (["bad", "failed", "missing", "unreachable"] as const).filter((name) => flags[name]);
  if (all && first !== undefined)
    throw new UserError(`--all and --${first} cannot be used together.`, "Use one of them.");
  const named = peelSelection({ peel });
  const inState = peelSelection({ failed, missing, unreachable });
  const skipsOk = bad || (!all && first === undefined);
  return {
    text: [bad && "--bad", inState?.text, all && "--all", named?.text].filter(Boolean).join(" "),
    named,
    matches: (one: PeelStory) =>
      (all || (skipsOk && needsAgain(one)) || (inState?.matches(one) ?? false)) && (named?.matches(one) ?? true),
    /** Not selected only because it is ok. */
    isSkipped: (one: PeelStory) => skipsOk && !needsAgain(one) && (named?.matches(one) ?? true),
  };
}

/** Fields that a retry copies, writes itself, or leaves to the master (docs/contributing.md, "Record"). */
const KNOWN_FIELDS: ReadonlySet<string> = new Set(
  "jid function args targets timeout status created updated user owner epoch deadline reclaim_count offline_at_dispatch state_id target_expr return_count success_count v metadata".split(
    " ",
  ),
);

const NOTHING_SENT = "Nothing was sent.";

function refuse(row: JobRow, why: string, hint: string): never {
  throw new UserError(`job ${safe(row.jid)} ${why}. ${NOTHING_SENT}`, hint);
}

/** Distinct targets. @throws UserError unless they are a list of texts */
export function targetsOf(row: JobRow, job: ValueMap): string[] {
  const list = job.get("targets");
  const odd = Array.isArray(list) && list.length !== row.targets?.length;
  if (!row.targets || odd)
    refuse(row, odd ? "has targets that are not text" : "has no list of targets", "Dispatch a new job by hand.");
  return [...new Set(row.targets)];
}

/** @throws UserError for a pattern of --peel that matches no target: fewer peels than meant would run the job */
export function requireNamed({ row, targets }: RetryPlan, named: PeelSelection | undefined): void {
  const unmatched = named?.unmatched(targets) ?? [];
  if (unmatched.length === 0) return;
  const wider = named?.wider(targets);
  throw new UserError(
    `no target of job ${safe(row.jid)} matches --peel ${safe(firstOf(unmatched, 3))}. ${NOTHING_SENT}`,
    wider === undefined
      ? `\`zester job show ${safe(row.jid)} --quiet\` lists its peels; with --as-target, as a value for --peel.`
      : `Use --peel '${safe(wider)}', or \`zester job show ${safe(row.jid)} --quiet\` to list its peels.`,
  );
}

const showHint = (row: JobRow) => `\`zester job show ${safe(row.jid)}\` shows the record.`;

export function requireEnded(row: JobRow): void {
  const { jid, status } = row;
  if (isTerminal(status)) return;
  const unknown = unknownStateWords([row]);
  if (unknown !== undefined) throw new UserError(`${unknown}. ${NOTHING_SENT}`, "Use --force to retry it anyway.");
  refuse(
    row,
    `has not ended: ${status}`,
    `\`zester job wait ${safe(jid)}\` waits for its end, \`zester job kill ${safe(jid)}\` cancels it, --force retries it anyway.`,
  );
}

/** @throws UserError for a job that cannot be repeated exactly */
export function requireRepeatable(row: JobRow, job: ValueMap): void {
  const { fn } = row;
  if (!fn) refuse(row, "has no function", showHint(row));
  // Its bytes are not UTF-8: the shown text differs from what would be sent.
  if (fn.includes("\ufffd")) refuse(row, "has a function that is not UTF-8", showHint(row));
  const args = job.get("args") ?? null;
  if (args !== null && !(args instanceof Map)) refuse(row, "has arguments that are not a map", showHint(row));
  const stateId = job.get("state_id") ?? null;
  if (stateId !== null && asText(stateId) === undefined) refuse(row, "has a state_id that is not text", showHint(row));
  const version = asInteger(job.get("v"));
  if (version !== undefined && version > RECORD_VERSION)
    refuse(
      row,
      `has a record of version ${version}, newer than this zester supports (${RECORD_VERSION})`,
      "Install the zester that came with your master.",
    );
}

export function timeoutOf(row: JobRow, job: ValueMap, wanted: number | undefined): bigint {
  if (wanted !== undefined) return BigInt(Math.round(wanted * 1e6));
  const stored = asInteger(job.get("timeout"));
  if (stored !== undefined && stored > 0n && stored < 2n ** 63n) return stored;
  return refuse(row, stored === 0n ? "has no timeout" : "has an invalid timeout", "Set one with --job-timeout 5m.");
}

/** @throws UserError for IDs that are not one token: they would address other peels */
export function requireTokens(row: JobRow, peels: readonly PeelStory[]): void {
  const [first, ...others] = peels.filter(({ peel }) => tokenFault(peel) !== undefined);
  if (!first) return;
  const more = others.length > 0 ? `, and ${count(others.length)} more` : "";
  const words = `has the invalid target ${quoted(first.peel)}${more}: ${tokenFault(first.peel)}`;
  refuse(row, words, "Select the others with --peel.");
}

/** Doubts about a peel without a return, or with one only in the events. */
const DOUBTS: Partial<Record<PeelState, string>> = {
  unreadable: "may have run: the return cannot be decoded",
  unreachable: "may have run",
  unfinished: "may have run",
  missing: "may have run",
  queued: "will still run it",
  executing: "still running it",
};

/** @param behind an earlier job that the peel has not returned */
export const doubtOf = (state: PeelState, behind?: string) =>
  state === "unfinished" && behind !== undefined ? "may still run it" : DOUBTS[state];

/** The peel may have run the job, or may still run it, although it has no return that counts. */
export const mayHaveRun = ({ state, sinceCancel }: PeelStory) =>
  (state === "late" && sinceCancel !== "stopped") || DOUBTS[state] !== undefined;

const OLD_NS = 86_400_000_000_000n;

export function retryWarnings({ row, job, peels }: Pick<RetryPlan, "row" | "job" | "peels">, nowNs: bigint): string[] {
  const words: string[] = [];
  const doubtful = peels.filter(mayHaveRun);
  if (doubtful.length > 0) {
    const states = statesPresent(doubtful).map(([state, n]) => `${count(n)} ${state}`);
    words.push(
      `${plural(doubtful.length, "peel")} may have run the job, or still run it (${states.join(", ")}); \`zester job trace ${safe(row.jid)}\` shows details.`,
    );
  }
  const good = peels.filter((peel) => !needsAgain(peel)).length;
  if (good > 0) words.push(`${plural(good, "peel")} returned ok and will run it again.`);
  const age = row.created && nowNs - row.created.ns;
  if (age !== undefined && age > OLD_NS)
    words.push(`job ${safe(row.jid)} was created ${formatAge(age)} ago: check that it is still wanted.`);
  const others = [...job.keys()].filter((name) => !KNOWN_FIELDS.has(name));
  if (others.length > 0)
    words.push(`record fields that a retry does not copy: ${safe(others.slice(0, 5).join(", "))}.`);
  return words;
}

export const listExpression = (peels: readonly string[]) => `L@${peels.map(displayPeel).join(",")}`;
