// One connection to one NATS server: opening it, asking, and saying in words why it failed.
import { closeSync, openSync, readFileSync } from "node:fs";
import {
  type Authenticator,
  connect,
  credsAuthenticator,
  type Msg,
  type NatsConnection,
  type NatsError,
  nkeyAuthenticator,
} from "nats";
import { formatDuration } from "./duration.ts";
import { UserError } from "./errors.ts";
import type { Settings } from "./settings.ts";
import { isReadableByOthers } from "./terminal.ts";
import { safe } from "./text.ts";

interface ServerUrl {
  /** `nats://host:port`, without any secret: what messages may show. */
  readonly shown: string;
  readonly host: string;
  readonly tls: boolean;
  readonly auth: { user?: string; pass?: string; token?: string };
}

/** @throws UserError that never repeats what stands before the @ */
function parseUrl(text: string): ServerUrl {
  const shown = safe(text.replace(/^([a-z+]*:\/\/)?.*@/is, "$1***@")).slice(0, 200);
  let url: URL;
  try {
    url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `nats://${text}`);
  } catch {
    throw new UserError(
      `"${shown}" is not a server URL.`,
      "Write it like nats://host:4222 or tls://host:4222.",
    );
  }
  if (url.protocol !== "nats:" && url.protocol !== "tls:") {
    throw new UserError(
      `"${shown}": the scheme ${url.protocol}// is not supported.`,
      "Write it like nats://host:4222 or tls://host:4222.",
    );
  }
  if (!url.hostname) throw new UserError(`"${shown}" names no host.`, "Write it like nats://host:4222.");
  let user: string;
  let pass: string;
  try {
    user = decodeURIComponent(url.username);
    pass = decodeURIComponent(url.password);
  } catch {
    throw new UserError(
      `"${shown}": the part before @ has a % that escapes nothing.`,
      "Write a literal % as %25.",
    );
  }
  const host = `${url.hostname}:${url.port || 4222}`;
  return {
    shown: `${url.protocol}//${host}`,
    host,
    tls: url.protocol === "tls:",
    auth: pass ? { user, pass } : user ? { token: user } : {},
  };
}

function readSecret(path: string, what: string, warn: (text: string) => void): Buffer {
  let fd: number | undefined;
  try {
    fd = openSync(path, "r");
    if (isReadableByOthers(fd)) warn(`${what} ${path} can be read by other users: chmod 600 it.`);
    return readFileSync(fd);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new UserError(
      `${what} ${path} cannot be read: ${code === "ENOENT" ? "there is no such file" : code}.`,
      "Check the path and the file's permissions.",
    );
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** @throws UserError when the user's JWT has expired: the server would only say "authorization violation". */
function checkExpiry(creds: string, path: string): void {
  const claims = /-----BEGIN NATS USER JWT-----\s+[\w-]+\.([\w-]+)\.[\w-]+/.exec(creds)?.[1];
  if (!claims) return;
  let expires: unknown;
  try {
    expires = JSON.parse(Buffer.from(claims, "base64url").toString()).exp;
  } catch {
    return; // the server is the judge of a broken JWT
  }
  if (typeof expires === "number" && expires > 0 && expires * 1000 < Date.now()) {
    throw new UserError(
      `the credentials in ${path} expired at ${new Date(expires * 1000).toISOString().replace(".000", "")}.`,
      "Ask whoever issues credentials for new ones, or name another file with --creds.",
    );
  }
}

function authenticator(settings: Settings, warn: (text: string) => void): Authenticator | undefined {
  const path = settings.creds ?? settings.nkey;
  if (path === undefined) return undefined;
  const what = settings.creds ? "credentials file" : "nkey seed file";
  const bytes = readSecret(path, what, warn);
  if (settings.creds) checkExpiry(bytes.toString(), path);
  const auth = settings.creds
    ? credsAuthenticator(bytes)
    : nkeyAuthenticator(Buffer.from(bytes.toString().trim()));
  try {
    auth("probe");
  } catch {
    throw new UserError(
      `${what} ${path} does not hold ${settings.creds ? "a user's JWT and seed" : "an nkey seed"}.`,
      settings.creds
        ? "Name a .creds file as made by nsc, or use --nkey for a bare seed."
        : "The file must hold one line that starts with SU.",
    );
  }
  return auth;
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])(:|$)/i;

interface TlsFiles {
  caFile?: string;
  certFile?: string;
  keyFile?: string;
}

/** TLS options when anything asks for TLS. Files are checked here, where their flag can still be named. */
function tlsFiles(settings: Settings, wanted: boolean, warn: (text: string) => void): TlsFiles | undefined {
  const { tlsCa, tlsCert, tlsKey } = settings;
  if (tlsCa === undefined && tlsCert === undefined && tlsKey === undefined) return wanted ? {} : undefined;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new UserError(
      "a client certificate needs its key, and the key its certificate.",
      "Give both --tls-cert and --tls-key.",
    );
  }
  if (tlsKey !== undefined) readSecret(tlsKey, "TLS key file", warn);
  for (const [path, what] of [
    [tlsCa, "CA file"],
    [tlsCert, "TLS certificate file"],
  ] as const) {
    if (path !== undefined && !/-----BEGIN /.test(readSecret(path, what, () => {}).toString())) {
      throw new UserError(
        `${what} ${path} holds no PEM certificate.`,
        "Name a file that has -----BEGIN CERTIFICATE----- in it.",
      );
    }
  }
  return {
    ...(tlsCa && { caFile: tlsCa }),
    ...(tlsCert && { certFile: tlsCert }),
    ...(tlsKey && { keyFile: tlsKey }),
  };
}

