// A job that a master owns, with the messages from its peels.
import type { JobRecord } from "./wire.ts";

interface Returned {
  readonly success: boolean;
  readonly unreachable: boolean;
}

export class Watched {
  readonly #acked = new Set<string>();
  readonly #returned = new Map<string, Returned>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(readonly record: JobRecord) {}

  acked(peel: string): void {
    this.#acked.add(peel);
  }

  /** Receives the return of a peel. */
  returned(peel: string, { success, error, unreachable }: Record<string, unknown>): void {
    this.#returned.set(peel, { success: success === true && !error, unreachable: unreachable === true });
  }

  /** The first of two returns counts, unless the master wrote it for a silent peel. */
  takesReturn(peel: string): boolean {
    return this.#returned.get(peel)?.unreachable ?? true;
  }

  isTarget(peel: string): boolean {
    return this.record.targets.includes(peel);
  }

  /** The targets with neither an ack nor a return. */
  get silent(): string[] {
    return this.record.targets.filter((peel) => !this.#acked.has(peel) && !this.#returned.has(peel));
  }

  /**
   * How it ends when every target has returned; undefined before. What a master wrote for a peel that it gave up counts as a
   * return, a target that stands twice counts as two, and without targets there is nothing to wait for but the deadline.
   */
  get outcome(): "complete" | "failed" | undefined {
    if (this.#returned.size < Math.max(1, this.record.targets.length)) return undefined;
    return this.#succeeded === this.#returned.size ? "complete" : "failed";
  }

  /** How it ends at the deadline. */
  get outcomeNow(): "complete" | "partial" | "timeout" {
    if (this.record.targets.length === 0) return "complete";
    return this.#returned.size > 0 ? "partial" : "timeout";
  }

  get #succeeded(): number {
    return [...this.#returned.values()].filter(({ success }) => success).length;
  }

  /** Writes the counts into the record, only at the end. @returns the number of peels that returned */
  count(): number {
    this.record.return_count = this.#returned.size;
    this.record.success_count = this.#succeeded;
    return this.#returned.size;
  }

  after(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, ms);
    this.#timers.add(timer);
  }

  clearTimers(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}
