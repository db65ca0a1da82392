// One connection to one NATS server: asking, and never waiting longer than the timeout.
import { createInbox, type Msg, type NatsConnection, type NatsError, type Status } from "nats";
import { formatMs } from "../duration.ts";
import { Transient, UserError } from "../errors.ts";
import { plural, safe } from "../text.ts";
import { BrokenProtocol } from "./client.ts";
import { unquote } from "./subject.ts";

/** What the library tells of a permission that the server refused. */
type Refusal = { operation: string; subject: string } | undefined;

/** A server refused a subject. */
export class PermissionDenied extends UserError {
  /** A subscription was refused; otherwise a message, or the server did not say what. */
  readonly listening: boolean;
  /** As it is, not as the server quotes it; undefined when the server did not say. */
  readonly subject: string | undefined;

  constructor(refusal: Refusal) {
    const subject = refusal && unquote(refusal.subject);
    const listening = refusal?.operation === "subscription";
    super(
      subject === undefined
        ? "the server refused something for lack of a permission, and does not say what."
        : `no permission to ${listening ? "subscribe to" : "publish on"} ${safe(subject)}.`,
      "Ask for credentials that may, or name others with --creds.",
    );
    this.listening = listening;
    this.subject = subject;
  }
}

/** A message was handed to the connection, and whether the server has it cannot be told. */
export class Unconfirmed extends Error {
  constructor(readonly why: UserError) {
    super(why.message);
  }
}

/** Nothing answers on a subject (status 503). */
export class NoResponders extends Error {}

/** An open connection. Every wait on it ends within the timeout of the server's last word. */
export class Connection {
  readonly #watchers = new Set<(error: UserError) => void>();
  readonly #encoder = new TextEncoder();
  #lost: UserError | undefined;
  /** The server closed it since the login expired. */
  hasExpired = false;

  constructor(
    readonly nc: NatsConnection,
    readonly shown: string,
    readonly timeoutMs: number,
    /** The prefix of every JetStream API subject. */
    readonly api = "$JS.API",
    /** The prefix of the subjects of answers; a user may be allowed only their own. */
    readonly inboxPrefix = "_INBOX",
  ) {
    void this.#watchStatus();
    void nc.closed().then((error) => {
      this.#lost ??= this.#lostBy(error as Error | undefined);
      this.#fail(this.#lost);
    });
  }

