// How much to ask a server for at a time.

// Bytes that one pull request should bring. It grows while batches arrive quickly and shrinks on a slow link, so that
// the server never has more queued than the link takes within its write deadline (10 s by default). Requests count
// messages, from the sizes seen: nats-server 2.9 drops a message whenever a request runs into `max_bytes` (seen on 2.9.10).
const FIRST_BATCH = 32;
const BATCH_BYTES = { first: 512 << 10, least: 64 << 10, most: 4 << 20 };
/** A quarter of what a server queues for one client before it cuts it off (max_pending, 64 MB by default). */
const WORST_BATCH_BYTES = 16 << 20;

/** How many messages to ask for next, from the sizes and the pace of those that came. */
export class Pace {
  #bytes = 0;
  #messages = 0;
  #largest = 1;
  #goal = BATCH_BYTES.first;
  #since = Date.now();

  saw(bytes: number): void {
    this.#bytes += bytes;
    this.#messages++;
    if (bytes > this.#largest) this.#largest = bytes;
  }

  next(): number {
    const now = Date.now();
    const took = now - this.#since;
    this.#since = now;
    if (this.#messages === 0) return FIRST_BATCH;
    if (took < 1000) this.#goal = Math.min(this.#goal * 2, BATCH_BYTES.most);
    if (took > 4000) this.#goal = Math.max(this.#goal >> 1, BATCH_BYTES.least);
    // Subject, reply and framing take some 200 bytes beside the value.
    const likely = this.#goal / (this.#bytes / this.#messages + 200);
    return Math.max(1, Math.floor(Math.min(likely, WORST_BATCH_BYTES / this.#largest)));
  }
}
