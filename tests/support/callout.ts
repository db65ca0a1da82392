// A server that asks a service who may log in (auth callout, from nats-server 2.10 on), and that service: each login is a new
// user, who lives for as many seconds as the test says.
import { nkeys } from "nats";
import { jwt } from "./credentials.ts";
import { createBuckets, encode, jobRecord, NATS_SERVER, type Server, startServer } from "./harness.ts";

/** False, with a message, for a server without auth callout. */
export function hasCallout(): boolean {
  const version = Bun.spawnSync([NATS_SERVER, "--version"]).stdout.toString();
  const [major = 0, minor = 0] = (/v(\d+)\.(\d+)/.exec(version) ?? []).slice(1).map(Number);
  if (major > 2 || minor >= 10) return true;
  console.warn(`not tested: ${version.trim()} has no auth callout; set NATS_SERVER to 2.10 or newer`);
  return false;
}

export interface Callout {
  readonly server: Server;
  /** The address with any login. */
  readonly url: string;
  /** Lifetimes of the next users, in seconds; the last one applies to all that follow. */
  live(...seconds: number[]): void;
  /** Number of logins. */
  readonly logins: number;
  stop(): Promise<void>;
}

/** The server, with the running job j1. */
export async function startCallout(): Promise<Callout> {
  const issuer = nkeys.createAccount();
  const server = await startServer(`authorization {
  users: [{ user: service, password: x }]
  auth_callout { issuer: ${issuer.getPublicKey()}, auth_users: [service] }
}`);
  const nc = await server.connect({ user: "service", pass: "x" });
  let lives = [3];
  let logins = 0;
  nc.subscribe("$SYS.REQ.USER.AUTH", {
    callback: (_, message) => {
      const [, claims = ""] = message.string().split(".");
      const { nats } = JSON.parse(Buffer.from(claims, "base64url").toString());
      const life = lives[0] ?? 3;
      if (lives.length > 1) lives = lives.slice(1);
      logins++;
      const limits = { subs: -1, data: -1, payload: -1 };
      const user = jwt(
        issuer,
        nats.user_nkey,
        "ops",
        { type: "user", pub: {}, sub: {}, ...limits },
        {
          exp: Math.floor(Date.now() / 1000) + life,
          aud: "$G",
        },
      );
      const answer = { type: "authorization_response", jwt: user };
      message.respond(jwt(issuer, nats.user_nkey, "answer", answer, { aud: nats.server_id.id }));
    },
  });
  const { jobs } = await createBuckets(nc);
  await jobs.put("j1", encode(jobRecord("j1", { status: "running" })));
  return {
    server,
    url: server.url.replace("//", "//ops:x@"),
    live(...seconds) {
      lives = seconds;
    },
    get logins() {
      return logins;
    },
    async stop() {
      await nc.close();
      await server.stop();
    },
  };
}
