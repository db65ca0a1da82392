// The checks of `zester config check`, each with a finding. They leave nothing on the server.
import type { Msg } from "nats";
import { formatMs } from "../duration.ts";
import { NoBucket, UserError } from "../errors.ts";
import { HEARTBEAT_LIFE_MS } from "../model/stuck.ts";
import { LOOPBACK } from "../settings/server-url.ts";
import type { Clock } from "../store.ts";
import { plural, safe } from "../text.ts";
import { type Connection, NoResponders, PermissionDenied } from "./connection.ts";
import { Delivery, InOrder } from "./consumer.ts";
import { type Claims, type Rights, readClaims } from "./credentials.ts";
import { ApiError, JetStream, NoJetStream } from "./jetstream.ts";
import { pull } from "./pull.ts";
import { DISPATCH_SUBJECT, fleetOn } from "./store.ts";
import type { Stream } from "./stream.ts";
import { covers } from "./subject.ts";

export interface Finding {
  readonly check: string;
  readonly result: "ok" | "warn" | "FAIL";
  readonly detail: string;
  readonly hint?: string | undefined;
}

const ok = (check: string, detail: string): Finding => ({ check, result: "ok", detail });
const warn = (check: string, detail: string, hint?: string): Finding => ({ check, result: "warn", detail, hint });
const fail = (check: string, detail: string, hint?: string): Finding => ({ check, result: "FAIL", detail, hint });

/** The server drops a consumer of ours after this if deleting it is refused. */
const CONSUMER_LIFE_NS = 5_000_000_000;
const CLOCK_OFF_MS = 2000;
/** Differences between clocks below this many ms are not reported. */
const STEP_MS = 10;
/** The end of a hint that leads here. */
const TESTED_HERE = /; test it with `zester config check`\.$/;
const NO_KEY = "zester-config-check";

/** The finding for a UserError. @throws any other error again */
export const failure = (check: string, error: unknown, result: "warn" | "FAIL" = "FAIL"): Finding => {
  if (!(error instanceof UserError)) throw error;
  const { cause } = error;
  if (cause instanceof ApiError) return { check, result, detail: cause.message, hint: "Look at the server's log." };
  return { check, result, detail: error.message.replace(/\.$/, ""), hint: error.hint?.replace(TESTED_HERE, ".") };
};

export async function checkServer(connection: Connection): Promise<Finding> {
  const { nc, shown } = connection;
  await connection.flush("");
  const began = performance.now();
  await connection.flush("");
  const rtt = performance.now() - began;
  const version = nc.info?.version ?? "unknown";
  const { server_name: name, server_id: id } = nc.info ?? {};
  // A server without a name has its ID as the name.
  const names = safe(`${shown}${name && name !== id ? `, "${name}"` : ""}, nats-server ${version}`);
  const detail = `${names}, round trip ${formatMs(rtt)}`;
  if (connection.isAtLeast(2, 9)) return ok("server", detail);
  return warn("server", detail, "zester supports nats-server 2.9 and newer.");
}

