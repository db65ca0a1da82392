// npm run screenshots: docs/*.svg, the pictures of the README, what the executable shows on a terminal, on a fleet; and
// docs/example.jsonl, the jobs of the demo as an export.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { badJob, goodJob, longJob } from "./demo-fleet.ts";
import { type Behaviour, Fleet } from "./fleet.ts";
import { cleanUp, Running, startServer, zester } from "./harness.ts";
import { Pictured } from "./pictured.ts";
import { svgOf } from "./svg.ts";

const DOCS = join(import.meta.dir, "../../docs");
const COLUMNS = 100;

const server = await startServer();
const nc = await server.connect();
const fleet = await Fleet.start(nc, { scale: 0.05 });
const env = { NATS_URL: server.url, TERM: "xterm-256color", TZ: "UTC" };

const save = (name: string, title: string, screen: string) => writeFileSync(join(DOCS, name), svgOf(title, screen));

/** Peels with one behaviour: `prefix-01` and so on. */
const peels = (prefix: string, numbers: readonly number[], behaviour: Behaviour) =>
  Object.fromEntries(numbers.map((number) => [`${prefix}-${String(number).padStart(2, "0")}`, behaviour]));
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** A summary of a job that failed. */
async function failedJob(): Promise<void> {
  const full = "write /etc/nginx/nginx.conf: no space left on device";
  const jid = await fleet.dispatch({
    fn: "state.apply",
    args: { state: "nginx" },
    expr: "web*",
    user: "ops",
    timeoutMs: 4000,
    peels: {
      ...peels("web", range(1, 80), { does: "ok", ms: 900 }),
      ...peels("web", range(5, 70), { does: "ok", ms: 1400, changed: false }),
      ...peels("web", [41, 52], { does: "fail", ms: 700, error: full }),
      ...peels("web", [77], { does: "unreachable" }),
      ...peels("web", [33], { does: "hang" }),
    },
  });
  await fleet.until(jid, "partial");
  const args = ["job", "show", "@last-bad", "--summary"];
  const shown = new Running(args, env, { cols: COLUMNS, rows: 40 });
  await shown.ended();
  save("failed.svg", "The summary of a failed job", `$ zester ${args.join(" ")}\n${shown.out.trimEnd()}`);
}

/** The picture of `watch`: jobs that run, one that is stuck, and one that failed. */
async function watch(): Promise<void> {
  await fleet.dispatch({
    fn: "state.highstate",
    expr: "web*",
    peels: { ...peels("web", range(1, 53), { does: "ok", ms: 50 }), ...peels("web", range(54, 80), { does: "hang" }) },
  });
  await fleet.dispatch({
    fn: "cmd.run",
    args: { command: "rebuild-cache" },
    expr: "cache*",
    user: "ops",
    peels: { ...peels("cache", [1], { does: "ok", ms: 50 }), ...peels("cache", [2, 3], { does: "hang" }) },
  });
  await badJob(fleet);
  const stuck = await fleet.dispatch({
    fn: "pkg.upgrade",
    expr: "mail*",
    user: "alice",
    peels: { ...peels("mail", [1, 2], { does: "ok", ms: 50 }), ...peels("mail", [3, 4], { does: "hang" }) },
  });
  const picture = new Pictured(["job", "watch"], env, { cols: COLUMNS, rows: 20 });
  picture.type("t");
  // web-33 still executes the job before.
  const wanted = [/mail\*.* 2\/4/, /web\*.* 52\/80/, /cache\*.* 1\/3/, /db\*.*partial/];
  await picture.shows(({ lines }) => wanted.every((row) => lines.some((line) => row.test(line))));
  await fleet.forget(stuck);
  await picture.shows(/running, stuck/);
  picture.type("G");
  await picture.shows(/no space left on device/);
  save("watch.svg", "zester job watch: active jobs, and those that ended in the last hour", picture.screen);
  picture.type("q");
  await picture.ended();
}

/** The jobs of the demo, with the IDs of the documents: one is ok, one failed, one runs. */
async function example(): Promise<void> {
  const server = await startServer();
  const nc = await server.connect();
  const fleet = await Fleet.start(nc);
  const good = await goodJob(fleet, 300, "2hPx1QbE7yUeLmTq3WcZsRkAvHd");
  await fleet.until(good, "complete");
  await longJob(fleet, 600, "2hPx4TmWqWnE0bRzKc7VdYsGuQh");
  const bad = await badJob(fleet, "2hPx2Kd8VnR7YmWqTz4PLsCfNjA");
  await fleet.until(bad, "partial");
  const file = join(DOCS, "example.jsonl");
  const write = ["job", "export", "--all", "--force", "--output", file];
  const { code, stderr } = await zester(write, { env: { NATS_URL: server.url } });
  if (code !== 0) throw new Error(stderr);
  await fleet.stop();
  await nc.close();
}

try {
  await example();
  await failedJob();
  await watch();
} finally {
  await fleet.stop();
  await nc.close();
  await cleanUp();
}
