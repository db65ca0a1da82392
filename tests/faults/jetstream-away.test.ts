// JetStream goes away behind a server that stays: followers stay as well.
import { expect, test } from "bun:test";
import {
  consumersLeft,
  createBuckets,
  encode,
  freePort,
  jobRecord,
  Running,
  type Server,
  startServer,
  tempDir,
  until,
  zester,
} from "../support/harness.ts";

interface Place {
  /** Where JetStream is. */
  readonly hub: Server;
  /** The way to it that commands take. */
  readonly flags: readonly string[];
  away(): unknown;
  back(): unknown;
  stop(): Promise<void>;
}

/** A leaf node without JetStream in front of a hub that has it, in a domain of its own: the hub goes away. */
async function behindALeaf(): Promise<Place> {
  const port = await freePort();
  const store = JSON.stringify(tempDir());
  const hub = await startServer(
    `jetstream { store_dir: ${store}, domain: hub }\nleafnodes { listen: "127.0.0.1:${port}" }`,
    { jetstream: false },
  );
  const leaf = await startServer(`leafnodes { reconnect: 1, remotes: [{ url: "nats-leaf://127.0.0.1:${port}" }] }`, {
    jetstream: false,
  });
  return {
    hub,
    flags: ["--master", leaf.url, "--js-domain", "hub"],
    away: () => hub.kill(),
    back: () => hub.revive(),
    async stop() {
      await leaf.stop();
      await hub.stop();
    },
  };
}

/** One server, whose account loses JetStream and gets it back. */
async function byReload(): Promise<Place> {
  const account = (jetstream: string) =>
    `accounts { A: { jetstream: ${jetstream}, users: [{ user: a, password: a }] } }\nno_auth_user: a`;
  const hub = await startServer(account("enabled"));
  return {
    hub,
    flags: ["--master", hub.url],
    away: () => hub.reload(account("disabled")),
    back: () => hub.reload(account("enabled")),
    stop: () => hub.stop(),
  };
}

const FOLLOW: [args: string[], code: number, words: string][] = [
  [["wait", "JID", "other", "--for", "2m"], 3, "Job JID timeout"],
  [["watch", "JID"], 3, "Job JID timeout"],
  [["watch"], 130, "  JID "],
  [["trace", "JID", "--follow"], 3, "State     timeout"],
  [["kill", "JID", "--wait", "--for", "2m"], 6, "Job JID ended before the signal took effect: timeout"],
];

test.each([
  ["a leaf node", behindALeaf],
  ["a reload", byReload],
] as const)("%s", async (_, start) => {
  const place = await start();
  const nc = await place.hub.connect({ maxReconnectAttempts: -1, reconnectTimeWait: 100 });
  const { jobs } = await createBuckets(nc);
  const put = (jid: string, status: string) => jobs.put(jid, encode(jobRecord(jid, { status, targets: ["a"] })));
  await put("other", "timeout");
  await until("the way to it", async () => (await zester(["job", "list", ...place.flags])).code === 0);
  const running = await Promise.all(
    FOLLOW.map(async ([args], i) => {
      await put(`j${i}`, "running");
      const words = args.map((arg) => arg.replace("JID", `j${i}`));
      return new Running(["job", ...words, "--timeout", "1s", ...place.flags], {});
    }),
  );
  await until("consumers", async () => (await consumersLeft(nc)) >= 9);
  // What is read first may not be there yet.
  await Bun.sleep(2_000);
  await place.away();
  for (const one of running) await one.until(/Trying again\./);
  await Bun.sleep(3_000);
  await place.back();
  for (const one of running) await one.until("connected again", 60_000);
  for (const [i] of FOLLOW.entries()) await put(`j${i}`, "timeout");
  for (const [i, one] of running.entries()) {
    const [, code, words] = FOLLOW[i] as (typeof FOLLOW)[number];
    await one.until(words.replace("JID", `j${i}`));
    if (code === 130) one.signal("SIGINT");
    expect(await one.ended()).toBe(code);
    const said = one.err.split("\n").filter((line) => line !== "" && !line.startsWith("warning: "));
    expect(said).toEqual([
      expect.stringMatching(/^lost \S+; reconnecting$/),
      expect.stringMatching(/^JetStream of \S+ stopped answering\. Trying again\.$/),
      "connected again",
    ]);
  }
  await nc.close();
  await place.stop();
});
