// Errors of many jobs, grouped by likeness, and peels without a return, with their peels and jobs. Pure.
import { count } from "../text.ts";
import { ErrorPatterns } from "./error-pattern.ts";
import { compare } from "./peel.ts";
import { tooMany } from "./selection.ts";

/** `unreachable` and `missing`: peels without a return of their own. In the order of groups. */
const STATES = ["failed", "unreachable", "missing"] as const;
export type ErrorState = (typeof STATES)[number];

export interface ErrorGroup {
  readonly state: ErrorState;
  /** The most common text; empty for returns that failed without an error, and for peels without a return. */
  readonly error: string;
  readonly peels: readonly string[];
  /** Numbers of jobs, ascending. */
  readonly jobs: readonly number[];
}

export interface FailedJob {
  readonly job: number;
  /** In any of the states. */
  readonly peels: readonly string[];
  readonly failed: number;
  readonly unreachable: number;
  readonly missing: number;
  /** The most common one; empty as in a group. */
  readonly error: string;
  /** Different errors. */
  readonly errors: number;
}

/** Texts that a group counts. With more texts, the result is a common one, not always the most common. */
const TEXTS = 8;
/** Of patterns and texts: more is unreadable and would fill the memory. */
const MOST_CHARACTERS = 16 << 20;
/** A group takes as much memory as so many. */
const GROUP_CHARACTERS = 256;

/** The texts of a group, counted. */
class CommonText {
  readonly #texts = new Map<string, number>();

  constructor(readonly state: ErrorState) {}

  /** Misra-Gries: keeps every text that is an eighth of all. @returns how many more characters are kept */
  count(text: string): number {
    const known = this.#texts.get(text);
    if (known !== undefined || this.#texts.size < TEXTS) {
      this.#texts.set(text, (known ?? 0) + 1);
      return known === undefined ? text.length : 0;
    }
    let more = 0;
    for (const [other, n] of this.#texts) {
      if (n > 1) this.#texts.set(other, n - 1);
      else if (this.#texts.size > 1) {
        this.#texts.delete(other);
        more -= other.length;
      }
    }
    return more;
  }

  /** Of equally common texts, the first in order. */
  get text(): string {
    const all = [...this.#texts].sort(([a, n], [b, m]) => m - n || compare(a, b));
    return all[0]?.[0] ?? "";
  }
}

/** Numbers of returns, by their values in a list. */
const groupBy = <T>(list: readonly T[], returns: Iterable<number> = list.keys()) =>
  Map.groupBy(returns, (n) => list[n] as T);

const distinct = <T>(list: readonly T[], returns: readonly number[]) => [...new Set(returns.map((n) => list[n] as T))];

/** Collects failed and missing returns; texts and names are kept once. */
export class ErrorGroups {
  readonly #byPattern = new Map<string, CommonText>();
  readonly #patterns: ErrorPatterns;
  /** Each name once. */
  readonly #peels = new Map<string, string>();
  // The group, job and peel of each return, in three lists: half a million objects would take twice the memory.
  readonly #groupOf: CommonText[] = [];
  readonly #jobOf: number[] = [];
  readonly #peelOf: string[] = [];
  #characters = 0;

  /** @param peels targets of all jobs: errors that differ only in these names are alike */
  constructor(peels: Iterable<string>) {
    this.#patterns = new ErrorPatterns(peels);
  }

  get size(): number {
    return this.#groupOf.length;
  }

  /**
   * @param job number of the job
   * @param error empty for none
   * @throws UserError for too many different errors
   */
  add(job: number, peel: string, error: string, state: ErrorState = "failed"): void {
    // Before the error is compared: a foreign peel's own name makes no difference either.
    this.#patterns.addPeel(peel);
    const pattern = `${state} ${this.#patterns.of(error)}`;
    const group = this.#byPattern.getOrInsertComputed(pattern, () => {
      this.#characters += GROUP_CHARACTERS + pattern.length;
      return new CommonText(state);
    });
    this.#characters += group.count(error);
    if (this.#characters > MOST_CHARACTERS) throw tooMany(`different errors: more than ${count(this.#byPattern.size)}`);
    this.#groupOf.push(group);
    this.#jobOf.push(job);
    this.#peelOf.push(this.#peels.getOrInsert(peel, peel));
  }

  /** Errors first, then by state; most peels first, then most jobs, then the latest. */
  groups(): ErrorGroup[] {
    const groups = Array.from(groupBy(this.#groupOf), ([{ state, text }, returns]) => ({
      state,
      error: text,
      peels: distinct(this.#peelOf, returns),
      jobs: distinct(this.#jobOf, returns).sort((a, b) => a - b),
    }));
    const last = ({ jobs }: ErrorGroup) => jobs.at(-1) as number;
    return groups.sort(
      (a, b) =>
        STATES.indexOf(a.state) - STATES.indexOf(b.state) ||
        b.peels.length - a.peels.length ||
        b.jobs.length - a.jobs.length ||
        last(b) - last(a) ||
        compare(a.error, b.error),
    );
  }

  jobs(): FailedJob[] {
    const jobs = Array.from(groupBy(this.#jobOf), ([job, returns]) => {
      const groups = Array.from(groupBy(this.#groupOf, returns), ([group, { length }]) => ({ group, n: length }));
      const numberOf = (state: ErrorState) =>
        groups.reduce((sum, { group, n }) => (group.state === state ? sum + n : sum), 0);
      const errors = groups.flatMap(({ group, n }) => (group.state === "failed" ? { error: group.text, n } : []));
      const [worst] = errors.sort((a, b) => b.n - a.n || compare(a.error, b.error));
      return {
        job,
        peels: distinct(this.#peelOf, returns),
        failed: numberOf("failed"),
        unreachable: numberOf("unreachable"),
        missing: numberOf("missing"),
        error: worst?.error ?? "",
        errors: errors.length,
      };
    });
    return jobs.sort((a, b) => b.peels.length - a.peels.length || b.job - a.job);
  }
}
