// The fleet simulator and the executable together: what a job's life looks like from outside.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { KV, NatsConnection } from "nats";
import { type Behaviour, Fleet, type FleetOptions } from "../support/fleet.ts";
import { encode, type Server, startServer, until, zester } from "../support/harness.ts";
import { listen, recorded, type Story } from "../support/stories.ts";
import { decode } from "../support/wire.ts";

let server: Server;
let nc: NatsConnection;
let fleet: Fleet;
const run = (...args: string[]) => zester(args, { env: { NATS_URL: server.url } });
const ok: Behaviour = { does: "ok", ms: 20 };

beforeAll(async () => {
  server = await startServer();
  nc = await server.connect();
  fleet = await Fleet.start(nc);
});
afterAll(async () => {
  await fleet.stop();
  await nc.close();
  await server.stop();
});

test.each([
  ["complete", { a: ok, b: ok }],
  ["failed", { a: ok, b: { does: "fail", ms: 10 } }],
  ["partial", { a: ok, b: { does: "hang" } }],
  ["timeout", { a: { does: "silent" } }],
] as [string, Record<string, Behaviour>][])("a job ends as %s", async (status, peels) => {
  const jid = await fleet.dispatch({ fn: "test.ping", peels, timeoutMs: 300 });
  await fleet.until(jid, status);
  const shown = JSON.parse((await run("job", "show", jid, "--format", "json")).stdout);
  expect(shown.job.status).toBe(status);
  expect(shown.returns).toHaveLength(
    Object.values(peels).filter(({ does }) => does === "ok" || does === "fail").length,
  );
  expect((await run("job", "active")).stdout).not.toContain(jid);
  expect((await run("job", "kill", jid)).code).toBe(1);
});

test("a killed job is canceled, and its peels stop", async () => {
  const jid = await fleet.dispatch({
    fn: "cmd.run",
    peels: { a: { does: "ok", ms: 1000 }, b: { does: "hang" } },
  });
  expect((await run("job", "active")).stdout).toContain(jid);
  expect((await run("job", "kill", jid)).code).toBe(0);
  await fleet.until(jid, "canceled");
  expect((await run("job", "list")).stdout).toMatch(new RegExp(`${jid}.* canceled\n`));
  await Bun.sleep(1100);
  expect((await run("job", "show", jid)).stdout).not.toContain("Returns:");
  expect(await fleet.jobs.get(`active.${jid}`)).toMatchObject({ operation: "DEL" });
});

test("the list layout of returns", async () => {
  const other = await startServer();
  const connection = await other.connect();
  const listing = await Fleet.start(connection, { layout: "list" });
  const jid = await listing.dispatch({
    fn: "test.ping",
    peels: { "web-02": ok, "web-01": { does: "fail", ms: 20, error: "boom" } },
  });
  await listing.until(jid, "failed");
  const { stdout } = await zester(["job", "show", jid], { env: { NATS_URL: other.url } });
  expect(stdout).toEndWith("web-01    false    20ms      boom\nweb-02    true     20ms\n");
  await listing.stop();
  await connection.close();
  await other.stop();
});

/** A fleet on a server of its own, and what it publishes about a job. */
async function startFleet(options: FleetOptions) {
  const own = await startServer();
  const connection = await own.connect();
  const ear = await own.connect();
  const storyOf = await listen(ear);
  const quick = await Fleet.start(connection, options);
  const told = async (jid: string) => {
    await connection.flush();
    await ear.flush();
    return storyOf(jid);
  };
  const stop = async () => {
    await quick.stop();
    await connection.close();
    await ear.close();
    await own.stop();
  };
  return { fleet: quick, nc: connection, told, stop };
}

const stored = async (bucket: KV, key: string) => {
  const entry = await bucket.get(key);
  return entry?.operation === "PUT" ? decode(entry.value) : undefined;
};
const kinds = (story: Story) => story.map(([kind]) => kind);

