// One connection to one NATS server: opening it, asking, and never waiting longer than the timeout.
import {
  type Authenticator,
  createInbox,
  ErrorCode,
  type Msg,
  type NatsConnection,
  type NatsError,
  type Status,
  type TlsOptions,
} from "nats";
import { formatMs } from "../duration.ts";
import { Transient, UserError } from "../errors.ts";
import { LOOPBACK, parseUrl, type ServerUrl } from "../settings/server-url.ts";
import type { Settings } from "../settings/settings.ts";
import { safe } from "../text.ts";
import { type BrokenProtocol, connect, onBrokenProtocol } from "./client.ts";
import { connectFailure } from "./connect-failure.ts";
import { authenticator, tlsFiles } from "./credentials.ts";
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

/** A message was handed to the connection, and nobody can tell whether the server has it. */
export class Unconfirmed extends Error {
  constructor(readonly why: UserError) {
    super(why.message);
  }
}

/** Nobody answers on a subject (status 503). */
export class NoResponders extends Error {}

/** An open connection. Every wait on it ends within the timeout of the server's last word. */
export class Connection {
  readonly #watchers = new Set<(error: UserError) => void>();
  readonly #encoder = new TextEncoder();
  #lost: UserError | undefined;

  constructor(
    readonly nc: NatsConnection,
    readonly shown: string,
    readonly timeoutMs: number,
    /** The prefix of every JetStream API subject. */
    readonly api = "$JS.API",
    /** What the subjects of answers begin with; a user may be allowed only their own. */
    readonly inboxPrefix = "_INBOX",
  ) {
    void this.#watchStatus();
    const stop = onBrokenProtocol((why) => this.#break(why));
    void nc.closed().then((error) => {
      stop();
      this.#lost ??= this.#lostBy(error as NatsError | undefined);
      this.#fail(this.#lost);
    });
  }

  #lostBy(error: NatsError | undefined): UserError {
    const expired = /AUTHENTICATION_EXPIRED/.test(String(error?.code));
    const why = expired ? "the credentials have expired" : "the connection to the server was lost";
    return expired
      ? new UserError(`${this.shown}: ${why}.`, "Ask whoever issues credentials for new ones.")
      : new Transient(`${this.shown}: ${why}.`, "Run the command again.");
  }

