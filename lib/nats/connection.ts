// One connection to one NATS server: requests, and errors when an answer takes longer than the timeout.
import { createInbox, type Msg, type NatsConnection, type NatsError, type Status } from "nats";
import { formatMs } from "../duration.ts";
import { Transient, Unavailable, Unconfirmed, UserError } from "../errors.ts";
import { plural, safe } from "../text.ts";
import { BrokenProtocol } from "./client.ts";
import { unquote } from "./subject.ts";

export class PermissionDenied extends Unavailable {
  /** True for a subscription; false for a publish, or when the server did not say. */
  readonly listening: boolean;
  /** Undefined when the server did not name it. */
  readonly subject: string | undefined;

  /** @param refusal as the library reports it; undefined when the server did not name the subject */
  constructor(refusal: { operation: string; subject: string } | undefined) {
    const subject = refusal && unquote(refusal.subject);
    const listening = refusal?.operation === "subscription";
    super(
      subject === undefined
        ? "permission denied (the server did not name the subject)."
        : `no permission to ${listening ? "subscribe to" : "publish on"} ${safe(subject)}.`,
      "Ask for this permission, or use other credentials with --creds.",
    );
    this.listening = listening;
    this.subject = subject;
  }
}

export class NoResponders extends Error {}

/** When the connection closes, requests in flight fail with one of these codes, a moment before `closed()` has the reason. */
const CLOSING = /^(TIMEOUT|CANCELLED|CONNECTION_CLOSED|DISCONNECT)$/;

/** An open connection. Every wait ends within the timeout after the server's last message. */
export class Connection {
  readonly #watchers = new Set<(error: UserError) => void>();
  #lost: UserError | undefined;
  /** True when the server closed the connection because the login expired. */
  hasExpired = false;

  /**
   * @param api prefix of every JetStream API subject
   * @param inboxPrefix prefix of the subjects of answers. A user may have permission for only one
   * @param apiSetting what messages call the setting that `api` is from; undefined for the default
   */
  constructor(
    readonly nc: NatsConnection,
    readonly shown: string,
    readonly timeoutMs: number,
    readonly api = "$JS.API",
    readonly inboxPrefix = "_INBOX",
    readonly apiSetting?: string,
  ) {
    void this.#watchStatus();
    void nc.closed().then((error) => {
      this.#lost ??= this.#lostBy(error as Error | undefined);
      this.#fail(this.#lost);
    });
  }

