// `show --summary` of a job with 400 peels, as it stands on a terminal and in a pipe.
import { expect, test } from "bun:test";
import { createBuckets, encode, jobRecord, startServer, Time, zester } from "../support/harness.ts";

const JID = "2hPx1";
const id = (n: number) => `web-${String(n).padStart(3, "0")}`;
const DIFF = "-openssl 3.0.14\n+openssl 3.0.15";
const CHANGED = { results: [{ name: "pkg.installed:openssl", changed: true, diff: DIFF, duration: 1n }] };
const NONE = { results: [{ name: "pkg.installed:openssl", changed: false, duration: 1n }] };

const ODD: Readonly<Record<string, object>> = {
  [id(42)]: { duration: 187_000_000_000n },
  [id(137)]: { success: false, error: "write /etc/nginx/nginx.conf: no space left on device" },
  [id(211)]: { return_data: CHANGED },
  [id(300)]: { success: false, unreachable: true, error: "UNREACHABLE: no heartbeat", return_data: null },
};

const FACTS = `state.apply nginx on web* by ops, 400 peels
Job       2hPx1
State     failed
Target    web*
User      ops
Owner     m1
Created   2026-01-15T09:30:00Z (AGE ago)
Duration  3m10s
Peels     400: 1 failed, 1 unreachable, 398 ok (1 changed)
Peels took median 1.5s, slowest web-042 3m7s

`;
const WIDE = `${FACTS}\
OUTCOME       PEELS  WHERE                                  WHAT
failed            1  web-137                                write /etc/nginx/nginx.conf: no space left on device
unreachable       1  web-300                                no ack
ok, changed       1  web-211                                pkg.installed:openssl  +1 -1
ok              397  web-[001-136,138-210,212-299,301-400]
`;
const NARROW = `${FACTS}\
OUTCOME      PEELS  WHERE                WHAT
failed           1  web-137              write /etc/nginx/nginx.conf: no space
                                         left on device
unreachable      1  web-300              no ack
ok, changed      1  web-211              pkg.installed:openssl  +1 -1
ok             397  web-[001-136,…,400]
`;

test("400 peels on one screen", async () => {
  const server = await startServer();
  const nc = await server.connect();
  const { jobs } = await createBuckets(nc);
  const targets = Array.from({ length: 400 }, (_, i) => id(i + 1));
  const fields = {
    function: "state.apply",
    args: { state: "nginx" },
    targets,
    target_expr: "web*",
    user: "ops",
  };
  const times = { created: Time.at("2026-01-15T09:30:00Z"), updated: Time.at("2026-01-15T09:33:10Z") };
  await jobs.put(JID, encode(jobRecord(JID, { ...fields, ...times, owner: "m1", status: "failed" })));
  const usual = {
    jid: JID,
    success: true,
    return_data: NONE,
    duration: 1_500_000_000n,
    timestamp: Time.now(),
  };
  for (const peel of targets)
    nc.publish(`$KV.job-returns.${JID}.${peel}`, encode({ ...usual, peel_id: peel, ...ODD[peel] }));
  await nc.flush();
  await nc.close();
  const env = { NATS_URL: server.url };
  // The same instant on a terminal in Berlin.
  const local = (text: string) => text.replace("2026-01-15T09:30:00Z", "2026-01-15 10:30:00 CET");
  const told = (text: string) => text.replaceAll("\r", "").replace(/\(\S+ ago\)/, "(AGE ago)");
  const onTerminal = (columns: number, flags = "--summary") => {
    const command = `stty cols ${columns}; dist/zester job show ${JID} --no-color ${flags}`;
    const cwd = `${import.meta.dir}/../..`;
    const run = Bun.spawnSync(["script", "-qec", command, "/dev/null"], {
      env: { ...process.env, ...env, TZ: "Europe/Berlin" },
      cwd,
    });
    return told(run.stdout.toString());
  };
  expect(told((await zester(["job", "show", JID, "--summary"], { env })).stdout)).toBe(WIDE);
  expect(onTerminal(200)).toBe(local(WIDE));
  expect(onTerminal(80)).toBe(local(NARROW));
  expect(onTerminal(80, "--summary --utc")).toBe(NARROW.replace("2026-01-15T09:30:00Z", "2026-01-15 09:30:00 UTC"));
  const record = (text: string) => text.split("\nReturns:")[0] as string;
  const { stdout } = await zester(["job", "show", JID], { env });
  const filled = record(onTerminal(80, ""));
  expect(JSON.parse(filled)).toEqual(JSON.parse(record(stdout)));
  const [whole, short] = [record(stdout), filled].map((text) => text.split("\n")) as [string[], string[]];
  expect([whole.length, short.length]).toEqual([417, 75]);
  expect(Math.max(...short.map((line) => line.length))).toBeLessThanOrEqual(80);
  await server.stop();
});