/** Why a server could not be used, and what to do about it. */
function connectFailure(error: NatsError, url: ServerUrl, settings: Settings): { why: string; hint: string } {
  const chained = error.chainedError as NodeJS.ErrnoException | undefined;
  const code = String((error as { code?: string }).code ?? "");
  const inner = String(chained?.code ?? "");
  const text = `${code} ${inner} ${error.message} ${chained?.message ?? ""}`;
  const has = (pattern: RegExp) => pattern.test(text);
  if (has(/AUTHENTICATION_EXPIRED|Authentication Expired/i)) {
    return { why: "the credentials have expired", hint: "Ask whoever issues credentials for new ones." };
  }
  if (has(/AUTHENTICATION_TIMEOUT/))
    return { why: "the server timed out the login", hint: "Try again; the server may be overloaded." };
  if (has(/AUTHORIZATION_VIOLATION|Authorization Violation|BAD_AUTHENTICATION/i)) {
    const given = settings.creds ?? settings.nkey;
    return given !== undefined || Object.keys(url.auth).length > 0
      ? {
          why: "the server does not accept these credentials",
          hint: "Check that they are meant for this server, and that they were not revoked.",
        }
      : {
          why: "the server wants credentials",
          hint: "Give --creds <file>, --nkey <file>, or user and password in the URL.",
        };
  }
  if (
    has(
      /UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED|UNABLE_TO_GET_ISSUER|self.signed|unable to (verify|get)/i,
    )
  ) {
    const upgraded = url.tls ? "" : " (it needs TLS)";
    return {
      why: `the server's certificate comes from an unknown CA${upgraded}`,
      hint: "Name the CA's certificate with --nats-ca <file>.",
    };
  }
  if (has(/ALTNAME|altnames|Hostname\/IP/i)) {
    return {
      why: "the server's certificate is not for this host name",
      hint: "Use the name that stands in the certificate.",
    };
  }
  if (has(/CERT_HAS_EXPIRED|certificate has expired/i))
    return { why: "the server's certificate has expired", hint: "Renew the server's certificate." };
  if (has(/SERVER_OPT_NA/))
    return {
      why: "the server offers no TLS",
      hint: "Use nats:// in the URL and no TLS flags, if that is what you want.",
    };
  if (has(/\bTIMEOUT\b/)) {
    return {
      why: `no answer within ${formatDuration(BigInt(Math.round(settings.timeoutMs * 1e6)))}`,
      hint: "Check the address, or wait longer with --timeout.",
    };
  }
  if (has(/CONNECTION_REFUSED|ECONNREFUSED/)) {
    return {
      why: "connection refused",
      hint: "Is the server running there? Set the address with --master or NATS_URL.",
    };
  }
  if (has(/ENOTFOUND|EAI_AGAIN|getaddrinfo|DNS/i))
    return { why: "the host name is unknown", hint: "Check the name, or use an address." };
  if (has(/EHOSTUNREACH|ENETUNREACH/))
    return { why: "there is no route to the host", hint: "Check the address and the network." };
  if (has(/EBADF|CERTIFICATE_REQUIRED|certificate required|bad certificate|alert/i)) {
    return settings.tlsCert === undefined
      ? {
          why: "the server demands a client certificate",
          hint: "Give --tls-cert <file> and --tls-key <file>.",
        }
      : {
          why: "the server refused the client certificate",
          hint: "Check that --tls-cert and --tls-key belong together and come from a CA that the server knows.",
        };
  }
  if (has(/unexpected response/))
    return {
      why: "what answers there is not a NATS server",
      hint: "Check the port: NATS clients usually connect to 4222.",
    };
  if (has(/ECONNRESET|CONNECTION_CLOSED|DISCONNECT|EPIPE|undefined/) || error.message === "") {
    return {
      why: "the server closed the connection",
      hint: "It may demand TLS (tls://) or a client certificate (--tls-cert, --tls-key), or be shutting down.",
    };
  }
  return { why: safe(error.message || code), hint: "Check the address and the connection settings." };
}