  /** What to say of a connection that was closed, as `closed()` of the library tells why. */
  #lostBy(error: Error | undefined): UserError {
    if (error instanceof BrokenProtocol)
      return new UserError(
        `${this.shown}: the server does not keep to the NATS protocol: ${error.message}.`,
        "Check the address, and what stands between here and the server.",
      );
    this.hasExpired ||= /AUTHENTICATION_EXPIRED/.test(String((error as Partial<NatsError>)?.code));
    // They may have been renewed: who follows jobs logs in again, and learns otherwise from the server.
    return this.hasExpired
      ? new Transient(`${this.shown}: the credentials have expired.`, "Ask the issuer of the credentials for new ones.")
      : new Transient(`${this.shown}: the connection to the server was lost.`, "Run the command again.");
  }

  async #watchStatus(): Promise<void> {
    for await (const status of this.nc.status()) {
      const error = this.#toldBy(status);
      if (error) this.#fail(error);
    }
  }

  /** What an error of the server means. After most of them it hangs up, but not after all. */
  #toldBy({ type, data, permissionContext }: Status): UserError | undefined {
    if (type !== "error") return undefined;
    if (permissionContext || data === "PERMISSIONS_VIOLATION") return new PermissionDenied(permissionContext);
    if (data !== "NATS_PROTOCOL_ERR") return undefined;
    // The library hands on no more than the code; its own field has the server's words.
    const { lastError } = (this.nc as { protocol?: { lastError?: Error } }).protocol ?? {};
    return new Transient(
      `${this.shown}: the server reports an error: ${safe(lastError?.message ?? "without words")}.`,
      "Try again; if it stays, look at the server's log.",
    );
  }

  #fail(error: UserError): void {
    for (const watcher of [...this.#watchers]) watcher(error);
  }

  /**
   * Calls `watcher` when the connection is lost, when the server reports an error, or when it refuses a permission that
   * matters: publishing on `subject` (or what `matters` says of a refusal), any subscription for answers, or something
   * that it does not name. The result ends that.
   */
  onFailure(
    subject: string,
    watcher: (error: UserError) => void,
    matters = (denied: PermissionDenied) =>
      denied.subject === undefined || denied.subject === subject || denied.subject.startsWith(`${this.inboxPrefix}.`),
  ): () => void {
    const filtered = (error: UserError) => {
      if (!(error instanceof PermissionDenied) || matters(error)) watcher(error);
    };
    if (this.#lost) filtered(this.#lost);
    this.#watchers.add(filtered);
    return () => void this.#watchers.delete(filtered);
  }

  /** True for a nats-server of this version or a newer one. */
  isAtLeast(major: number, minor: number): boolean {
    const [itsMajor = 0, itsMinor = 0] = (this.nc.info?.version ?? "").split(".").map(Number);
    return itsMajor > major || (itsMajor === major && itsMinor >= minor);
  }

  /** A new subject for answers, which is used nowhere else. */
  inbox(): string {
    return createInbox(this.inboxPrefix);
  }

  /** The error that says that the server stayed silent. */
  silent(what: string): UserError {
    const waited = formatMs(this.timeoutMs);
    return new Transient(
      `${this.shown}: no answer to ${safe(what)} within ${waited}.`,
      // Through an export with the usual single response only the first record of a read arrives.
      this.api === "$JS.API"
        ? "The server may be overloaded or without a leader: try again, or wait longer with --timeout."
        : `The server may be overloaded: wait longer with --timeout. Or ${this.api} is exported without response_type: stream.`,
    );
  }

  /** The error for an answer that lacks something. */
  incomplete(why: string): UserError {
    return new Transient(
      `the answer of ${this.shown} is incomplete: ${safe(why)}.`,
      this.api === "$JS.API"
        ? "Run the command again; the server may have lost its leader or been restarted."
        : `Run the command again. If it stays, ${this.api} is exported without response_type: stream.`,
    );
  }

  /** `promise`, or the first of: the timeout, and a failure as `onFailure` tells it. */
  async guard<T>(
    promise: Promise<T>,
    what: string,
    subject: string,
    matters?: (denied: PermissionDenied) => boolean,
  ): Promise<T> {
    let stop = () => {};
    let timer: ReturnType<typeof setTimeout> | undefined;
    const failure = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(this.silent(what)), this.timeoutMs);
      stop = this.onFailure(subject, reject, matters);
    });
    try {
      return await Promise.race([promise, failure]);
    } catch (error) {
      // Whatever was under way when the connection closed fails with one of these, a moment before closed() tells why.
      // The library's own TIMEOUT can mean nothing else: ours comes first.
      if (/^(TIMEOUT|CANCELLED|CONNECTION_CLOSED|DISCONNECT)$/.test(String((error as NatsError).code))) {
        throw (
          this.#lost ?? this.#lostBy(this.nc.isClosed() ? ((await this.nc.closed()) as Error | undefined) : undefined)
        );
      }
      throw error;
    } finally {
      clearTimeout(timer);
      stop();
    }
  }

  /** The most bytes that the server takes at once. */
  get maxPayload(): number {
    return this.nc.info?.max_payload ?? Number.POSITIVE_INFINITY;
  }

  /** @throws UserError when the server takes no message of that size */
  #bytesOf(subject: string, payload: unknown): Uint8Array {
    const bytes = payload instanceof Uint8Array ? payload : this.#encoder.encode(JSON.stringify(payload) ?? "");
    if (bytes.length <= this.maxPayload) return bytes;
    throw new UserError(
      `${this.shown} takes messages of ${plural(this.maxPayload, "byte")} at most from this user, and a message on ${safe(subject)} needs ${bytes.length}.`,
      "Ask for more: the limit is max_payload of the server, or payload of the account or the user.",
    );
  }

  /**
   * Publishes a message; `reply` is where its answers go.
   * @param payload bytes as they are, anything else as JSON
   * @throws UserError when the server takes no message of that size
   */
  publish(subject: string, payload: unknown, reply: string): void {
    this.nc.publish(subject, this.#bytesOf(subject, payload), { reply });
  }

  /**
   * Sends a request and waits for its answer.
   * @param payload bytes as they are, anything else as JSON
   * @throws NoResponders when nothing listens, PermissionDenied, UserError when the server stays silent or is lost
   */
  async request(subject: string, payload: unknown = undefined): Promise<Msg> {
    const body = this.#bytesOf(subject, payload);
    try {
      // The library's own timeout comes after ours, which has the better words.
      return await this.guard(
        this.nc.request(subject, body, { timeout: this.timeoutMs + 1000 }),
        `a request on ${subject}`,
        subject,
      );
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (code === "503") throw new NoResponders(subject);
      const context = (error as NatsError).permissionContext;
      throw context ? new PermissionDenied(context) : error;
    }
  }

  /** Waits until the server has processed all that was sent before, a publish on `subject` in the end. */
  async flush(subject: string): Promise<void> {
    await this.guard(this.#pong(), "a ping", subject);
  }

  /** The answer to a ping. The library hands errors that came before it on through an async iterator: that has to run first. */
  async #pong(): Promise<void> {
    await this.nc.flush();
    await new Promise((done) => setImmediate(done));
  }

  /**
   * Publishes one message, and waits until the server has taken or refused it.
   * @returns false when nothing listens on the subject and no stream stores it; undefined when the user may not learn that
   * @throws PermissionDenied, or what else kept it from being published; Unconfirmed when that cannot be told
   */
  async deliver(subject: string, payload: Uint8Array): Promise<boolean | undefined> {
    if (this.#lost || this.nc.isClosed()) throw this.#lost ?? this.#lostBy(undefined);
    const inbox = this.inbox();
    let heard: boolean | undefined = true;
    // With a reply subject the server says at once when no client has interest (status 503); handlers ignore the reply.
    // A subscription for it that is refused is no loss: only that is not known then.
    const sub = this.nc.subscribe(inbox, {
      callback: (error, msg) => {
        if (error) heard = undefined;
        else if (msg.headers?.code === 503) heard = false;
      },
    });
    this.publish(subject, payload, inbox);
    // A refusal is this message's unless it says that it is another's: requests of the API may be on the way as well.
    const refused = (denied: PermissionDenied) =>
      denied.subject === subject || !(denied.listening || denied.subject?.startsWith(`${this.api}.`) === true);
    try {
      // A refusal and the 503 come before the answer to the ping: once that is here, we know.
      await this.guard(this.#pong(), "a ping", subject, refused);
    } catch (error) {
      if (error instanceof UserError && !(error instanceof PermissionDenied)) throw new Unconfirmed(error);
      throw error;
    } finally {
      sub.unsubscribe();
    }
    return heard;
  }
}
