// The peels that jobs are meant for, as a scan of jobs passes by.
import type { JobRow } from "../model/job.ts";

export class SeenPeels {
  /** As they are stored. */
  readonly ids = new Set<string>();
  readonly #lists = new WeakSet<readonly string[]>();

  see({ targets }: JobRow): void {
    // Jobs that target the same peels share their list.
    if (!targets || this.#lists.has(targets)) return;
    this.#lists.add(targets);
    for (const peel of targets) this.ids.add(peel);
  }
}
