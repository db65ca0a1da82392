// Opens a connection to the first server that accepts it, with the login and the TLS files of the settings.
import { type Authenticator, ErrorCode, type NatsConnection, type NatsError, type TlsOptions } from "nats";
import { Transient, UserError } from "../errors.ts";
import { LOOPBACK, parseUrl, type ServerUrl } from "../settings/server-url.ts";
import type { Settings } from "../settings/settings.ts";
import { connect } from "./client.ts";
import { type ConnectFailure, connectFailure, isExpired } from "./connect-failure.ts";
import { Connection } from "./connection.ts";
import { authenticator, tlsFiles } from "./credentials.ts";
import { JetStream } from "./jetstream.ts";
import { fleetOn } from "./store.ts";

/** Servers that received a password or a token in plain text: each gets one warning per run. */
const plainText = new Set<string>();

/** Warns when a password or a token went to another machine in plain text, even when the server refused the login. */
async function dial(
  url: ServerUrl,
  settings: Settings,
  auth: Authenticator | undefined,
  warn: (text: string) => void,
): Promise<NatsConnection> {
  const tls = await tlsFiles(settings, url.tls, warn);
  // As in other clients, a login in a URL belongs to its server and overrides user, password and token of the settings.
  const isInUrl = !auth && Object.keys(url.auth).length > 0;
  const { user, password: pass = "", token } = settings;
  const login = isInUrl
    ? url.auth
    : { ...(user !== undefined && { user, pass }), ...(token !== undefined && { token }) };
  let sent = false;
  const open = (tlsOptions: TlsOptions | undefined) =>
    connect({
      servers: url.host,
      name: "zester job",
      timeout: settings.timeoutMs,
      reconnect: false,
      noRandomize: true,
      resolve: false, // the system resolves more names than DNS
      ignoreClusterUpdates: true,
      noAsyncTraces: true,
      ...login,
      authenticator: [
        ...(auth ? [auth] : []),
        // The library calls this when it writes the login.
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
    // This attempt ends before the login when the server offers no TLS. Nothing else shows whether a refused login was encrypted.
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

/** The login has expired, or its file is being replaced and cannot be read. */
class Stale extends UserError {}

/** Pause between attempts with a stale login, in ms. */
const RENEWAL_PAUSE_MS = 300;

/**
 * Connects to the first server that accepts the login. Repeats a stale login once, or, with `last`, for the length of the timeout.
 * @param last the lost connection that this one replaces @throws UserError that names each address and why it failed
 */
export async function openConnection(
  settings: Settings,
  warn: (text: string) => void,
  last?: Connection,
): Promise<Connection> {
  const end = Date.now() + settings.timeoutMs;
  for (let isFirst = true; ; isFirst = false) {
    try {
      return await connectOnce(settings, warn, last);
    } catch (error) {
      const repeats = last ? Date.now() < end : isFirst;
      if (!(error instanceof Stale) || !repeats) throw error;
      await new Promise((done) => setTimeout(done, RENEWAL_PAUSE_MS));
    }
  }
}

/** The failure of a cluster node that accepts connections but is cut off from the others; undefined when it is not. */
async function whyCutOff(connection: Connection): Promise<ConnectFailure | undefined> {
  if (!connection.nc.info?.cluster) return undefined;
  try {
    await fleetOn(new JetStream(connection)).jobs.info();
    return undefined;
  } catch (error) {
    if (!(error instanceof Transient)) return undefined; // no permission to ask, or no bucket
    const why = error.message.replace(`${connection.shown}: `, "").replace(/\.$/, "");
    return { why, hint: error.hint ?? "" };
  }
}

async function connectOnce(
  given: Settings,
  warn: (text: string) => void,
  last: Connection | undefined,
): Promise<Connection> {
  let settings = given;
  let auth: Authenticator | undefined;
  try {
    settings = { ...given, ...(await given.renewed?.()), timeoutMs: given.timeoutMs };
    auth = await authenticator(settings, warn);
  } catch (error) {
    // The login could be read before.
    throw last && error instanceof UserError ? new Stale(error.message, error.hint) : error;
  }
  const urls = settings.urls.map((url) => parseUrl(url));
  const failures: (ConnectFailure & { url: ServerUrl })[] = [];
  // With an auth callout, an expired login is only reported as refused.
  let hasExpired = last?.hasExpired === true;
  for (const url of urls) {
    try {
      const nc = await dial(url, settings, auth, warn);
      const { timeoutMs, inboxPrefix, apiSetting, jsDomain, jsPrefix = jsDomain && `$JS.${jsDomain}.API` } = settings;
      const connection = new Connection(nc, url.shown, timeoutMs, jsPrefix, inboxPrefix, apiSetting);
      const unusable = urls.length > 1 ? await whyCutOff(connection) : undefined;
      if (!unusable) return connection;
      failures.push({ url, ...unusable });
      void nc.close().catch(() => {});
    } catch (error) {
      if (error instanceof UserError) throw error;
      hasExpired ||= isExpired(error as NatsError, settings);
      failures.push({ url, ...connectFailure(error as NatsError, url, settings) });
    }
  }
  const { hint } = failures[failures.length - 1] as (typeof failures)[number];
  const tried = failures.map(({ url, why }) => `${url.shown}: ${why}`).join("; ");
  const message = `cannot connect to ${tried}.`;
  if (!failures.every(({ refused }) => refused)) throw new Transient(message, hint);
  throw hasExpired ? new Stale(message, hint) : new UserError(message, hint);
}
