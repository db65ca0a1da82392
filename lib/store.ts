// The one module that knows where jobs lie: JetStream streams, subjects and API calls.
//
// It speaks the JetStream API over plain requests instead of the library's KV layer: that layer asks for account and
// stream information first (round trips, and permissions that a careful site does not grant), and its watch never says
// that it has caught up when the newest message is a tombstone.
import { createInbox, type Msg, nuid } from "nats";
import { type Connection, NoResponders, PermissionDenied } from "./connection.ts";
import { UserError } from "./errors.ts";
import { safe } from "./text.ts";

const JOBS = "jobs";
const RETURNS = "job-returns";
const API = "$JS.API";

/** MessagePack `{"action": "cancel"}` (wire.md, "Subjects"). */
export const CANCEL_PAYLOAD = Uint8Array.from([
  0x81,
  0xa6,
  ...Buffer.from("action"),
  0xa6,
  ...Buffer.from("cancel"),
]);

/** A bucket that is not there. */
export class NoBucket extends UserError {
  constructor(bucket: string, shown: string) {
    super(
      `${shown} has no bucket "${bucket}".`,
      "Is this the NATS that your master uses? Set the address with --master or NATS_URL.",
    );
  }
}

/** One key's newest value. */
export interface Entry {
  readonly key: string;
  readonly bytes: Uint8Array;
}

interface ApiError {
  code: number;
  err_code?: number;
  description?: string;
}

const NO_STREAM = 10059;
const NO_JETSTREAM_FOR_ACCOUNT = 10039;

/** True for a message that marks its key as gone: deleted, purged, or expired with a marker (wire.md, "Buckets"). */
function isMarker(msg: Msg): boolean {
  const headers = msg.headers;
  if (!headers) return false;
  const operation = headers.get("KV-Operation");
  return operation === "DEL" || operation === "PURGE" || headers.get("Nats-Marker-Reason") !== "";
}

// Bytes that one pull request may bring. It grows while batches arrive quickly and shrinks on a slow link, so that the
// server never has more queued than the link takes within its write deadline (10 s by default).
const FIRST_BATCH_BYTES = 512 << 10;
const MOST_BATCH_BYTES = 16 << 20;
const BATCH_MESSAGES = 50_000;

export class Store {
  readonly #consumers = new Map<string, string>();

  constructor(readonly connection: Connection) {}

  /** The newest record of one job; undefined when there is none. Costs one round trip. */
  async job(jid: string): Promise<Uint8Array | undefined> {
    return this.#get(JOBS, jid);
  }

  /**
   * Every job's newest record, in the order of their last change; the index keys `active.<jid>` stay at the server.
   * `onEntry` may keep the bytes only by copying them.
   */
  async scanJobs(onEntry: (jid: string, bytes: Uint8Array) => void): Promise<void> {
    await this.#scan(JOBS, "*", onEntry);
  }

