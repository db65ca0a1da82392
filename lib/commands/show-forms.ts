// The forms in which `show` shows a job, and the flags that go with each.
import type { Value } from "../codec/value.ts";
import { UserError } from "../errors.ts";
import type { PeelSelection } from "../model/peel-selection.ts";
import { count, safe } from "../text.ts";
import type { ShowArgs } from "./flags.ts";
import { peels } from "./shared.ts";
import type { Formats } from "./surroundings.ts";

/** --summary and --output are forms of text; the other formats have everything. */
export const OUTPUT: Formats = {
  only: { summary: ["text"], output: ["text"], fold: ["text"], "as-target": ["text"] },
};

/** What is shown instead of the record. */
const FORMS = ["summary", "output", "as-target", "quiet"] as const;
/** Flags that change one of these forms: which of them each needs. */
const NEEDS = {
  each: ["summary", "output"],
  changes: ["output"],
  diff: ["output"],
  "diff-with": ["output"],
  full: ["output"],
  fold: ["quiet"],
} as const;

/** The forms that are asked for; a target expression is quiet anyway. */
export const formsOf = (flags: ShowArgs) =>
  FORMS.filter((name) => flags[name] && !(name === "quiet" && flags["as-target"]));

/** True when a flag selects peels. */
export const selectsPeels = (flags: ShowArgs) =>
  Object.keys(peels).some((name) => {
    const value = flags[name as keyof typeof peels];
    return value !== undefined && value !== false;
  });

/** True when ids alone are asked for. */
export const asksIds = (flags: ShowArgs) => flags.quiet || flags["as-target"];

/** @throws UserError for flags that exclude each other, or that change nothing */
export function checkForms(flags: ShowArgs): void {
  const [form, other] = formsOf(flags);
  if (other) throw new UserError(`--${form} and --${other} exclude each other.`, "Give one of them.");
  if (flags.each && (flags.diff || flags["diff-with"] !== undefined))
    throw new UserError("--each and --diff exclude each other.", "Groups are compared, not peels.");
  for (const [name, forms] of Object.entries(NEEDS)) {
    if (flags[name as keyof typeof NEEDS] && !forms.some((needed) => needed === form))
      throw new UserError(
        `--${name} needs --${forms.join(" or --")}.`,
        `\`zester job show --help\` says what it does.`,
      );
  }
  if (flags["fail-if-empty"] && !selectsPeels(flags) && !asksIds(flags))
    throw new UserError("--fail-if-empty needs a flag that selects peels.", "Give one of them, such as --bad.");
}

/** What is shown of one job. */
export interface Shown {
  readonly jid: string;
  /** As text, in pieces. */
  text(): Iterable<string>;
  /** For programs. */
  document(): Value;
  /** The ids of the peels that were selected, as they are stored; of how many. */
  peels(): readonly string[];
  readonly of: number;
  /** Where none was selected: a pattern of peels that would have selected some. */
  readonly wider?: string | undefined;
  readonly warnings: readonly string[];
}

/** @param wider a pattern that would have selected some */
export function noneWords(selection: PeelSelection | undefined, of: number, wider: string | undefined): string {
  if (!selection) return "No peel was targeted.";
  const hint = wider === undefined ? "" : ` Did you mean --peel '${safe(wider)}'?`;
  return `No peel matches ${selection.text} (of ${count(of)}).${hint}`;
}
