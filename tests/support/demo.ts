// npm run demo: a NATS server, a fleet with jobs, and the real executable's commands on them.
import { Fleet } from "./fleet.ts";
import { cleanUp, startServer, until, ZESTER } from "./harness.ts";

const keep = process.argv.includes("--keep");
const server = await startServer();
const nc = await server.connect();
// Masters give silent peels up after half a second instead of ten.
const fleet = await Fleet.start(nc, { scale: 0.05 });

async function stop(): Promise<void> {
  await fleet.stop();
  await nc.close();
  await server.stop();
  await cleanUp();
}

/** Shows the command as typed, and its output as it comes; fails unless it ends with `expected`. */
async function showEnding(expected: number, ...args: string[]): Promise<void> {
  console.log(`\n$ zester ${args.join(" ")}`);
  const child = Bun.spawn([ZESTER, ...args], {
    env: { ...process.env, NATS_URL: server.url },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const code = await child.exited;
  if (code !== expected) throw new Error(`zester ${args.join(" ")} ended with exit code ${code}`);
}

const show = (...args: string[]) => showEnding(0, ...args);

const ok = (ms: number) => ({ does: "ok", ms }) as const;

async function shortJobs(): Promise<[done: string, failed: string]> {
  const done = await fleet.dispatch({
    fn: "state.apply",
    args: { state: "nginx.restart" },
    expr: "web*",
    peels: { "web-01": ok(320), "web-02": ok(180), "web-03": ok(250) },
  });
  const failed = await fleet.dispatch({
    fn: "pkg.installed",
    args: { name: "postgresql" },
    expr: "db*",
    user: "ops",
    peels: {
      "db-01": ok(200),
      "db-02": { does: "fail", ms: 150, error: "apt-get: could not get lock /var/lib/dpkg/lock-frontend" },
      db_eu_example: { does: "unreachable", ms: 300 },
    },
  });
  return [done, failed];
}

/** A peel that was given up as unreachable returns after the end of the job: only the events tell. */
async function lateJob(): Promise<string> {
  const jid = await fleet.dispatch({
    fn: "state.apply",
    args: { state: "motd" },
    expr: "web*",
    user: "ops",
    peels: { "web-01": ok(90), "web-09": { does: "late", ms: 120 } },
  });
  await fleet.until(jid, "failed");
  const returned = `zester.job.${jid}.return.web-09`;
  const { streams } = await nc.jetstreamManager();
  await until("the late return", async () => {
    const { state } = await streams.info("job-events", { subjects_filter: returned });
    return state.subjects?.[returned] === 2;
  });
  return jid;
}

/** A job whose master crashed, and which no other master sees: its index entry is lost as well. */
async function stuckJob(): Promise<string> {
  const jid = await fleet.dispatch({
    fn: "state.highstate",
    expr: "mail*",
    timeoutMs: 2000,
    peels: { "mail-01": ok(400), "mail-02": { does: "hang" } },
  });
  fleet.crash();
  await fleet.jobs.delete(`active.${jid}`);
  await fleet.startMaster();
  return jid;
}

const longJob = () =>
  fleet.dispatch({
    fn: "cmd.run",
    args: { command: "sleep 600" },
    expr: "cache*",
    peels: { "cache-01": { does: "hang" }, "cache-02": { does: "hang" } },
  });

async function demo(): Promise<void> {
  const stuck = await stuckJob();
  const [done, failed] = await shortJobs();
  const long = await longJob();
  const late = await lateJob();
  await fleet.until(done, "complete");
  await fleet.until(failed, "failed");
  await show("job", "list");
  await show("job", "show", failed);
  await show("job", "retry", failed, "--failed", "--yes", "--wait");
  await show("job", "active");
  const [, watched] = await shortJobs();
  await showEnding(4, "job", "watch", watched);
  await show("job", "trace", late);
  await show("job", "trace", stuck);
  await show("job", "kill", long, "--wait");
  await showEnding(5, "job", "wait", long);
  await show("job", "list");
  const shown = Bun.spawnSync([ZESTER, "job", "show", long, "--format", "json"], {
    env: { NATS_URL: server.url },
  });
  const status = JSON.parse(shown.stdout.toString()).job.status;
  if (status !== "canceled") throw new Error(`the killed job is ${status}, not canceled`);
  console.log(`\nThe killed job ${long} is seen to be canceled.`);
}

async function keepRunning(): Promise<void> {
  await longJob();
  await shortJobs();
  const timer = setInterval(() => void shortJobs(), 5000);
  console.log(
    `\nThe fleet runs; a new job every few seconds. In another shell:\n\nexport NATS_URL=${server.url}\n${ZESTER} job list\n\nCtrl-C stops everything.`,
  );
  await new Promise((done) => {
    process.once("SIGINT", done);
    process.once("SIGTERM", done);
  });
  clearInterval(timer);
}

let code = 0;
try {
  await demo();
  if (keep) await keepRunning();
} catch (error) {
  console.error(`demo: ${error instanceof Error ? error.message : error}`);
  code = 1;
}
await stop();
process.exit(code);
