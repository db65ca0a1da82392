// Jobs that are named, or selected by conditions.
import { UserError } from "../errors.ts";
import type { Narrowing } from "../model/job-reference.ts";
import type { Conditions } from "../model/selection.ts";
import { narrowingOf } from "./job-reference.ts";

const SELECTING = ["state", "function", "target", "user", "owner", "source", "since", "until", "limit"] as const;

type Selecting = Pick<Conditions, (typeof SELECTING)[number]> & { readonly _: readonly string[] };

/**
 * What a command acts on that takes ids, or conditions in their place.
 * @param command its name, for messages
 * @returns the names of the conditions that are given, and those that narrow the words among the ids
 * @throws UserError when both are given and exclude each other, or neither is
 */
export function selectingFlags(flags: Selecting, command: string): { given: readonly string[]; narrowing: Narrowing } {
  const given = SELECTING.filter((name) => flags[name] !== undefined);
  const narrowing = narrowingOf(flags._, flags, given);
  if (flags._.length > 0 || given.length > 0) return { given, narrowing };
  throw new UserError(
    `zester job ${command} needs a <jid>, or flags that select jobs.`,
    `Usage: zester job ${command} <jid>… [flags], or zester job ${command} --state running --function 'pkg.*' [flags]`,
  );
}
