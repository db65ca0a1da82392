// What `zester config check` looks at, each point as a finding. It leaves nothing on the server.
import { type Msg, nuid } from "nats";
import { formatMs } from "../duration.ts";
import { UserError } from "../errors.ts";
import { HEARTBEAT_LIFE_MS } from "../model/master.ts";
import { LOOPBACK } from "../settings/server-url.ts";
import { plural, safe } from "../text.ts";
import { type Connection, NoResponders, PermissionDenied } from "./connection.ts";
import { type Claims, readClaims } from "./credentials.ts";
import { deliveryOf, InOrder, pull } from "./pull.ts";
import { covers } from "./subject.ts";

export interface Finding {
  readonly check: string;
  readonly result: "ok" | "warn" | "FAIL";
  readonly detail: string;
  /** What to do about it. */
  readonly hint?: string | undefined;
}

interface ApiError {
  readonly code: number;
  readonly err_code?: number;
  readonly description?: string;
}

const NO_STREAM = 10059;
const NO_JETSTREAM = 10039;
/** The server drops our consumer after this, should deleting it be refused. */
const CONSUMER_LIFE_NS = 5_000_000_000;
const CLOCK_OFF_MS = 2000;
/** No job id: nothing is stored there. */
const NO_KEY = "zester-config-check";

export const failure = (check: string, error: unknown, result: "warn" | "FAIL" = "FAIL"): Finding => {
  if (error instanceof UserError)
    return { check, result, detail: error.message.replace(/\.$/, ""), hint: error.hint };
  throw error;
};

/** The server's name and version, and how long a round trip takes. */
export async function checkServer(connection: Connection): Promise<Finding> {
  const { nc, shown } = connection;
  await connection.flush("");
  const began = performance.now();
  await connection.flush("");
  const rtt = performance.now() - began;
  const version = nc.info?.version ?? "unknown";
  const detail = safe(`${shown}, "${nc.info?.server_name ?? ""}", nats-server ${version}`);
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const old = major < 2 || (major === 2 && minor < 9);
  return {
    check: "server",
    result: old ? "warn" : "ok",
    detail: `${detail}, round trip ${formatMs(rtt)}`,
    hint: old ? "zester supports nats-server 2.9 and newer." : undefined,
  };
}

