// How many messages a pull request asks for.

// Target size of one batch, in bytes. It grows while batches arrive quickly and shrinks on a slow link, so that the server never
// queues more than the link carries within its write deadline (10 s by default). The number of messages follows from the sizes
// seen and, on a server that accepts larger values than usual, from that limit. Requests do not use `max_bytes`: when one
// reaches it, a consumer of the newest message of each key loses a message (seen on 2.9.10 and 2.15.2).
const FIRST_BATCH = 64;
const BATCH_BYTES = { first: 512 << 10, least: 64 << 10, most: 4 << 20 };
/** A quarter of what a server queues for a client before it disconnects it (max_pending, 64 MB by default). */
const WORST_BATCH_BYTES = 16 << 20;
/** Bytes of subject, reply and framing. */
const FRAMING = 200;
/** Large values are neighbours (a job with a hundred states on the whole fleet): this many count as one random draw. */
const CLUSTER = 64;
/** A batch may exceed its expected size by this many standard deviations. */
const DEVIATIONS = 4;

/** Default limit of a value in every server. Up to it, the sizes seen are a sufficient bound. */
const USUAL_PAYLOAD = 1 << 20;

export class Pace {
  readonly #most: number;
  #first: number;
  #messages = 0;
  #sum = 0;
  #squares = 0;
  #goal = BATCH_BYTES.first;
  #since: number;

  /** @param maxPayload the largest value that the server accepts, in bytes */
  constructor(
    maxPayload = USUAL_PAYLOAD,
    readonly now: () => number,
  ) {
    this.#since = now();
    const fit = Math.max(1, Math.floor(WORST_BATCH_BYTES / (Math.max(maxPayload, USUAL_PAYLOAD) + FRAMING)));
    this.#most = maxPayload > USUAL_PAYLOAD ? fit : Number.POSITIVE_INFINITY;
    // No sizes are known yet.
    this.#first = Math.min(FIRST_BATCH, 4 * fit);
  }

  saw(bytes: number): void {
    const size = bytes + FRAMING;
    this.#messages++;
    this.#sum += size;
    this.#squares += size * size;
  }

  /** Number of messages for the next request. The time since the last call measures the link. */
  next(): number {
    const now = this.now();
    const took = now - this.#since;
    this.#since = now;
    if (this.#messages === 0) {
      // A server alternates between requests. Equal sizes would end at the same time and leave it idle.
      this.#first >>= 1;
      return Math.max(1, this.#first);
    }
    if (took < 1000) this.#goal = Math.min(this.#goal * 2, BATCH_BYTES.most);
    if (took > 4000) this.#goal = Math.max(this.#goal >> 1, BATCH_BYTES.least);
    const mean = this.#sum / this.#messages;
    const variance = Math.max(0, this.#squares / this.#messages - mean * mean);
    // One large value among many small ones must not shrink every batch to what fits if all were as large. So use the largest n
    // for which n * mean + DEVIATIONS * sqrt(n * CLUSTER * variance) stays within the worst case:
    const spread = DEVIATIONS * Math.sqrt(CLUSTER * variance);
    const root = (Math.sqrt(spread * spread + 4 * mean * WORST_BATCH_BYTES) - spread) / (2 * mean);
    return Math.max(1, Math.floor(Math.min(this.#goal / mean, root * root, this.#most)));
  }
}