  /** The error for a closed connection. @param error the reason from `closed()` of the library */
  #lostBy(error: Error | undefined): UserError {
    if (error instanceof BrokenProtocol)
      return new UserError(
        `${this.shown}: the server broke the NATS protocol: ${error.message}.`,
        "Check the address and any proxy in between.",
      );
    this.hasExpired ||= /AUTHENTICATION_EXPIRED/.test(String((error as Partial<NatsError>)?.code));
    // Transient, because the login may have been renewed: a follow logs in again, and the server then decides.
    return this.hasExpired
      ? new Transient(`${this.shown}: the credentials have expired.`, "Ask the issuer of the credentials for new ones.")
      : new Transient(`${this.shown}: the connection to the server was lost.`, "Run the command again.");
  }

  async #watchStatus(): Promise<void> {
    for await (const status of this.nc.status()) {
      const error = this.#errorIn(status);
      if (error) this.#fail(error);
    }
  }

  /** The server does not always close the connection after an error. */
  #errorIn({ type, data, permissionContext }: Status): UserError | undefined {
    if (type !== "error") return undefined;
    if (permissionContext || data === "PERMISSIONS_VIOLATION") return new PermissionDenied(permissionContext);
    if (data !== "NATS_PROTOCOL_ERR") return undefined;
    // The status has only the code. A private field of the library has the server's message.
    const { lastError } = (this.nc as { protocol?: { lastError?: Error } }).protocol ?? {};
    return new Transient(
      `${this.shown}: the server reported an error: ${safe(lastError?.message ?? "no reason given")}.`,
      "Run the command again; if it still fails, see the server's log.",
    );
  }

  #fail(error: UserError): void {
    for (const watcher of [...this.#watchers]) watcher(error);
  }

  /**
   * Calls `watcher` when the connection is lost, the server reports an error, or refuses a permission that matters.
   * @param matters by default: a refusal of `subject`, of a subject for answers, or without a subject @returns stops the calls
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

  isAtLeast(major: number, minor: number): boolean {
    const [itsMajor = 0, itsMinor = 0] = (this.nc.info?.version ?? "").split(".").map(Number);
    return itsMajor > major || (itsMajor === major && itsMinor >= minor);
  }

  inbox(): string {
    return createInbox(this.inboxPrefix);
  }

  // Both hints: an export without response_type: stream passes on only the first record of a read.
  silent(what: string): UserError {
    return new Transient(
      `${this.shown}: no answer to ${safe(what)} within ${formatMs(this.timeoutMs)}.`,
      this.api === "$JS.API"
        ? "The server may be overloaded or without a leader: run the command again, or use a longer --timeout."
        : `The server may be overloaded: use a longer --timeout. Or ${this.api} is exported without response_type: stream.`,
    );
  }

  incomplete(why: string): UserError {
    return new Transient(
      `the answer of ${this.shown} is incomplete: ${safe(why)}.`,
      this.api === "$JS.API"
        ? "Run the command again: the server may have lost its leader or restarted."
        : `Run the command again; if it still fails, ${this.api} is exported without response_type: stream.`,
    );
  }

  /** The value of `promise`. @throws UserError at the timeout, which names `what`, and at a failure as for `onFailure` */
  async #guard<T>(
    promise: Promise<T>,
    what: string,
    subject: string,
    matters?: (denied: PermissionDenied) => boolean,
  ): Promise<T> {
    const failure = Promise.withResolvers<never>();
    const timer = setTimeout(() => failure.reject(this.silent(what)), this.timeoutMs);
    const stop = this.onFailure(subject, failure.reject, matters);
    try {
      return await Promise.race([promise, failure.promise]);
    } catch (error) {
      if (!CLOSING.test(String((error as NatsError).code))) throw error;
      const reason = this.#lost || !this.nc.isClosed() ? undefined : await this.nc.closed();
      throw this.#lost ?? this.#lostBy(reason as Error | undefined);
    } finally {
      clearTimeout(timer);
      stop();
    }
  }

  get maxPayload(): number {
    return this.nc.info?.max_payload ?? Number.POSITIVE_INFINITY;
  }

  #bytesOf(subject: string, payload: unknown): Uint8Array {
    const bytes = payload instanceof Uint8Array ? payload : Buffer.from(JSON.stringify(payload) ?? "");
    if (bytes.length <= this.maxPayload) return bytes;
    throw new UserError(
      `a message on ${safe(subject)} has ${plural(bytes.length, "byte")}, and ${this.shown} accepts at most ${plural(this.maxPayload, "byte")} from this user.`,
      "Raise max_payload of the server, or payload of the account or user.",
    );
  }

  /** Publishes bytes, or anything else as JSON, without waiting. @throws UserError when that is larger than the server accepts */
  publish(subject: string, payload: unknown, reply: string): void {
    this.nc.publish(subject, this.#bytesOf(subject, payload), { reply });
  }

  /** The answer to a request. @throws NoResponders when nothing listens, PermissionDenied, UserError without an answer */
  async request(subject: string, payload: unknown = undefined): Promise<Msg> {
    const body = this.#bytesOf(subject, payload);
    try {
      // The library's timeout is longer than ours, whose error says more.
      const answer = this.nc.request(subject, body, { timeout: this.timeoutMs + 1000 });
      return await this.#guard(answer, `a request on ${subject}`, subject);
    } catch (error) {
      const { code, permissionContext } = error as NatsError;
      if (code === "503") throw new NoResponders(subject);
      throw permissionContext ? new PermissionDenied(permissionContext) : error;
    }
  }

  /** Waits until the server has processed everything sent so far. @throws as `guard`, for a publish on `subject` */
  async flush(subject: string, matters?: (denied: PermissionDenied) => boolean): Promise<void> {
    // The library reports earlier errors through an async iterator, which has to run first.
    const pong = this.nc.flush().then(() => new Promise<void>((done) => setImmediate(done)));
    await this.#guard(pong, "a ping", subject, matters);
  }

  /**
   * Publishes one message, and waits until the server has accepted or refused it.
   * @returns false when nothing listens on the subject and no stream stores it; undefined without the permission to learn that
   * @throws PermissionDenied, or another UserError, when the message was not published; Unconfirmed when that is unknown
   */
  async deliver(subject: string, payload: Uint8Array): Promise<boolean | undefined> {
    if (this.#lost || this.nc.isClosed()) throw this.#lost ?? this.#lostBy(undefined);
    const inbox = this.inbox();
    let heard: boolean | undefined = true;
    // With a reply subject the server reports at once that nothing listens (status 503); receivers ignore the reply. If the
    // subscription for it is refused, only this report is lost.
    const sub = this.nc.subscribe(inbox, {
      callback: (error, msg) => {
        if (error) heard = undefined;
        else if (msg.headers?.code === 503) heard = false;
      },
    });
    this.publish(subject, payload, inbox);
    // A refusal is for this message unless it names another subject: API requests may be in flight as well.
    const refused = (denied: PermissionDenied) =>
      denied.subject === subject || !(denied.listening || denied.subject?.startsWith(`${this.api}.`) === true);
    try {
      // A refusal and the 503 arrive before the answer to the ping.
      await this.flush(subject, refused);
    } catch (error) {
      if (error instanceof UserError && !(error instanceof PermissionDenied)) throw new Unconfirmed(error);
      throw error;
    } finally {
      sub.unsubscribe();
    }
    return heard;
  }
}
