// `watch <jid>`: each return of one job as it arrives, how far it is, and how it ends.

import { toJsonLine } from "../codec/json.ts";
import type { ValueMap } from "../codec/value.ts";
import { formatDuration } from "../duration.ts";
import { endingOf, followReturns, linkWarnings, persist, untilTerminal } from "../jobs/follow.ts";
import { resolveJob } from "../jobs/lookup.ts";
import { endingCode } from "../model/ending.ts";
import { jobDuration, jobRow } from "../model/job.ts";
import { peelsOf, peelWidth, type Return, returnedPeel } from "../model/returns.ts";
import { returnDocument } from "../render/document.ts";
import { endingDocument, endingText } from "../render/ending.ts";
import { peelCounts, returnLine } from "../render/peels.ts";
import { StatusLine } from "../terminal/screen.ts";
import { bar, safe, shorten } from "../text.ts";
import type { Session } from "./session.ts";

/** How often the progress is drawn, in ms: a bar that follows 10,000 returns one by one would cost more than they do. */
const DRAW_MS = 100;
const BAR = 20;

/** How far one job is: what was printed of it, and a bar over its peels. */
class JobWatch {
  readonly #returns = new Map<string, Return>();
  readonly #status: StatusLine;
  readonly #peelWidth: number;
  /** What the bar and the counts say; made anew only when something changed. */
  #changed = true;
  #counts = "";
  #back = "";

  constructor(
    readonly session: Session,
    readonly jid: string,
    /** Its newest record. */
    public job: ValueMap,
  ) {
    this.#status = new StatusLine(session.terminal);
    this.#peelWidth = peelWidth(job);
  }

  /** Prints a return that is new. */
  show(item: Return): void {
    if (this.#returns.has(item.peel)) return;
    this.#returns.set(item.peel, item);
    this.#changed = true;
    const { format, terminal } = this.session;
    const line = () => returnLine(returnedPeel(item), terminal.color, this.#peelWidth);
    this.#status.print(format === "jsonl" ? `${toJsonLine(returnDocument(this.jid, item))}\n` : line());
  }

  record(job: ValueMap): void {
    this.job = job;
    this.#changed = true;
  }

  /** Draws the progress where a person looks. */
  draw(): void {
    const { terminal, format } = this.session;
    if (format !== "text" || !terminal.isTty) return;
    const columns = terminal.columns ?? 80;
    if (this.#changed) {
      const peels = peelsOf(this.job, [...this.#returns.values()]);
      this.#changed = false;
      // Those that have not returned are the rest of the bar, not missing yet.
      this.#counts = peelCounts(peels.filter(({ returned }) => returned));
      this.#back = `${bar(this.#returns.size, peels.length, BAR)} ${this.#returns.size}/${peels.length}`;
    }
    const row = jobRow(this.jid, this.job);
    const took = jobDuration(row, new Date());
    const time = took === undefined ? "" : formatDuration(took < 0n ? 0n : took);
    const words = [this.#back, safe(row.status ?? "-"), time, this.#counts];
    this.#status.set(shorten(words.filter(Boolean).join("  "), columns - 1));
  }

  clear(): void {
    this.#status.set("");
  }
}

/**
 * Shows one job until it has ended.
 * @param leave is set to what gives the terminal back
 * @returns the exit code of `wait`
 */
export async function watchJob(session: Session, text: string, leave: { now: () => void }): Promise<number> {
  const { terminal, format } = session;
  const { jid, job } = await resolveJob(session.store, text);
  const watch = new JobWatch(session, jid, job);
  leave.now = () => watch.clear();
  const warn = (message: string) => {
    watch.clear();
    terminal.warn(message);
  };
  const failure = Promise.withResolvers<never>();
  const tick = setInterval(() => {
    try {
      watch.draw();
    } catch (error) {
      failure.reject(error);
    }
  }, DRAW_MS);
  const link = linkWarnings(session, warn);
  const following = persist(session, link, async (store) => {
    const over = new AbortController();
    const end = untilTerminal(store, jid, (record) => watch.record(record)).finally(() => over.abort());
    const [record] = await Promise.all([
      end,
      followReturns(store, jid, (item) => watch.show(item), warn, over.signal),
    ]);
    // What the record counts may arrive after it.
    return endingOf(store, jid, record, warn);
  });
  try {
    const ending = await Promise.race([following, failure.promise]);
    for (const { returned } of ending.peels) if (returned) watch.show(returned);
    watch.clear();
    if (format === "jsonl") terminal.write(`${toJsonLine(endingDocument(ending))}\n`);
    else terminal.write(`Job ${safe(jid)} ${endingText(ending, new Date())}\n`);
    return endingCode(ending);
  } finally {
    clearInterval(tick);
    watch.clear();
  }
}
