// How much to ask a server for at a time.

// Bytes that one pull request should bring. It grows while batches arrive quickly and shrinks on a slow link, so that
// the server never has more queued than the link takes within its write deadline (10 s by default). Requests count
// messages, from the sizes seen, and where a server takes larger values than usual, from those. They don't use `max_bytes`:
// whenever a request runs into it, a consumer of the newest message of each key drops one (seen on 2.9.10 and 2.15.2).
const FIRST_BATCH = 64;
const BATCH_BYTES = { first: 512 << 10, least: 64 << 10, most: 4 << 20 };
/** A quarter of what a server queues for one client before it cuts it off (max_pending, 64 MB by default). */
const WORST_BATCH_BYTES = 16 << 20;
/** What subject, reply and framing take beside the value. */
const FRAMING = 200;
/** Large values come together (a job on the whole fleet, run on a hundred states): so many neighbours count as one draw. */
const CLUSTER = 64;
/** Standard deviations by which a batch may turn out larger than the mean says. */
const DEVIATIONS = 4;

/** Values up to this size are the default of every server: the sizes seen are bound enough. */
const USUAL_PAYLOAD = 1 << 20;

/** How many messages to ask for next, from the sizes and the pace of those that came. */
export class Pace {
  readonly #most: number;
  #first: number;
  #messages = 0;
  #sum = 0;
  #squares = 0;
  #goal = BATCH_BYTES.first;
  #since: number;

  /**
   * @param maxPayload the largest value that the server takes, in bytes, as it says
   * @param now the clock, in ms
   */
  constructor(
    maxPayload = USUAL_PAYLOAD,
    readonly now: () => number,
  ) {
    this.#since = now();
    const fit = Math.max(1, Math.floor(WORST_BATCH_BYTES / (Math.max(maxPayload, USUAL_PAYLOAD) + FRAMING)));
    this.#most = maxPayload > USUAL_PAYLOAD ? fit : Number.POSITIVE_INFINITY;
    // Nothing is known of the sizes yet.
    this.#first = Math.min(FIRST_BATCH, 4 * fit);
  }

  /** @param bytes the size of a value that came */
  saw(bytes: number): void {
    const size = bytes + FRAMING;
    this.#messages++;
    this.#sum += size;
    this.#squares += size * size;
  }

  /** How many messages the next request asks for; the time since the last call tells how quick the link is. */
  next(): number {
    const now = this.now();
    const took = now - this.#since;
    this.#since = now;
    if (this.#messages === 0) {
      // Servers serve several requests by turns: of equal size, all would end at once, and the server would have nothing to do.
      this.#first >>= 1;
      return Math.max(1, this.#first);
    }
    if (took < 1000) this.#goal = Math.min(this.#goal * 2, BATCH_BYTES.most);
    if (took > 4000) this.#goal = Math.max(this.#goal >> 1, BATCH_BYTES.least);
    const mean = this.#sum / this.#messages;
    const variance = Math.max(0, this.#squares / this.#messages - mean * mean);
    // One large value among many small ones must not shrink each batch to what would fit if all were as large. The most
    // messages n of which n * mean + DEVIATIONS * sqrt(n * CLUSTER * variance) stays within the worst case:
    const spread = DEVIATIONS * Math.sqrt(CLUSTER * variance);
    const root = (Math.sqrt(spread * spread + 4 * mean * WORST_BATCH_BYTES) - spread) / (2 * mean);
    return Math.max(1, Math.floor(Math.min(this.#goal / mean, root * root, this.#most)));
  }
}
