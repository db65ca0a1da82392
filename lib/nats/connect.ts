// Opening a connection: the first server that takes us, with the login and the TLS files of the settings.
import { type Authenticator, ErrorCode, type NatsConnection, type NatsError, type TlsOptions } from "nats";
import { Transient, UserError } from "../errors.ts";
import { LOOPBACK, parseUrl, type ServerUrl } from "../settings/server-url.ts";
import type { Settings } from "../settings/settings.ts";
import { connect } from "./client.ts";
import { type ConnectFailure, connectFailure, isExpired } from "./connect-failure.ts";
import { Connection } from "./connection.ts";
import { authenticator, tlsFiles } from "./credentials.ts";

/** User and password, a token, or both, that stand beside the URL. */
function plainLogin({ user, password, token }: Settings): ServerUrl["auth"] {
  return { ...(user !== undefined && { user, pass: password ?? "" }), ...(token !== undefined && { token }) };
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
  const tls = await tlsFiles(settings, url.tls, warn);
  // As for other clients, what stands in a URL is meant for its server and wins over user, password and token beside it.
  const isInUrl = !auth && Object.keys(url.auth).length > 0;
  const login = isInUrl ? url.auth : plainLogin(settings);
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
      ...login,
      authenticator: [
        ...(auth ? [auth] : []),
        // Called when the login is written.
        () => {
          sent = true;
        },
      ],
      ...(tlsOptions && { tls: tlsOptions }),
      ...(settings.inboxPrefix !== undefined && { inboxPrefix: settings.inboxPrefix }),
    });
  const secret = Boolean(login.pass || login.token);
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

/** No server took us, and one says that the login has expired. */
class Expired extends UserError {}

/** Between two attempts of a login that has expired, in ms. */
const RENEWAL_PAUSE_MS = 300;

/**
 * Connects to the first server that takes us. A login that has expired is tried once more: its file may just be written anew,
 * and a server that asks another service makes new users.
 * @param renewalMs for how long it is tried again
 * @throws UserError that names each address tried, and why it failed
 */
export async function openConnection(
  settings: Settings,
  warn: (text: string) => void,
  renewalMs = RENEWAL_PAUSE_MS,
): Promise<Connection> {
  const end = Date.now() + renewalMs;
  for (;;) {
    try {
      return await connectOnce(settings, warn);
    } catch (error) {
      if (!(error instanceof Expired) || Date.now() >= end) throw error;
      await new Promise((done) => setTimeout(done, RENEWAL_PAUSE_MS));
    }
  }
}

async function connectOnce(settings: Settings, warn: (text: string) => void): Promise<Connection> {
  const urls = settings.urls.map((url) => parseUrl(url));
  const auth = await authenticator(settings, warn);
  const failures: (ConnectFailure & { url: ServerUrl })[] = [];
  let hasExpired = false;
  for (const url of urls) {
    try {
      const nc = await dial(url, settings, auth, warn);
      return new Connection(nc, url.shown, settings.timeoutMs, apiPrefix(settings), settings.inboxPrefix);
    } catch (error) {
      if (error instanceof UserError) throw error;
      hasExpired ||= isExpired(error as NatsError, settings);
      failures.push({ url, ...connectFailure(error as NatsError, url, settings) });
    }
  }
  const last = failures[failures.length - 1] as (typeof failures)[number];
  const tried = failures.map(({ url, why }) => `${url.shown}: ${why}`).join("; ");
  const message = `cannot connect to ${tried}.`;
  if (!failures.every(({ refused }) => refused)) throw new Transient(message, last.hint);
  throw hasExpired ? new Expired(message, last.hint) : new UserError(message, last.hint);
}
