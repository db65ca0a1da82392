// Jobs in some order.
import type { ValueMap } from "../codec/value.ts";
import type { JobRow } from "./job.ts";

export interface Job {
  readonly row: JobRow;
  /** Undefined when the value can't be decoded, or when only rows were asked for. */
  readonly record: ValueMap | undefined;
}

/** Each job is made when it is looked at: a million of them at once would fill the memory. */
export class JobList {
  constructor(
    readonly numbers: Int32Array,
    readonly make: (n: number) => Job,
  ) {}

  static of(jobs: readonly Job[]): JobList {
    return new JobList(Int32Array.from(jobs.keys()), (n) => jobs[n] as Job);
  }

  get length(): number {
    return this.numbers.length;
  }

  at(i: number): Job {
    return this.make(this.numbers[i] as number);
  }

  *[Symbol.iterator](): Generator<Job> {
    for (const n of this.numbers) yield this.make(n);
  }
}

/** The JIDs of jobs, in their order, without holding them. @param to all of them, or those before this place */
export const jidsOf = (jobs: JobList, from = 0, to = jobs.length) => ({
  size: to - from,
  *keys(): Generator<string> {
    for (let i = from; i < to; i++) yield jobs.at(i).row.jid;
  },
});
