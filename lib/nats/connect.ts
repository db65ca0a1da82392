// Opening a connection: the first server that takes us, with the login and the TLS files of the settings.
import { type Authenticator, ErrorCode, type NatsConnection, type NatsError, type TlsOptions } from "nats";
import { Transient, UserError } from "../errors.ts";
import { LOOPBACK, parseUrl, type ServerUrl } from "../settings/server-url.ts";
import type { Settings } from "../settings/settings.ts";
import { connect } from "./client.ts";
import { type ConnectFailure, connectFailure } from "./connect-failure.ts";
import { Connection } from "./connection.ts";
import { authenticator, tlsFiles } from "./credentials.ts";

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
      resolve: false, // the system knows more names than the DNS
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
  const failures: (ConnectFailure & { url: ServerUrl })[] = [];
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
