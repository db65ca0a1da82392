// `watch <jid>` and `trace --follow` on a terminal, with a master that dies and queues of peels.
import { afterAll, expect, test } from "bun:test";
import { Fleet, fail, hang, ok } from "../support/fleet.ts";
import { consumersLeft, Running, startServer, zester } from "../support/harness.ts";

const server = await startServer();
const nc = await server.connect();
const SCALE = 0.1;
const fleet = await Fleet.start(nc, { scale: SCALE });
const env = { NATS_URL: server.url };
const look = (args: string[], cols = 80) => new Running(["job", ...args, "--no-color"], env, { cols, rows: 24 });
afterAll(async () => {
  await fleet.stop();
  await nc.close();
  await server.stop();
});

/** How soon a dead master is told: the life of its heartbeat, and a second that the server may take, and two more. */
const TOLD_MS = 15_000 * SCALE + 3_000;

/** The newest picture below the lines that stay. */
const frame = ({ out }: Running) =>
  (out.split(/\x1b\[\dA/).at(-1) as string).replaceAll(/\x1b\[[KJ]/g, "").split(/\r+\n/);

async function untilFrame(running: Running, test: (lines: string[]) => boolean, ms: number): Promise<void> {
  const end = Date.now() + ms;
  while (!test(frame(running))) {
    if (Date.now() > end) throw new Error(`not so: ${frame(running).join("\n")}`);
    await Bun.sleep(20);
  }
}

test("a dead master's job is called stuck, until another one takes it over", async () => {
  const args = { command: "sleep 600" };
  const peels = { w1: fail, w2: hang, w3: ok };
  const jid = await fleet.dispatch({ fn: "cmd.run", args, expr: "w*", peels });
  const others = [
    await fleet.dispatch({ fn: "cmd.run", peels: { w2: ok } }),
    await fleet.dispatch({ fn: "cmd.run", peels: { w2: ok } }),
  ];
  const watches = [look(["watch", jid]), look(["watch", jid], 200)];
  const queued = look(["watch", others[1] as string], 120);
  const trace = look(["trace", jid, "-f"]);
  const wait = look(["wait", jid], 200);
  for (const watch of watches) {
    await watch.until("w2  executing");
    expect(watch.out).toContain('  cmd.run "sleep 600" on w*');
    expect(watch.out).toMatch(/by root {2}master-demo01 alive {2}4m5\ds left/);
    expect(watch.out).toMatch(/w1 +failed +20ms +no lock/);
    expect(watch.out).not.toMatch(/w3 +ok/);
  }
  await queued.until(`queued     `);
  expect(queued.out).toContain(`waiting for job ${jid}`);
  fleet.crash();
  await Promise.all([
    ...watches.map((watch) => watch.until("Stuck: no heartbeat from its master master-demo01", TOLD_MS)),
    wait.until(`job ${jid} is stuck: no heartbeat from its master master-demo01. Another`, TOLD_MS),
    trace.until("Stuck     no heartbeat from its master master-demo01", TOLD_MS),
  ]);
  for (const line of frame(watches[0] as Running)) expect(line.length).toBeLessThan(80);
  for (const line of trace.out.split("\x1b[H").at(-1)?.split(/\r+\n/) ?? [])
    expect(line.replaceAll(/\x1b\[[KJ]/g, "").length).toBeLessThanOrEqual(80);
  await fleet.startMaster();
  for (const watch of watches)
    await untilFrame(watch, (lines) => !lines.some((line) => line.startsWith("Stuck")), 15_000);
  await watches[0]?.until("master-demo02 alive");
  await zester(["job", "kill", jid], { env });
  expect(await Promise.all([...watches, trace].map((running) => running.ended()))).toEqual([5, 5, 0]);
  expect(watches[0]?.out).toMatch(/\x1b\[JJob \S+ canceled in \S+: 1 failed, 1\s+(?:unfinished|late),\s+1\s+ok\r+\n$/);
  const last = trace.out.split("\x1b[?1049l").at(-1);
  expect(last).toMatch(/^cmd\.run .*\r\n(.+\r\n)+State +canceled\r\n/);
  // The peel that the cancel stopped may return before or after the picture ends.
  expect(last).toMatch(/ended +canceled\r\n(?:\S+ +return +w2 +late, failed.*\r\n)?$/);
  expect(await queued.ended()).toBe(0);
});

test("Ctrl-C gives the terminal back", async () => {
  const jid = await fleet.dispatch({ fn: "cmd.run", peels: { x1: hang } });
  const [watch, trace] = [look(["watch", jid]), look(["trace", jid, "-f"])];
  await Promise.all([watch.until("x1  executing"), trace.until("x1        executing")]);
  watch.type("\x03");
  trace.type("\x03");
  expect(await Promise.all([watch.ended(), trace.ended()])).toEqual([130, 130]);
  expect(watch.out).toMatch(/\x1b\[\dA\x1b\[K\x1b\[J$/);
  expect(trace.out).toEndWith("\x1b[?25h\x1b[?1049l");
  expect(await consumersLeft(nc)).toBe(0);
  await zester(["job", "kill", jid], { env });
});
