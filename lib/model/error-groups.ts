// Errors of many jobs, grouped by likeness, with their peels and jobs. Pure.
import { grown } from "../codec/byte-set.ts";
import { UserError } from "../errors.ts";
import { count } from "../text.ts";
import { errorPattern } from "./error-pattern.ts";
import { compareText, displayPeel } from "./peel.ts";

export interface ErrorGroup {
  /** The most common text; empty for returns that failed without an error. */
  readonly error: string;
  readonly peels: readonly string[];
  /** Numbers of jobs, ascending. */
  readonly jobs: readonly number[];
}

export interface FailedJob {
  readonly job: number;
  readonly peels: readonly string[];
  readonly error: string;
  readonly others: number;
}

/** Texts that a group counts. With more texts, the result is a common one, not always the most common. */
const TEXTS = 8;
const REMEMBERED = 4096;
/** In characters: more is unreadable and would fill the memory. */
const MOST_GROUPS = 16 << 20;
const GROUP = 256;

class GatheredGroup {
  readonly #texts = new Map<string, number>();

  constructor(readonly number: number) {}

  /**
   * Misra-Gries: keeps every text that is an eighth of all.
   * @returns true for a text that was added
   */
  count(text: string): boolean {
    const known = this.#texts.get(text);
    if (known !== undefined || this.#texts.size < TEXTS) {
      this.#texts.set(text, (known ?? 0) + 1);
      return known === undefined;
    }
    for (const [other, n] of this.#texts) {
      if (n > 1) this.#texts.set(other, n - 1);
      else if (this.#texts.size > 1) this.#texts.delete(other);
    }
    return false;
  }

  /** Of equally common texts, the first in order. */
  get text(): string {
    const all = [...this.#texts].sort(([a, n], [b, m]) => m - n || compareText(a, b));
    return all[0]?.[0] ?? "";
  }
}

/** Collects failed returns: three numbers for each, texts and names once. */
export class ErrorGroups {
  readonly #gatherings: GatheredGroup[] = [];
  readonly #byLikeness = new Map<string, GatheredGroup>();
  readonly #likenesses = new Map<string, string>();
  readonly #peels: string[] = [];
  readonly #peelNumbers = new Map<string, number>();
  readonly #shown = new Set<string>();
  #characters = 0;
  /** Three numbers per return: group, job, peel. */
  #rows = new Int32Array(3 << 10);
  #size = 0;

  /** @param peels targets of all jobs: errors that differ only in these names are alike */
  constructor(peels: Iterable<string>) {
    for (const peel of peels) this.#numberOf(peel);
  }

  get size(): number {
    return this.#size;
  }

  #numberOf(peel: string): number {
    const known = this.#peelNumbers.get(peel);
    if (known !== undefined) return known;
    const number = this.#peels.push(peel) - 1;
    this.#peelNumbers.set(peel, number);
    this.#shown.add(displayPeel(peel));
    return number;
  }

  #likenessOf(text: string): string {
    const known = this.#likenesses.get(text);
    if (known !== undefined) return known;
    const likeness = errorPattern(text, (name) => this.#peelNumbers.has(name) || this.#shown.has(name));
    if (this.#likenesses.size >= REMEMBERED) this.#likenesses.clear();
    this.#likenesses.set(text, likeness);
    return likeness;
  }

  /**
   * @param job number of the job
   * @param error empty for none
   * @throws UserError for too many different errors
   */
  add(job: number, peel: string, error: string): void {
    // Before the error is compared: a foreign peel's own name makes no difference either.
    const peelNumber = this.#numberOf(peel);
    const likeness = this.#likenessOf(error);
    let gathering = this.#byLikeness.get(likeness);
    if (!gathering) {
      gathering = new GatheredGroup(this.#gatherings.length);
      this.#gatherings.push(gathering);
      this.#byLikeness.set(likeness, gathering);
      this.#characters += GROUP + likeness.length;
    }
    if (gathering.count(error)) this.#characters += error.length;
    if (this.#characters > MOST_GROUPS) throw tooManyErrors(this.#gatherings.length);
    const at = 3 * this.#size++;
    this.#rows = grown(this.#rows, at + 3);
    this.#rows[at] = gathering.number;
    this.#rows[at + 1] = job;
    this.#rows[at + 2] = peelNumber;
  }

  /** Offsets of rows, by group (column 0) or job (column 1). */
  #by(column: 0 | 1): Map<number, number[]> {
    const found = new Map<number, number[]>();
    for (let at = 0; at < 3 * this.#size; at += 3) {
      const number = this.#rows[at + column] as number;
      const places = found.get(number);
      if (places) places.push(at);
      else found.set(number, [at]);
    }
    return found;
  }

  #distinct(places: readonly number[], column: 0 | 1 | 2): Set<number> {
    return new Set(places.map((at) => this.#rows[at + column] as number));
  }

  #peelsOf(places: readonly number[]): string[] {
    return Array.from(this.#distinct(places, 2), (number) => this.#peels[number] as string);
  }

  #textOf(group: number): string {
    return (this.#gatherings[group] as GatheredGroup).text;
  }

  /** Most peels first, then most jobs, then the latest. */
  groups(): ErrorGroup[] {
    const groups = Array.from(this.#by(0), ([group, places]) => ({
      error: this.#textOf(group),
      peels: this.#peelsOf(places),
      jobs: Int32Array.from(this.#distinct(places, 1)).sort(),
    }));
    const last = ({ jobs }: (typeof groups)[number]) => jobs.at(-1) as number;
    groups.sort(
      (a, b) =>
        b.peels.length - a.peels.length ||
        b.jobs.length - a.jobs.length ||
        last(b) - last(a) ||
        compareText(a.error, b.error),
    );
    return groups.map(({ error, peels, jobs }) => ({ error, peels, jobs: [...jobs] }));
  }

  jobs(): FailedJob[] {
    const jobs = Array.from(this.#by(1), ([job, places]) => {
      const times = new Map<number, number>();
      for (const at of places) {
        const group = this.#rows[at] as number;
        times.set(group, (times.get(group) ?? 0) + 1);
      }
      const errors = Array.from(times, ([group, n]) => ({ error: this.#textOf(group), n }));
      const [worst] = errors.sort((a, b) => b.n - a.n || compareText(a.error, b.error));
      return { job, peels: this.#peelsOf(places), error: worst?.error ?? "", others: errors.length - 1 };
    });
    return jobs.sort((a, b) => b.peels.length - a.peels.length || b.job - a.job);
  }
}

const tooManyErrors = (groups: number) =>
  new UserError(
    `too many different errors: more than ${count(groups)}.`,
    "Select fewer jobs with --function, --target or a shorter --since.",
  );