/** Reports TLS. The library always verifies certificates, so an encrypted connection is verified. */
export function checkTls({ nc, shown }: Connection): Finding {
  const { protocol } = nc as unknown as {
    protocol: { transport: { isEncrypted(): boolean; socket: { getProtocol?(): string | null } } };
  };
  const { transport } = protocol;
  if (transport.isEncrypted())
    return ok("tls", `${transport.socket.getProtocol?.() ?? "TLS"}, the server's certificate is verified`);
  if (LOOPBACK.test(shown.replace(/^\w+:\/\//, ""))) return ok("tls", "plain text, to this machine");
  return warn("tls", "plain text over the network", "Use tls://, when the server offers it.");
}

/** The user as the server sees it, and its permissions to publish; undefined when the server does not report them. */
export async function checkUser(
  connection: Connection,
  credentials: string | undefined,
  clock: Clock | undefined,
): Promise<{ finding: Finding; publish: Rights | undefined }> {
  const claims = credentials === undefined ? undefined : readClaims(credentials);
  try {
    const { data } = (await connection.request("$SYS.REQ.USER.INFO")).json<{
      data?: { user?: string; account?: string; permissions?: { publish?: Rights } };
    }>();
    if (data) {
      const name = claims?.name ? `${claims.name} (${data.user})` : (data.user ?? "");
      const finding = aboutUser(`${name || "no user"}, account ${data.account ?? "unknown"}`, claims, clock);
      return { finding, publish: data.permissions?.publish ?? {} };
    }
  } catch (error) {
    if (!(error instanceof NoResponders || error instanceof PermissionDenied)) throw error;
  }
  const rights = claims?.nats?.pub;
  const publish = rights?.allow || rights?.deny ? rights : undefined;
  if (!claims) return { finding: ok("user", "logged in (user name unknown)"), publish };
  return { finding: aboutUser(`${claims.name} (${claims.sub}), issued by ${claims.iss}`, claims, clock), publish };
}

const WEEK_S = 7 * 86_400;

function aboutUser(detail: string, claims: Claims | undefined, clock: Clock | undefined): Finding {
  const nowMs = Date.now() + (clock?.aheadMs ?? 0);
  const left = claims?.exp ? claims.exp - nowMs / 1000 : Number.POSITIVE_INFINITY;
  if (left > WEEK_S) return ok("user", safe(detail));
  const expires = `${safe(detail)}, expires in ${formatMs(Math.max(0, left * 1000))}`;
  return warn("user", expires, "Ask the issuer of the credentials for new ones.");
}

/** Permissions beyond reading: name of the finding, subject, command. */
const STEERING = [
  ["cancel jobs", "zester.job.*.cancel", "kill"],
  ["retry jobs", DISPATCH_SUBJECT, "retry"],
] as const;

/** Checks permissions to cancel and dispatch jobs. Sends nothing: reads only the reported permissions. */
export const checkSteering = (publish: Rights | undefined): Finding[] =>
  STEERING.map(([check, subject, verb]) => {
    if (!publish)
      return warn(
        check,
        "not tested: the server does not report permissions",
        `Look at the permissions in the server's configuration: ${verb} publishes on ${subject} (docs/connection.md, "Permissions").`,
      );
    const allowed = !publish.allow?.length || publish.allow.some((pattern) => covers(pattern, subject));
    if (allowed && !publish.deny?.some((pattern) => covers(pattern, subject)))
      return ok(check, `publishing on ${subject} is allowed`);
    const detail = `no permission to publish on ${subject}: this user can read, but not ${verb}`;
    return warn(check, detail, "Ask for that permission, or name other credentials with --creds.");
  });

/**
 * Creates a consumer, reads one message, or with `all` every one, and deletes the consumer. @throws UserError for a refusal
 * @returns the number of entries, and the time of each that was read by its subject, in ms since 1970
 */
async function look(stream: Stream, filter: string, all = false) {
  const consumer = await stream.js.create(stream.name, {
    deliver_policy: "last_per_subject",
    filter_subject: filter,
    headers_only: true,
    inactive_threshold: CONSUMER_LIFE_NS,
  });
  const remove = () => stream.js.delete(stream.name, consumer.name);
  const stored = new Map<string, number>();
  const note = (msg: Msg) => void stored.set(msg.subject, Number(new Delivery(msg).storedNs) / 1e6);
  try {
    // One message is enough to show that reading is allowed.
    const most = all ? consumer.pending : Math.min(consumer.pending, 1);
    await pull(stream.connection, consumer, new InOrder(most, note));
  } catch (error) {
    await remove().catch(() => {}); // the first error is the one to report
    throw error;
  }
  await remove();
  return { entries: consumer.pending, stored };
}

const ADDRESS_HINT = "Is this the NATS that your master uses?";
const JETSTREAM_HINT = `${ADDRESS_HINT} JetStream may be off, or in another domain (--js-domain).`;

/** Checks JetStream, both buckets, and each permission that reading them needs. */
export async function checkBuckets(connection: Connection): Promise<{ findings: Finding[]; clock: Clock | undefined }> {
  const js = new JetStream(connection);
  const { jobs, returns } = fleetOn(js);
  const findings: Finding[] = [];
  for (const [bucket, filter, entry] of [
    [jobs, "*", "job"],
    [returns, ">", "return"],
  ] as const) {
    const check = `bucket ${bucket.title}`;
    try {
      const { messages } = await bucket.info();
      if (bucket === jobs) findings.push(ok("jetstream", `answers on ${connection.api}`));
      const { entries } = await look(bucket, bucket.prefix + filter);
      // A missing key has status 404, which is no error here. A bucket without direct get is read through a consumer.
      await bucket.directIfAllowed(bucket.prefix + NO_KEY);
      findings.push(ok(check, `${plural(entries, entry)} in ${plural(messages, "message")}, readable`));
    } catch (error) {
      if (error instanceof NoJetStream) {
        const from = connection.apiSetting === undefined ? "" : ` (${connection.apiSetting})`;
        findings.push(fail("jetstream", `nothing answers on ${connection.api}${from}`, JETSTREAM_HINT));
        return { findings, clock: js.clock };
      }
      const isMissing = error instanceof NoBucket;
      findings.push(isMissing ? fail(check, "there is no such bucket", ADDRESS_HINT) : failure(check, error));
    }
  }
  return { findings, clock: js.clock };
}

export async function checkEvents(connection: Connection): Promise<Finding> {
  const check = "stream job-events";
  try {
    const { events } = fleetOn(new JetStream(connection));
    const { entries } = await look(events, "zester.job.*.status");
    return ok(check, `readable, ${plural(entries, "end event")}`);
  } catch (error) {
    if (error instanceof NoBucket) return warn(check, "there is none", "Earlier events cannot be shown.");
    if (error instanceof NoJetStream) return warn(check, "nothing answers");
    return failure(check, error, "warn");
  }
}

export function checkClock(clock: Clock | undefined): Finding {
  if (!clock) return warn("clock", "not tested: no answer of the server had a time");
  const { aheadMs, doubtMs } = clock;
  const off = Math.abs(aheadMs);
  const doubt = `(±${formatMs(doubtMs)})`;
  // A difference within the doubt does not show which clock is ahead.
  if (off <= Math.max(doubtMs, STEP_MS)) return ok("clock", `same as the server ${doubt}`);
  // Rounded to seconds: a measured 4h59m59.99s is five hours.
  const told = formatMs(off < 60_000 ? off : Math.round(off / 1000) * 1000);
  const detail = `${told} ${aheadMs < 0 ? "ahead of" : "behind"} the server ${doubt}`;
  if (off - doubtMs <= CLOCK_OFF_MS) return ok("clock", detail);
  return warn("clock", detail, "Ages count by the server's clock, certificates by this machine's: set it.");
}

export async function checkMasters(connection: Connection, clock: Clock | undefined): Promise<Finding> {
  const check = "masters";
  const { masters } = fleetOn(new JetStream(connection));
  const { prefix } = masters;
  try {
    const { stored } = await look(masters, `${prefix}>`, true);
    const now = Date.now() + (clock?.aheadMs ?? 0);
    const seen = [...stored].sort((a, b) => b[1] - a[1]);
    if (seen.length === 0) return warn(check, "none has a heartbeat", MASTER_HINT);
    const ages = seen.map(([key, at]) => `${key.slice(prefix.length)} ${formatMs(Math.max(0, now - at))} ago`);
    const detail = safe(ages.join(", "));
    return now - (seen[0]?.[1] ?? 0) > HEARTBEAT_LIFE_MS ? warn(check, detail, MASTER_HINT) : ok(check, detail);
  } catch (error) {
    if (error instanceof NoJetStream || error instanceof NoBucket)
      return warn(check, "no bucket master-heartbeat: cannot tell whether one runs");
    return failure(check, error, "warn");
  }
}

const MASTER_HINT = "Jobs neither start nor end without a master: is one running?";
