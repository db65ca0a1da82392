// npm run demo: a NATS server, a fleet with jobs, and the real executable's commands on them.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { badJob, goodJob, KEPT_JOBS, longJob } from "./demo-fleet.ts";
import { Fleet } from "./fleet.ts";
import { cleanUp, startServer, until, ZESTER } from "./harness.ts";

const keep = process.argv.includes("--keep");
const server = await startServer();
const nc = await server.connect();
// Masters give up silent peels after half a second instead of ten.
const fleet = await Fleet.start(nc, { scale: 0.05 });

async function stop(): Promise<void> {
  // Ctrl-C has reached the server as well: the fleet of --keep has nothing left to write to.
  if (!keep) {
    await fleet.stop();
    await nc.close();
  }
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

/** Prints an explanation between two commands. */
const explain = (text: string) => console.log(`\n# ${text}`);

async function demo(): Promise<void> {
  explain("A fleet of one master and ten peels. A job runs; `watch` follows it until it ends.");
  await show("job", "watch", await goodJob(fleet));

  explain(
    "A job fails: one peel returns an error, one cannot be reached, one never returns. `wait` exits with code 4.",
  );
  const failed = await badJob(fleet);
  await showEnding(4, "job", "wait", failed);
  await show("job", "show", failed, "--summary");
  explain("Retry the job on the peel that failed.");
  await show("job", "retry", failed, "--failed", "--yes", "--wait");

  explain("A job hangs. `active` lists it, `trace` shows which peel is executing it.");
  const long = await longJob(fleet);
  const returned = `${long}.cache-01`;
  await until("the return of cache-01", async () => (await fleet.returns.get(returned)) !== null);
  await show("job", "active");
  await show("job", "trace", long);

  explain("Cancel it, and wait until it ends.");
  await show("job", "kill", long, "--wait");
  await showEnding(5, "job", "wait", long);
  await show("job", "list");
  const shown = Bun.spawnSync([ZESTER, "job", "show", long, "--format", "json"], {
    env: { NATS_URL: server.url },
  });
  const status = JSON.parse(shown.stdout.toString()).job.status;
  if (status !== "canceled") throw new Error(`the killed job is ${status}, not canceled`);

  explain("A page about the job that failed, for a ticket: open it in a browser.");
  await show("job", "report", failed, "--output", join(mkdtempSync(join(tmpdir(), "zester-demo-")), "job.html"));
}

async function keepRunning(): Promise<void> {
  for (const { start } of KEPT_JOBS) await start(fleet);
  const timers = KEPT_JOBS.map(({ start, everyMs }) => setInterval(() => void start(fleet), everyMs));
  console.log(
    `\nThe fleet runs, and new jobs start all the time. In another shell:\n\nexport NATS_URL=${server.url} PATH=${dirname(ZESTER)}:$PATH\nzester job watch\n\nCtrl-C stops everything.`,
  );
  await new Promise((done) => {
    process.once("SIGINT", done);
    process.once("SIGTERM", done);
  });
  timers.forEach(clearInterval);
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