  /** The library has stopped to read: nothing will be answered any more. */
  #break(why: BrokenProtocol): void {
    this.#lost ??= new UserError(
      `${this.shown}: the server does not keep to the NATS protocol: ${why.message}.`,
      "Check the address, and what stands between here and the server.",
    );
    this.#fail(this.#lost);
    void this.nc.close().catch(() => {});
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
      denied.subject === undefined ||
      denied.subject === subject ||
      denied.subject.startsWith(`${this.inboxPrefix}.`),
  ): () => void {
    const filtered = (error: UserError) => {
      if (!(error instanceof PermissionDenied) || matters(error)) watcher(error);
    };
    if (this.#lost) filtered(this.#lost);
    this.#watchers.add(filtered);
    return () => void this.#watchers.delete(filtered);
  }

  /** A new subject for answers, that nobody else listens on. */
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
      // Whatever was under way when the connection closed fails with one of these, a moment before closed() tells.
      // The library's own TIMEOUT can mean nothing else: ours comes first.
      if (/^(TIMEOUT|CANCELLED|CONNECTION_CLOSED|DISCONNECT)$/.test(String((error as NatsError).code))) {
        throw this.#lost ?? this.#lostBy(undefined);
      }
      throw error;
    } finally {
      clearTimeout(timer);
      stop();
    }
  }

  /**
   * Sends a request and waits for its answer.
   * @throws NoResponders when nobody listens, PermissionDenied, UserError when the server stays silent or is lost
   */
  async request(subject: string, payload: unknown = undefined): Promise<Msg> {
    const body = payload === undefined ? undefined : this.#encoder.encode(JSON.stringify(payload));
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
   * @returns false when nothing listens on the subject and no stream stores it; undefined when the server tells nobody that
   * @throws PermissionDenied, or what else kept it from being published; Unconfirmed when nobody can tell
   */
  async deliver(subject: string, payload: Uint8Array): Promise<boolean | undefined> {
    if (this.#lost || this.nc.isClosed()) throw this.#lost ?? this.#lostBy(undefined);
    const inbox = this.inbox();
    let heard: boolean | undefined = true;
    // With a reply subject the server says at once when nobody has interest (status 503); handlers ignore the reply.
    // A subscription for it that is refused is no loss: only that is not known then.
    const sub = this.nc.subscribe(inbox, {
      callback: (error, msg) => {
        if (error) heard = undefined;
        else if (msg.headers?.code === 503) heard = false;
      },
    });
    this.nc.publish(subject, payload, { reply: inbox });
    // A refusal is this message's unless it says that it is another's: requests of the API may be on the way as well.
    const refused = (denied: PermissionDenied) =>
      denied.subject === subject ||
      !(denied.listening || denied.subject?.startsWith(`${this.api}.`) === true);
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

/** User and password, or a token, that a context has beside its URL. */
function plainLogin({ user, password, token }: Settings): ServerUrl["auth"] | undefined {
  if (user !== undefined) return { user, pass: password ?? "" };
  return token === undefined ? undefined : { token };
}

function apiPrefix({ jsDomain, jsPrefix }: Settings): string {
  return jsPrefix ?? (jsDomain === undefined ? "$JS.API" : `$JS.${jsDomain}.API`);
}

/** The servers that were told a password or a token in plain text: one warning each, however often we connect. */
const plainText = new Set<string>();

/**
 * Connects to `url`. A password or a token that goes to another machine unprotected gets a warning, also when the server
 * refuses it: it was sent all the same.
 */
async function dial(
  url: ServerUrl,
  settings: Settings,
  auth: Authenticator | undefined,
  warn: (text: string) => void,
): Promise<NatsConnection> {
  const tls = tlsFiles(settings, url.tls, warn);
  // As for other clients, what stands in a URL is meant for its server and wins over user, password and token beside it.
  const login = Object.keys(url.auth).length > 0 ? url.auth : (plainLogin(settings) ?? {});
  let sent = false;
  const open = (tlsOptions: TlsOptions | undefined) =>
    connect({
      servers: url.host,
      name: "zester job",
      timeout: settings.timeoutMs,
      reconnect: false,
      noRandomize: true,
      ignoreClusterUpdates: true,
      noAsyncTraces: true,
      ...(auth
        ? { authenticator: auth }
        : {
            ...login,
            // Called when the login is written.
            authenticator: () => {
              sent = true;
            },
          }),
      ...(tlsOptions && { tls: tlsOptions }),
      ...(settings.inboxPrefix !== undefined && { inboxPrefix: settings.inboxPrefix }),
    });
  const secret = !auth && Boolean(login.pass || login.token);
  if (!secret || tls || LOOPBACK.test(url.host)) return open(tls);
  try {
    // Ends before the login when the server offers no TLS. Nothing else tells whether a login that fails was protected.
    return await open({});
  } catch (error) {
    if ((error as NatsError).code !== ErrorCode.ServerOptionNotAvailable) throw error;
  }
  try {
    return await open(undefined);
  } finally {
    if (sent && !plainText.has(url.shown))
      warn(`the password or token for ${url.shown} went over the network in plain text: use tls://.`);
    plainText.add(url.shown);
  }
}

/**
 * Connects to the first server that takes us.
 * @throws UserError that names each address tried, and why it failed
 */
export async function openConnection(settings: Settings, warn: (text: string) => void): Promise<Connection> {
  const urls = settings.urls.map((url) => parseUrl(url));
  const auth = authenticator(settings, warn);
  const failures: { url: ServerUrl; why: string; hint: string; refused?: boolean }[] = [];
  for (const url of urls) {
    try {
      const nc = await dial(url, settings, auth, warn);
      return new Connection(nc, url.shown, settings.timeoutMs, apiPrefix(settings), settings.inboxPrefix);
    } catch (error) {
      if (error instanceof UserError) throw error;
      failures.push({ url, ...connectFailure(error as NatsError, url, settings) });
    }
  }
  const last = failures[failures.length - 1] as (typeof failures)[number];
  const tried = failures.map(({ url, why }) => `${url.shown}: ${why}`).join("; ");
  const message = `cannot connect to ${tried}.`;
  throw failures.every(({ refused }) => refused)
    ? new UserError(message, last.hint)
    : new Transient(message, last.hint);
}
