// npm run demo: a NATS server, a fleet with jobs, and the real executable's commands on them.
import { Fleet } from "./fleet.ts";
import { cleanUp, startServer, until, ZESTER } from "./harness.ts";

const keep = process.argv.includes("--keep");
const server = await startServer();
const nc = await server.connect();
// Masters give up silent peels after half a second instead of ten.
const fleet = await Fleet.start(nc, { scale: 0.05 });

async function stop(): Promise<void> {
  await fleet.stop();
  await nc.close();
  await server.stop();
  await cleanUp();
}

/** Prints the command as typed, and its output as it arrives. @throws Error unless its exit code is `expected` */
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

/** A job that ends well. */
const goodJob = (ms = 300) =>
  fleet.dispatch({
    fn: "state.apply",
    args: { state: "nginx.restart" },
    expr: "web*",
    peels: { "web-01": ok(ms + 120), "web-02": ok(ms), "web-03": ok(ms + 60) },
  });

/** A job that fails on one peel and never reaches another. */
const badJob = () =>
  fleet.dispatch({
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

/** A job that hangs on one peel. */
const longJob = () =>
  fleet.dispatch({
    fn: "cmd.run",
    args: { command: "sleep 600" },
    expr: "cache*",
    peels: { "cache-01": ok(100), "cache-02": { does: "hang" } },
  });

/** Prints an explanation between two commands. */
const tell = (text: string) => console.log(`\n# ${text}`);

async function demo(): Promise<void> {
  tell("A fleet of one master and eight peels. A job runs; watch follows it to its end.");
  await show("job", "watch", await goodJob());

  tell(
    "One fails: on one peel there is a lock in the way, and another is out of reach. wait has it in its exit code, 4.",
  );
  const failed = await badJob();
  await showEnding(4, "job", "wait", failed);
  await show("job", "show", failed, "--summary");
  tell("The lock is gone by now: the same job once more, for the peel that failed.");
  await show("job", "retry", failed, "--failed", "--yes", "--wait");

  tell("One hangs. active has it, and trace tells on which peel.");
  const long = await longJob();
  const returned = `${long}.cache-01`;
  await until("the return of cache-01", async () => (await fleet.returns.get(returned)) !== null);
  await show("job", "active");
  await show("job", "trace", long);

  tell("It is killed, and seen to end.");
  await show("job", "kill", long, "--wait");
  await showEnding(5, "job", "wait", long);
  await show("job", "list");
  const shown = Bun.spawnSync([ZESTER, "job", "show", long, "--format", "json"], {
    env: { NATS_URL: server.url },
  });
  const status = JSON.parse(shown.stdout.toString()).job.status;
  if (status !== "canceled") throw new Error(`the killed job is ${status}, not canceled`);
}

async function keepRunning(): Promise<void> {
  const jobs = () => Promise.all([goodJob(), badJob()]);
  await longJob();
  await jobs();
  const timer = setInterval(() => void jobs(), 5000);
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