  /**
   * A job's returns in both layouts: the list under the JID, and one value a peel.
   * @throws NoBucket, PermissionDenied
   */
  async returns(jid: string): Promise<{ list: Uint8Array | undefined; peels: Entry[] }> {
    const peels: Entry[] = [];
    const [list] = await Promise.all([
      this.#get(RETURNS, jid),
      this.#scan(
        RETURNS,
        `${jid}.*`,
        (key, bytes) => void peels.push({ key: key.slice(jid.length + 1), bytes: bytes.slice() }),
      ),
    ]);
    return { list, peels };
  }

  /**
   * Publishes the cancel signal and waits until the server has it.
   * @returns false when nothing listens on the subject and no stream stores it
   * @throws PermissionDenied when the server refused it
   */
  async cancel(jid: string): Promise<boolean> {
    const { nc } = this.connection;
    const inbox = createInbox();
    let heard = true;
    // With a reply subject the server says at once when nobody has interest (status 503); handlers ignore the reply.
    const sub = nc.subscribe(inbox, {
      callback: (_, msg) => {
        if (msg.headers?.code === 503) heard = false;
      },
    });
    nc.publish(`zester.job.${jid}.cancel`, CANCEL_PAYLOAD, { reply: inbox });
    // Refusals and the 503 come before the answer to the ping: once it is here, we know.
    await this.connection.flush();
    sub.unsubscribe();
    return heard;
  }

  /** Leaves nothing behind on the server. */
  async close(): Promise<void> {
    await Promise.all([...this.#consumers].map(([name, stream]) => this.#deleteConsumer(stream, name)));
  }

  async #deleteConsumer(stream: string, name: string): Promise<void> {
    this.#consumers.delete(name);
    // A failure is no loss: the server drops an idle consumer by itself (inactive_threshold).
    await this.connection.request(`${API}.CONSUMER.DELETE.${stream}.${name}`).catch(() => {});
  }

  /** The newest value of a key, by direct get where the bucket allows it, else through a consumer. */
  async #get(bucket: string, key: string): Promise<Uint8Array | undefined> {
    let msg: Msg;
    try {
      msg = await this.connection.request(`${API}.DIRECT.GET.KV_${bucket}.$KV.${bucket}.${key}`);
    } catch (error) {
      if (!(error instanceof NoResponders)) throw error;
      // No stream, no JetStream, or a bucket without direct access: creating a consumer tells which.
      let found: Uint8Array | undefined;
      await this.#scan(bucket, key, (_, bytes) => {
        found = bytes.slice();
      });
      return found;
    }
    const code = msg.headers?.code ?? 0;
    if (code === 404) return undefined;
    if (code >= 400)
      throw new UserError(
        `the server refused to read ${bucket}/${safe(key)}: ${safe(msg.headers?.description ?? "")} (${code}).`,
        "Try again; if it stays, look at the server's log.",
      );
    return msg.headers && isMarker(msg) ? undefined : msg.data;
  }

  #apiError(bucket: string, error: ApiError): UserError {
    if (error.err_code === NO_STREAM) return new NoBucket(bucket, this.connection.shown);
    if (error.err_code === NO_JETSTREAM_FOR_ACCOUNT) return this.#noJetStream();
    return new UserError(
      `the server refused to read the bucket "${bucket}": ${safe(error.description ?? "")} (${error.err_code ?? error.code}).`,
      "Try again; if it stays, look at the server's log.",
    );
  }

  #noJetStream(): UserError {
    return new UserError(
      `${this.connection.shown} has no JetStream here.`,
      "Is this the NATS that your master uses? JetStream may be off, or not enabled for this account.",
    );
  }

  /** The newest value of every key that matches `filter`, through one consumer that is filtered at the server. */
  async #scan(
    bucket: string,
    filter: string,
    onEntry: (key: string, bytes: Uint8Array) => void,
  ): Promise<void> {
    const stream = `KV_${bucket}`;
    const prefix = `$KV.${bucket}.`;
    const name = `zester-${nuid.next()}`;
    let answer: Msg;
    this.#consumers.set(name, stream);
    try {
      answer = await this.connection.request(`${API}.CONSUMER.CREATE.${stream}.${name}.${prefix}${filter}`, {
        stream_name: stream,
        config: {
          name,
          deliver_policy: "last_per_subject",
          ack_policy: "none",
          filter_subject: prefix + filter,
          mem_storage: true,
          num_replicas: 1,
          inactive_threshold: 30_000_000_000,
        },
      });
    } catch (error) {
      if (error instanceof NoResponders) throw this.#noJetStream();
      if (error instanceof PermissionDenied) this.#consumers.delete(name);
      throw error;
    }
    const created = answer.json<{ error?: ApiError; num_pending: number; created: string }>();
    if (created.error) {
      this.#consumers.delete(name);
      throw this.#apiError(bucket, created.error);
    }
    if (created.num_pending > 0) {
      await this.#pull(stream, name, created.num_pending, Date.parse(created.created), (msg) => {
        if (msg.data.length > 0 && !isMarker(msg)) onEntry(msg.subject.slice(prefix.length), msg.data);
      });
    }
    // Not awaited: the answer is complete. close() waits for what is still under way.
    void this.#deleteConsumer(stream, name);
  }

  /**
   * Pulls until nothing is pending. Pull, not push: the server then never has more on the way than was asked for, and
   * no flow-control subject is needed.
   * @throws UserError when a message is missing from the sequence: a partial answer never passes as whole
   */
  async #pull(
    stream: string,
    name: string,
    expected: number,
    createdMs: number,
    onMessage: (msg: Msg) => void,
  ): Promise<void> {
    const { nc, timeoutMs } = this.connection;
    const inbox = createInbox();
    let received = 0;
    let batch = { left: 0, bytes: FIRST_BATCH_BYTES, since: 0, got: 0 };
    let lastWord = Date.now();
    const request = (bytes: number | undefined) => {
      batch = {
        left: bytes === undefined ? 1 : BATCH_MESSAGES,
        bytes: bytes ?? FIRST_BATCH_BYTES,
        since: Date.now(),
        got: 0,
      };
      const limits = bytes === undefined ? { batch: 1 } : { batch: BATCH_MESSAGES, max_bytes: bytes };
      nc.publish(`${API}.CONSUMER.MSG.NEXT.${stream}.${name}`, JSON.stringify({ ...limits, no_wait: true }), {
        reply: inbox,
      });
    };
    const next = () => {
      const took = Date.now() - batch.since;
      if (batch.got === 0)
        request(undefined); // the next message alone is larger than the limit
      else
        request(
          took < 1000
            ? Math.min(batch.bytes * 2, MOST_BATCH_BYTES)
            : took > 4000
              ? Math.max(batch.bytes >> 1, 64 << 10)
              : batch.bytes,
        );
    };
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const lost = (why: string) =>
      reject(
        new UserError(
          `the answer of ${this.connection.shown} is incomplete: ${safe(why)}.`,
          "Run the command again; the server may have lost its leader or been restarted.",
        ),
      );
    const sub = nc.subscribe(inbox, {
      callback: (error, msg) => {
        lastWord = Date.now();
        if (error) return reject(error);
        const ack = msg.reply;
        if (!ack) {
          const code = msg.headers?.code ?? 0;
          if (code === 404) return resolve(); // nothing pending any more: what was left has expired
          if (code === 408 || (code === 409 && /bytes|completed/i.test(msg.headers?.description ?? "")))
            return next();
          if (code === 100) return; // a heartbeat
          return lost(msg.headers?.description || `status ${code}`);
        }
        // $JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<ns>.<pending>, newer servers: with domain
        // and account hash before the stream, and a random token at the end.
        const tokens = ack.split(".");
        const at = tokens.length >= 11 ? 4 : 2;
        received++;
        batch.got++;
        if (Number(tokens[at + 4]) !== received) return lost(`message ${received} is missing`);
        onMessage(msg);
        const pending = Number(tokens[at + 6]);
        // A bucket that changes all the time is never quiet: what came after the start of the scan need not be waited for.
        if (pending === 0 || (received >= expected && Number(tokens[at + 5]) / 1e6 > createdMs + 1000))
          return resolve();
        if (--batch.left === 0) next();
      },
    });
    const stop = this.connection.onFailure(reject);
    const timer = setInterval(
      () => {
        if (Date.now() - lastWord > timeoutMs) reject(this.connection.silent(`a read of ${stream}`));
      },
      Math.min(timeoutMs / 4, 500),
    );
    try {
      request(FIRST_BATCH_BYTES);
      await promise;
    } finally {
      clearInterval(timer);
      stop();
      sub.unsubscribe();
    }
  }
}