/** A server refused a subject. */
export class PermissionDenied extends UserError {
  constructor(
    operation: string,
    readonly subject: string,
  ) {
    super(
      `no permission to ${operation} ${safe(subject)}.`,
      "Ask for credentials that may, or name others with --creds.",
    );
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
  ) {
    void this.#watchStatus();
    void nc.closed().then((error) => {
      const why =
        error && /AUTHENTICATION_EXPIRED/.test(String((error as NatsError).code))
          ? "the credentials have expired"
          : "the connection to the server was lost";
      this.#fail(
        new UserError(`${shown}: ${why}.`, "Run the command again; nothing that it showed is complete."),
      );
      this.#lost = new UserError(`${shown}: ${why}.`, "Run the command again.");
    });
  }

  /** The server's version as major * 1000 + minor. */
  get serverVersion(): number {
    const [major = 0, minor = 0] = (this.nc.info?.version ?? "").split(".").map(Number);
    return major * 1000 + minor;
  }

  async #watchStatus(): Promise<void> {
    for await (const status of this.nc.status()) {
      const context = status.permissionContext;
      if (context)
        this.#fail(
          new PermissionDenied(
            context.operation === "publish" ? "publish on" : "subscribe to",
            context.subject,
          ),
        );
    }
  }

  #fail(error: UserError): void {
    for (const watcher of [...this.#watchers]) watcher(error);
  }

  /**
   * Calls `watcher` when the connection is lost, or when a permission is refused that matters to it: publishing on
   * `subject`, or any subscription. The result ends that.
   */
  onFailure(subject: string, watcher: (error: UserError) => void): () => void {
    const filtered = (error: UserError) => {
      if (
        !(error instanceof PermissionDenied) ||
        error.subject === subject ||
        error.subject.startsWith("_INBOX.")
      )
        watcher(error);
    };
    if (this.#lost) filtered(this.#lost);
    this.#watchers.add(filtered);
    return () => void this.#watchers.delete(filtered);
  }

  /** The error that says that the server stayed silent. */
  silent(what: string): UserError {
    const waited = formatDuration(BigInt(Math.round(this.timeoutMs * 1e6)));
    return new UserError(
      `${this.shown}: no answer to ${safe(what)} within ${waited}.`,
      "The server may be overloaded or without a leader: try again, or wait longer with --timeout.",
    );
  }

  /** `promise`, or the first of: connection lost, publishing on `subject` refused, the timeout. */
  async guard<T>(promise: Promise<T>, what: string, subject: string): Promise<T> {
    let stop = () => {};
    let timer: ReturnType<typeof setTimeout> | undefined;
    const failure = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(this.silent(what)), this.timeoutMs);
      stop = this.onFailure(subject, reject);
    });
    try {
      return await Promise.race([promise, failure]);
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
      if (context)
        throw new PermissionDenied(
          context.operation === "publish" ? "publish on" : "subscribe to",
          context.subject,
        );
      if (error instanceof UserError) throw error;
      if (code === "CONNECTION_CLOSED" || code === "DISCONNECT")
        throw (
          this.#lost ??
          new UserError(`${this.shown}: the connection to the server was lost.`, "Run the command again.")
        );
      throw error;
    }
  }

  /** Waits until the server has processed all that was sent before, a publish on `subject` in the end. */
  async flush(subject: string): Promise<void> {
    // A refusal comes before the answer to the ping, but the library hands it on through an async iterator: let that run.
    const settled = this.nc.flush().then(() => new Promise((done) => setImmediate(done)));
    await this.guard(settled, "a ping", subject);
  }
}

/**
 * Connects to the first server that takes us.
 * @throws UserError that names each address tried, and why it failed
 */
export async function openConnection(settings: Settings, warn: (text: string) => void): Promise<Connection> {
  const urls = settings.urls.map(parseUrl);
  const auth = authenticator(settings, warn);
  const failures: { url: ServerUrl; why: string; hint: string }[] = [];
  for (const url of urls) {
    const tls = tlsFiles(settings, url.tls, failures.length === 0 ? warn : () => {});
    const secret = url.auth.pass !== undefined || url.auth.token !== undefined;
    try {
      const nc = await connect({
        servers: url.host,
        name: "zester job",
        timeout: settings.timeoutMs,
        reconnect: false,
        noRandomize: true,
        ignoreClusterUpdates: true,
        noAsyncTraces: true,
        ...(auth ? { authenticator: auth } : url.auth),
        ...(tls && { tls }),
      });
      if (secret && !auth && !LOOPBACK.test(url.host) && !nc.info?.tls_required && !url.tls) {
        warn(`the password or token for ${url.shown} went over the network in plain text: use tls://.`);
      }
      return new Connection(nc, url.shown, settings.timeoutMs);
    } catch (error) {
      if (error instanceof UserError) throw error;
      failures.push({ url, ...connectFailure(error as NatsError, url, settings) });
    }
  }
  const last = failures[failures.length - 1] as (typeof failures)[number];
  const tried = failures.map(({ url, why }) => `${url.shown}: ${why}`).join("; ");
  throw new UserError(`cannot connect to ${tried}.`, last.hint);
}
