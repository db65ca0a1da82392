// Which peels of a job the flags select. Pure.
import { parseDuration } from "../duration.ts";
import { oneLine } from "../text.ts";
import { peelTime } from "./durations.ts";
import { glob, globs, splitList } from "./glob.ts";
import { displayPeel } from "./peel.ts";
import { hasNotReturned } from "./peel-state.ts";
import type { PeelStory } from "./story.ts";

/** It did not return ok, in time or late. */
export const needsAgain = ({ state, returned }: PeelStory) => state !== "ok" && !(state === "late" && returned?.ok);

const SELECTS = {
  /** Without peels that a cancel signal stopped, as `stats`, `errors` and `history`. */
  failed: ({ state, returned, sinceCancel }: PeelStory) =>
    (state === "failed" || (state === "late" && returned?.ok === false)) && sinceCancel !== "stopped",
  missing: ({ state }: PeelStory) => hasNotReturned(state),
  unreachable: ({ state }: PeelStory) => state === "unreachable",
  late: ({ state }: PeelStory) => state === "late",
  bad: needsAgain,
};

export type PeelConditions = { readonly [K in keyof typeof SELECTS]?: boolean | undefined } & {
  readonly peel?: readonly string[] | undefined;
  readonly "slower-than"?: string | undefined;
};

export interface PeelSelection {
  readonly text: string;
  matches(peel: PeelStory): boolean;
  /** The patterns of --peel that match none of these, in whatever state they are. */
  unmatched(peels: readonly PeelStory[]): string[];
  /** An unmatched pattern with `*` appended, if that selects peels. */
  wider(peels: readonly PeelStory[]): string | undefined;
}

/** Also accepts what `show --as-target` prints: `L@web-1,web-2`. */
const peelPatterns = (values: readonly string[]) =>
  splitList(values.map((value) => value.replace(/^L@/, ""))).filter(Boolean);

/**
 * Selects peels in one of the named states (default: any) that match a `--peel` glob and took longer than `--slower-
 * than`. Undefined without flags.
 * @throws UserError for an invalid duration
 */
export function peelSelection(flags: PeelConditions): PeelSelection | undefined {
  const names = Object.keys(SELECTS) as (keyof typeof SELECTS)[];
  const states = names.filter((name) => flags[name]);
  const { peel: typedPatterns, "slower-than": least } = flags;
  const patterns = typedPatterns && peelPatterns(typedPatterns);
  const conditions: ((peel: PeelStory) => boolean)[] = [];
  if (states.length > 0) conditions.push((peel) => states.some((name) => SELECTS[name](peel)));
  if (patterns !== undefined) {
    const fits = globs(patterns);
    conditions.push(({ peel }) => fits(peel) || fits(displayPeel(peel)));
  }
  if (least !== undefined) {
    const ns = BigInt(Math.round(parseDuration(least, "--slower-than") * 1e6));
    conditions.push((peel) => (peelTime(peel) ?? 0n) > ns);
  }
  if (conditions.length === 0) return undefined;
  const typed = [
    ...states.map((name) => `--${name}`),
    ...(typedPatterns ?? []).map((pattern) => `--peel ${oneLine(pattern)}`),
    ...(least === undefined ? [] : [`--slower-than ${oneLine(least)}`]),
  ];
  return {
    text: typed.join(" "),
    matches: (peel) => conditions.every((condition) => condition(peel)),
    unmatched(peels) {
      const names = new Set(peels.flatMap(({ peel }) => [peel, displayPeel(peel)]));
      return (patterns ?? []).filter((pattern) => !names.has(pattern) && ![...names].some(glob(pattern)));
    },
    wider(peels) {
      const longer = this.unmatched(peels).flatMap((pattern) => (pattern.endsWith("*") ? [] : `${pattern}*`));
      return longer.find((pattern) =>
        peels.some((peel) => peelSelection({ ...flags, peel: [pattern] })?.matches(peel)),
      );
    },
  };
}