/** How the connection is protected. The library verifies certificates always. */
export function checkTls({ nc, shown }: Connection): Finding {
  const { protocol } = nc as unknown as {
    protocol: { transport: { isEncrypted(): boolean; socket: { getProtocol?(): string | null } } };
  };
  const check = "tls";
  if (protocol.transport.isEncrypted()) {
    const version = protocol.transport.socket.getProtocol?.() ?? "TLS";
    return { check, result: "ok", detail: `${version}, the server's certificate is verified` };
  }
  if (LOOPBACK.test(shown.replace(/^\w+:\/\//, "")))
    return { check, result: "ok", detail: "plain text, to this machine" };
  return {
    check,
    result: "warn",
    detail: "plain text over the network",
    hint: "Use tls://, when the server offers it.",
  };
}

interface Rights {
  readonly allow?: string[];
  readonly deny?: string[];
}

/** Who the server takes us for, and what it lets us publish (undefined: it does not tell). */
export async function checkUser(
  connection: Connection,
  credentials: string | undefined,
): Promise<{ finding: Finding; publish: Rights | undefined }> {
  const claims = credentials === undefined ? undefined : readClaims(credentials);
  try {
    const { data } = (await connection.request("$SYS.REQ.USER.INFO")).json<{
      data?: { user?: string; account?: string; permissions?: { publish?: Rights } };
    }>();
    if (data) {
      const name = claims?.name ? `${claims.name} (${data.user})` : (data.user ?? "");
      const finding = aboutUser(`${name || "no user"}, account ${data.account ?? "unknown"}`, claims);
      return { finding, publish: data.permissions?.publish ?? {} };
    }
  } catch (error) {
    if (!(error instanceof NoResponders || error instanceof PermissionDenied)) throw error;
  }
  const rights = claims?.nats?.pub;
  const publish = rights?.allow || rights?.deny ? rights : undefined;
  if (!claims)
    return {
      finding: { check: "user", result: "ok", detail: "logged in; the server does not tell as whom" },
      publish,
    };
  return { finding: aboutUser(`${claims.name} (${claims.sub}), issued by ${claims.iss}`, claims), publish };
}

const WEEK_S = 7 * 86_400;

function aboutUser(detail: string, claims: Claims | undefined): Finding {
  const left = claims?.exp ? claims.exp - Date.now() / 1000 : Number.POSITIVE_INFINITY;
  if (left > WEEK_S) return { check: "user", result: "ok", detail: safe(detail) };
  return {
    check: "user",
    result: "warn",
    detail: `${safe(detail)}, expires in ${formatMs(Math.max(0, left * 1000))}`,
    hint: "Ask the issuer of the credentials for new ones.",
  };
}

/** Whether the cancel signal may be published. None is sent: only what is known of the user's rights counts. */
export function checkCancel(publish: Rights | undefined): Finding {
  const check = "cancel jobs";
  const subject = "zester.job.*.cancel";
  if (!publish)
    return {
      check,
      result: "warn",
      detail: "not tested: the server does not tell what this user may publish",
    };
  const allowed = !publish.allow?.length || publish.allow.some((pattern) => covers(pattern, subject));
  if (allowed && !publish.deny?.some((pattern) => covers(pattern, subject)))
    return { check, result: "ok", detail: `publishing on ${subject} is allowed` };
  return {
    check,
    result: "warn",
    detail: `no permission to publish on ${subject}: this user can look, but not kill`,
    hint: "Ask for that permission, or name other credentials with --creds.",
  };
}

/** The server's time minus ours in ms, with what it may be off by. */
export interface Clock {
  readonly difference: number;
  readonly doubt: number;
}

/** A stream as far as it could be looked at. */
interface Look {
  readonly pending: number;
  readonly clock: Clock;
  /** When the newest message was stored, by key, in ms. */
  readonly stored: Map<string, number>;
}

class Refused extends UserError {
  constructor(
    readonly code: number | undefined,
    stream: string,
    why: string,
  ) {
    super(`${stream}: the server answers "${safe(why)}" (${code})`, "Look at the server's log.");
  }
}

const reply = async <T>(connection: Connection, subject: string, payload?: unknown): Promise<T> => {
  const answer = (await connection.request(`${connection.api}.${subject}`, payload)).json<
    T & { error?: ApiError }
  >();
  if (answer.error)
    throw new Refused(answer.error.err_code, subject.split(".")[2] ?? "", answer.error.description ?? "");
  return answer;
};

/** Creates a consumer, reads at most what `all` says, and deletes it again. */
async function look(connection: Connection, stream: string, filter: string, all: boolean): Promise<Look> {
  const name = `zester-${nuid.next()}`;
  const config = {
    name,
    deliver_policy: "last_per_subject",
    ack_policy: "none",
    filter_subject: filter,
    headers_only: true,
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: CONSUMER_LIFE_NS,
  };
  const asked = Date.now();
  const created = await reply<{ num_pending: number; created: string }>(
    connection,
    `CONSUMER.CREATE.${stream}.${name}.${filter}`,
    { stream_name: stream, config },
  );
  const doubt = (Date.now() - asked) / 2;
  const stored = new Map<string, number>();
  let failed: unknown;
  try {
    const createdMs = Date.parse(created.created);
    const pending = created.num_pending;
    const consumer = { stream, name, pending, createdMs, from: 1 };
    const note = (msg: Msg) => void stored.set(msg.subject, Number(deliveryOf(msg).storedNs) / 1e6);
    // One message is enough to tell whether reading is allowed.
    await pull(connection, consumer, new InOrder(all ? pending : Math.min(pending, 1), note));
    return {
      pending: created.num_pending,
      clock: { difference: createdMs - asked - doubt, doubt },
      stored,
    };
  } catch (error) {
    failed = error;
    throw error;
  } finally {
    await reply(connection, `CONSUMER.DELETE.${stream}.${name}`).catch((error) => {
      if (failed === undefined) throw error;
    });
  }
}

const BUCKETS = ["jobs", "job-returns"];

/** The two buckets: JetStream, what is in them, and each permission that reading needs. */
export async function checkBuckets(
  connection: Connection,
): Promise<{ findings: Finding[]; clock: Clock | undefined }> {
  const findings: Finding[] = [];
  let clock: Clock | undefined;
  for (const bucket of BUCKETS) {
    const check = `bucket ${bucket}`;
    const stream = `KV_${bucket}`;
    try {
      const { state } = await reply<{ state: { messages: number } }>(connection, `STREAM.INFO.${stream}`);
      if (bucket === "jobs") findings.push({ check: "jetstream", result: "ok", detail: connection.api });
      const seen = await look(connection, stream, `$KV.${bucket}.${bucket === "jobs" ? "*" : ">"}`, false);
      clock ??= seen.clock;
      // A missing key is answered with the status 404, which is no error here.
      await connection
        .request(`${connection.api}.DIRECT.GET.${stream}.$KV.${bucket}.${NO_KEY}`)
        .catch((error) => {
          if (!(error instanceof NoResponders)) throw error; // a bucket without direct get is read another way
        });
      const held = plural(seen.pending, bucket === "jobs" ? "job" : "return");
      findings.push({
        check,
        result: "ok",
        detail: `${held} in ${plural(state.messages, "message")}, readable`,
      });
    } catch (error) {
      if (error instanceof NoResponders || (error instanceof Refused && error.code === NO_JETSTREAM)) {
        const hint =
          "Is this the NATS that your master uses? JetStream may be off, or in another domain (--js-domain).";
        return {
          findings: [
            ...findings,
            { check: "jetstream", result: "FAIL", detail: `nothing answers on ${connection.api}`, hint },
          ],
          clock,
        };
      }
      findings.push(
        error instanceof Refused && error.code === NO_STREAM
          ? {
              check,
              result: "FAIL",
              detail: "there is no such bucket",
              hint: "Is this the NATS that your master uses?",
            }
          : failure(check, error),
      );
    }
  }
  return { findings, clock };
}

/** The stream of events, which a deployment can lack. */
export async function checkEvents(connection: Connection): Promise<Finding> {
  const check = "stream job-events";
  try {
    const { pending } = await look(connection, "job-events", "zester.job.*.status", false);
    return { check, result: "ok", detail: `readable, with the end of ${plural(pending, "job")}` };
  } catch (error) {
    if (error instanceof Refused && error.code === NO_STREAM)
      return {
        check,
        result: "warn",
        detail: "there is none",
        hint: "What happened before now cannot be traced.",
      };
    if (error instanceof NoResponders) return { check, result: "warn", detail: "nothing answers" };
    return failure(check, error, "warn");
  }
}

/** How far this machine's clock is from the server's. */
export function checkClock(clock: Clock | undefined): Finding {
  const check = "clock";
  if (!clock) return { check, result: "warn", detail: "not tested: no answer of the server had a time" };
  const off = Math.abs(clock.difference);
  const detail = `${formatMs(off)} ${clock.difference < 0 ? "ahead of" : "behind"} the server (±${formatMs(clock.doubt)})`;
  return off - clock.doubt <= CLOCK_OFF_MS
    ? { check, result: "ok", detail }
    : { check, result: "warn", detail, hint: "Ages are off by that: set this machine's clock." };
}

/** When each master was last heard. */
export async function checkMasters(connection: Connection, clock: Clock | undefined): Promise<Finding> {
  const check = "masters";
  const prefix = "$KV.master-heartbeat.";
  try {
    const { stored } = await look(connection, "KV_master-heartbeat", `${prefix}>`, true);
    const now = Date.now() + (clock?.difference ?? 0);
    const seen = [...stored].sort((a, b) => b[1] - a[1]);
    if (seen.length === 0)
      return { check, result: "warn", detail: "none has a heartbeat", hint: MASTER_HINT };
    const detail = seen.map(
      ([key, at]) => `${key.slice(prefix.length)} ${formatMs(Math.max(0, now - at))} ago`,
    );
    const late = now - (seen[0]?.[1] ?? 0) > HEARTBEAT_LIFE_MS;
    return {
      check,
      result: late ? "warn" : "ok",
      detail: safe(detail.join(", ")),
      hint: late ? MASTER_HINT : undefined,
    };
  } catch (error) {
    if (error instanceof NoResponders || (error instanceof Refused && error.code === NO_STREAM))
      return { check, result: "warn", detail: "no bucket master-heartbeat: whether one runs is not known" };
    return failure(check, error, "warn");
  }
}

const MASTER_HINT = "Jobs neither start nor end without a master: is one running?";
