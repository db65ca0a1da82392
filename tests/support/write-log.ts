// The writes to each key of a bucket with their times, for comparison with a read at the same time.

/** One state of a key: a value, or undefined for none; times in ms of this process. */
interface State {
  readonly value: string | undefined;
  readonly begun: number;
  /** The time in which this was certainly the state. */
  acked: number;
}

/** The writes to each key, in order. */
export class Log {
  readonly #states = new Map<string, State[]>();

  /** @param prefix of its keys. A stream of the same name that was deleted may leave a message to its successor (seen on 2.15). */
  constructor(readonly prefix: string) {}

  note(key: string, value: string | undefined): State {
    const state = { value, begun: performance.now(), acked: Number.POSITIVE_INFINITY };
    const states = this.#states.get(key);
    if (states) states.push(state);
    else this.#states.set(key, [{ value: undefined, begun: 0, acked: 0 }, state]);
    return state;
  }

  /**
   * What is wrong with what a scan from `start` to `end` showed; undefined when nothing is.
   * @param lifeMs how long the server keeps a message
   */
  fault(seen: ReadonlyMap<string, string>, start: number, end: number, lifeMs: number): string | undefined {
    for (const key of seen.keys())
      if (key.startsWith(this.prefix) && !this.#states.has(key)) return `${key} was never written`;
    for (const [key, states] of this.#states) {
      const possible = states.filter(
        ({ begun }, i) => begun < end && (states[i + 1]?.acked ?? Number.POSITIVE_INFINITY) > start,
      );
      const values = new Set(possible.map(({ value }) => value));
      if (possible.some(({ begun }) => begun + lifeMs < end)) values.add(undefined);
      if (!values.has(seen.get(key)))
        return `${key} is ${seen.get(key) ?? "missing"}, but was ${[...values].map((value) => value ?? "gone").join(" or ")}`;
    }
    return undefined;
  }
}