describe("the simulator writes what masters and peels write", () => {
  let own: Awaited<ReturnType<typeof startFleet>>;
  beforeAll(async () => {
    own = await startFleet({ scale: 0.05, queue: 1 });
  });
  afterAll(() => own.stop());

  const call = (name: string, stdout: string) => ({
    results: [{ name, changed: true, ms: 40, details: { stdout } }],
  });

  test("a job that failed on one peel", async () => {
    const jid = await own.fleet.dispatch({
      fn: "pkg.installed",
      args: { name: "openssl" },
      expr: "web*",
      user: "ops",
      peels: {
        "web-01": { does: "ok", ms: 10, ...call("openssl", "openssl 3.0.15\n") },
        "web-02": {
          does: "fail",
          ms: 80,
          error: "could not get lock",
          results: [{ name: "openssl", details: { stderr: "E: lock" }, error: "could not get lock" }],
        },
      },
    });
    await own.fleet.until(jid, "failed");
    expect(await own.told(jid)).toEqual(recorded("2hPxSFailed"));
  });

  test("a peel that was given up as unreachable, and returned after the end", async () => {
    await own.fleet.peel("web-09").ready();
    await own.fleet.site.heartbeats?.peels.delete("web-09");
    const jid = await own.fleet.dispatch({
      fn: "state.apply",
      args: { state: "nginx" },
      expr: "web*",
      user: "ops",
      peels: {
        "web-01": { does: "ok", ms: 10, ...call("nginx", "restarted") },
        "web-09": { does: "late", ms: 10, ...call("nginx", "restarted late") },
      },
    });
    await own.fleet.until(jid, "failed");
    await until("late return", async () => (await own.told(jid)).length === recorded("2hPxSLate").length);
    expect(await own.told(jid)).toEqual(recorded("2hPxSLate"));
    expect(await stored(own.fleet.returns, `${jid}.web-09`)).toMatchObject({ unreachable: true });
  });

  test("a dry run", async () => {
    const jid = await own.fleet.dispatch({
      fn: "state.apply",
      args: { state: "nginx", test: true },
      expr: "web-01",
      user: "ops",
      peels: {
        "web-01": {
          does: "dry",
          results: [
            {
              name: "file.managed:/etc/nginx/nginx.conf",
              changed: true,
              diff: "-worker_processes 2\n+worker_processes 4\n",
              details: { path: "/etc/nginx/nginx.conf" },
            },
            { name: "service.running:nginx" },
            { name: "cmd.run:reload", skipped: "onchanges: nothing changed" },
          ],
        },
      },
    });
    await own.fleet.until(jid, "complete");
    expect(await own.told(jid)).toEqual(recorded("2hPxSTest"));
  });

  test("canceled by a master, one of two had returned", async () => {
    const jid = await own.fleet.dispatch({
      fn: "cmd.run",
      args: { command: "sleep 600" },
      expr: "db*",
      peels: { "db-01": { does: "ok", ms: 10, ...call("sleep", "") }, "db-02": { does: "hang" } },
    });
    await until("return", () => stored(own.fleet.returns, `${jid}.db-01`));
    own.fleet.cancel(jid);
    await own.fleet.until(jid, "canceled");
    expect(await own.told(jid)).toEqual(recorded("2hPxSCut"));
  });

  test("a peel whose queue was full", async () => {
    const run = (command: string, behaviour: Behaviour) =>
      own.fleet.dispatch({ fn: "cmd.run", args: { command }, expr: "db-01", peels: { "db-01": behaviour } });
    const others = [await run("a", { does: "hang" }), await run("b", ok)] as const;
    const jid = await run("true", ok);
    await own.fleet.until(jid, "failed");
    expect(await own.told(jid)).toEqual(recorded("2hPxSBusy"));
    own.fleet.cancel(others[0]);
    await own.fleet.until(others[1], "complete");
  });

  test("a run by a peel's own schedule", async () => {
    const jid = await own.fleet.schedule("web-01", "nightly", "state.highstate", {
      does: "ok",
      ms: 30,
      results: [{ name: "motd" }],
    });
    expect(await own.fleet.jobs.get(jid)).toBeNull();
    await own.fleet.until(jid, "complete");
    expect(await own.told(jid)).toEqual(recorded("2hPxSSched"));
    const record = await stored(own.fleet.jobs, jid);
    expect(record?.created).toEqual(record?.updated);
  });

  test("a job made by a rule", async () => {
    const peels = { "web-01": { does: "ok", ...call("nginx", "") } } as const;
    const args = { name: "nginx" };
    const jid = await own.fleet.react("restart-nginx", "beacon/nginx/down", "service.restart", peels, args);
    expect(jid).toMatch(/^rxn-[0-9a-f]{32}$/);
    await own.fleet.until(jid, "complete");
    expect(await own.told(jid)).toEqual(recorded("rxn-0123456789abcdef0123456789abcdef"));
  });

  test("signs of life", async () => {
    const jid = await own.fleet.dispatch({ fn: "test.ping", peels: { "web-01": { does: "hang" } } });
    const beat = (story: Story) => story.filter(([kind]) => kind.includes("-heartbeat.")).at(-1);
    const [kind, payload] = beat(recorded("master-2hPwZ9")) as Story[number];
    await until("heartbeat with the job", async () =>
      Bun.deepEquals(beat(await own.told("master-demo01")), [kind, payload.replace("2hPxSForged", jid)]),
    );
    expect(beat(await own.told("web-01"))).toEqual(beat(recorded("web-01")));
    own.fleet.cancel(jid);
    await own.fleet.until(jid, "canceled");
  });

  test("acks and returns of others, and those sent as another peel, change nothing", async () => {
    const jid = await own.fleet.dispatch({
      fn: "cmd.run",
      peels: { a: { does: "ok", ms: 150 }, b: { does: "silent" } },
    });
    const say = (kind: string, peel: string, as: string) =>
      own.nc.publish(`zester.job.${jid}.${kind}.${peel}`, encode({ jid, peel_id: as, success: false }));
    say("ack", "evil", "evil");
    say("ack", "b", "a");
    say("return", "evil", "evil");
    say("return", "b", "a");
    await own.fleet.until(jid, "failed");
    expect(await stored(own.fleet.jobs, jid)).toMatchObject({ return_count: 2, success_count: 1 });
    expect(await stored(own.fleet.returns, `${jid}.b`)).toMatchObject({ unreachable: true });
    expect(await own.fleet.returns.get(`${jid}.evil`)).toBeNull();
  });

  test("a known job is answered again when it is meant, and a conflict otherwise", async () => {
    const request = { fn: "test.ping", args: { a: 1, b: 2 }, peels: { a: ok } };
    const jid = await own.fleet.dispatch(request);
    expect(jid).toMatch(/^[0-9A-Za-z]{27}$/);
    expect(await own.fleet.dispatch({ ...request, jid, args: { b: 2, a: 1 } })).toBe(jid);
    await expect(own.fleet.dispatch({ ...request, jid, args: { a: 2 } })).rejects.toThrow("conflict");
    await own.fleet.until(jid, "complete");
    expect(kinds(await own.told(jid)).filter((kind) => kind.endsWith("dispatch"))).toHaveLength(1);
  });

  test("a peel acks at once and runs one job after the other; read-only functions pass by", async () => {
    const does = (ms: number): Behaviour => ({ does: "ok", ms });
    const first = await own.fleet.dispatch({ fn: "cmd.run", peels: { q: does(200) } });
    const second = await own.fleet.dispatch({ fn: "cmd.run", peels: { q: does(30) } });
    const ping = await own.fleet.dispatch({ fn: "test.ping", peels: { q: does(10) } });
    await own.fleet.until(ping, "complete");
    expect(kinds(await own.told(second)).at(-1)).toBe("zester.job.JID.ack.q");
    await own.fleet.until(second, "complete");
    expect(kinds(await own.told(first)).at(-1)).toBe("zester.job.JID.status");
    expect(await stored(own.fleet.returns, `${second}.q`)).toMatchObject({ duration: 30_000_000n });
  });

  test("a peel that comes back in time answers the second request", async () => {
    const peel = own.fleet.peel("back");
    peel.goOffline();
    const jid = await own.fleet.dispatch({ fn: "cmd.run", peels: { back: ok } });
    await peel.goOnline();
    await own.fleet.until(jid, "complete");
    expect(await stored(own.fleet.jobs, jid)).toMatchObject({ offline_at_dispatch: ["back"] });
  });

  test("a late return replaces the master's own while the job is watched", async () => {
    const peels = { slow: { does: "late", ms: 10 }, hung: { does: "hang" } } as const;
    const jid = await own.fleet.dispatch({ fn: "cmd.run", peels });
    const returned = (success: boolean) => async () =>
      (await stored(own.fleet.returns, `${jid}.slow`))?.success === success;
    await until("return by the master", returned(false));
    await until("return by the peel", returned(true));
    own.fleet.cancel(jid);
    await own.fleet.until(jid, "canceled");
    expect(await stored(own.fleet.jobs, jid)).toMatchObject({ return_count: 1, success_count: 1 });
  });

  test("a peel that crashes loses its work and its heartbeat", async () => {
    const jid = await own.fleet.dispatch({ fn: "cmd.run", peels: { frail: ok, a: ok }, timeoutMs: 300 });
    own.fleet.peel("frail").goOffline();
    await own.fleet.until(jid, "partial");
    const peels = own.fleet.site.heartbeats?.peels as KV;
    await until("end of the heartbeat", async () => (await stored(peels, "frail")) === undefined);
  });
});

