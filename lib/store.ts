// The one module that knows where jobs lie: JetStream streams, subjects and API calls.
//
// It speaks the JetStream API over plain requests instead of the library's KV layer: that layer asks for account and
// stream information first (round trips, and permissions that a careful site does not grant), and its watch never says
// that it has caught up when the newest message is a tombstone.
import { type Msg, nuid } from "nats";
import { type Connection, NoResponders, PermissionDenied } from "./connection.ts";
import { UserError } from "./errors.ts";
import { incomplete, pullAll, Shortfall } from "./pull.ts";
import { safe } from "./text.ts";

const JOBS = "jobs";
const RETURNS = "job-returns";

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

/** A direct get is answered within a round trip; after this many ms it is worth asking what is wrong. */
const DIRECT_GET_LATE_MS = 100;

/** Leaves the decision to the other side of a race. */
const UNANSWERABLE = new Promise<never>(() => {});

/** How often a scan starts over when records vanished under it (they expire after 7 days). */
const SCAN_ATTEMPTS = 3;

export class Store {
  readonly #consumers = new Map<string, string>();
  readonly #closing: Promise<void>[] = [];

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
  async returns(jid: string): Promise<{ list: Uint8Array | undefined; peels: Map<string, Uint8Array> }> {
    const peels = new Map<string, Uint8Array>();
    const [list] = await Promise.all([
      this.#get(RETURNS, jid),
      this.#scan(
        RETURNS,
        `${jid}.*`,
        (key, bytes) => void peels.set(key.slice(jid.length + 1), bytes.slice()),
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
    const subject = `zester.job.${jid}.cancel`;
    const inbox = this.connection.inbox();
    let heard = true;
    // With a reply subject the server says at once when nobody has interest (status 503); handlers ignore the reply.
    const sub = nc.subscribe(inbox, {
      callback: (_, msg) => {
        if (msg.headers?.code === 503) heard = false;
      },
    });
    nc.publish(subject, CANCEL_PAYLOAD, { reply: inbox });
    // Refusals and the 503 come before the answer to the ping: once it is here, we know.
    await this.connection.flush(subject);
    sub.unsubscribe();
    return heard;
  }

  /** Leaves nothing behind on the server. */
  async close(): Promise<void> {
    await Promise.all([
      ...this.#closing,
      ...[...this.#consumers].map(([name, stream]) => this.#deleteConsumer(stream, name)),
    ]);
  }

  async #deleteConsumer(stream: string, name: string): Promise<void> {
    this.#consumers.delete(name);
    // A failure is no loss: the server drops an idle consumer by itself (inactive_threshold).
    await this.connection.request(`${this.connection.api}.CONSUMER.DELETE.${stream}.${name}`).catch(() => {});
  }

  /** The newest value of a key, by direct get where the bucket allows it, else through a consumer. */
  async #get(bucket: string, key: string): Promise<Uint8Array | undefined> {
    const direct = this.connection.request(
      `${this.connection.api}.DIRECT.GET.KV_${bucket}.$KV.${bucket}.${key}`,
    );
    const answered = direct.catch((error) =>
      error instanceof NoResponders ? UNANSWERABLE : Promise.reject(error),
    );
    const msg = await Promise.race([answered, this.#noDirectAccess(bucket, direct)]);
    if (msg === undefined) {
      let found: Uint8Array | undefined;
      await this.#scan(bucket, key, (_, bytes) => {
        found = bytes.slice();
      });
      return found;
    }
    const code = msg.headers?.code ?? 0;
    if (code === 404) return undefined;
    if (code >= 400) {
      throw new UserError(
        `the server refused to read ${bucket}/${safe(key)}: ${safe(msg.headers?.description ?? "")} (${code}).`,
        "Try again; if it stays, look at the server's log.",
      );
    }
    return msg.headers && isMarker(msg) ? undefined : msg.data;
  }

  /**
   * Undefined as soon as it is known that nobody will answer `direct`: on a stream that is absent or that forbids it,
   * servers before 2.11 say nothing at all, newer ones that there are no responders. Asked only when the answer is
   * late or negative, so that it usually costs nothing.
   * @throws NoBucket and what else the server says of the stream
   */
  async #noDirectAccess(bucket: string, direct: Promise<Msg>): Promise<undefined> {
    const settled = direct.then(
      () => true,
      (error) => !(error instanceof NoResponders),
    );
    const late = new Promise<boolean>((resolve) =>
      setTimeout(() => resolve(false), DIRECT_GET_LATE_MS).unref(),
    );
    if (await Promise.race([settled, late])) return UNANSWERABLE;
    let info: { error?: ApiError; config?: { allow_direct?: boolean } };
    try {
      info = (await this.connection.request(`${this.connection.api}.STREAM.INFO.KV_${bucket}`)).json();
    } catch (error) {
      if (error instanceof NoResponders) throw this.#noJetStream();
      return UNANSWERABLE; // the direct get may still be answered, or fails by itself
    }
    if (info.error) throw this.#apiError(bucket, info.error);
    return info.config?.allow_direct ? UNANSWERABLE : undefined;
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

  /**
   * The newest value of every key that matches `filter`. `onEntry` may see a key again, when its value changed during
   * the scan or the scan started over: the last value counts.
   */
  async #scan(
    bucket: string,
    filter: string,
    onEntry: (key: string, bytes: Uint8Array) => void,
  ): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#scanOnce(bucket, filter, onEntry);
      } catch (error) {
        if (!(error instanceof Shortfall)) throw error;
        if (attempt === SCAN_ATTEMPTS) throw incomplete(this.connection, error.message);
      }
    }
  }

  /** One consumer that is filtered at the server, created, pulled empty, and deleted. */
  async #scanOnce(
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
      answer = await this.connection.request(
        `${this.connection.api}.CONSUMER.CREATE.${stream}.${name}.${prefix}${filter}`,
        {
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
        },
      );
    } catch (error) {
      // Refused or unheard: there is no consumer to delete.
      if (error instanceof NoResponders || error instanceof PermissionDenied) this.#consumers.delete(name);
      if (error instanceof NoResponders) throw this.#noJetStream();
      throw error;
    }
    const created = answer.json<{ error?: ApiError; num_pending: number; created: string }>();
    if (created.error) {
      this.#consumers.delete(name);
      throw this.#apiError(bucket, created.error);
    }
    try {
      if (created.num_pending > 0) {
        await pullAll(
          this.connection,
          stream,
          name,
          created.num_pending,
          Date.parse(created.created),
          (msg) => {
            if (msg.data.length > 0 && !isMarker(msg)) onEntry(msg.subject.slice(prefix.length), msg.data);
          },
        );
      }
    } finally {
      // Not awaited: the answer need not wait for it. close() does.
      this.#closing.push(this.#deleteConsumer(stream, name));
    }
  }
}