describe("masters that die", () => {
  const hang = { fn: "cmd.run", peels: { a: { does: "hang" } } } as const;

  test("another one takes the job over, and ends it; after a clean stop as well", async () => {
    const own = await startFleet({ scale: 0.02 });
    const jid = await own.fleet.dispatch({ fn: "cmd.run", peels: { a: { does: "stubborn", ms: 6000 } } });
    own.fleet.crash();
    const masters = own.fleet.site.heartbeats?.masters as KV;
    await until("end of the heartbeat", async () => (await stored(masters, "master-demo01")) === undefined);
    expect(await stored(own.fleet.jobs, jid)).toMatchObject({ status: "running", owner: "master-demo01" });
    await own.fleet.startMaster();
    const owner = (name: string) => async () => (await stored(own.fleet.jobs, jid))?.owner === name;
    await until("second owner", owner("master-demo02"));
    await own.fleet.stopMaster();
    expect(await masters.get("master-demo02")).toMatchObject({ operation: "DEL" });
    expect(await stored(own.fleet.jobs, jid)).toMatchObject({ status: "running", reclaim_count: 1 });
    await own.fleet.startMaster();
    await own.fleet.until(jid, "complete");
    expect(await stored(own.fleet.jobs, jid)).toMatchObject({ owner: "master-demo03", reclaim_count: 2 });
    await own.stop();
  });

  test("after more than three takeovers the job is given up", async () => {
    const own = await startFleet({ scale: 0.02 });
    const jid = await own.fleet.dispatch({
      fn: "state.highstate",
      args: {},
      expr: "*",
      user: "ops",
      timeoutMs: 600_000,
      peels: { "web-01": { does: "hang" } },
    });
    for (let takeovers = 1; takeovers <= 4; takeovers++) {
      own.fleet.crash();
      await own.fleet.startMaster();
      await until("takeover", async () => (await stored(own.fleet.jobs, jid))?.reclaim_count === takeovers);
    }
    await own.fleet.until(jid, "failed");
    expect((await own.told(jid)).slice(-2)).toEqual(recorded("2hPxSReclaim").slice(-2));
    await own.stop();
  }, 40_000);

  test("without the stream of events and the buckets of heartbeats the fleet works on", async () => {
    const own = await startFleet({ events: false, heartbeats: false, ignoreCancel: true });
    const jsm = await own.nc.jetstreamManager();
    expect((await jsm.streams.list().next()).map(({ config }) => config.name).sort()).toEqual([
      "KV_job-returns",
      "KV_jobs",
    ]);
    const deaf = await own.fleet.dispatch({ ...hang, timeoutMs: 300 });
    own.fleet.cancel(deaf);
    await own.fleet.until(deaf, "timeout");
    await own.stop();
  });
});
