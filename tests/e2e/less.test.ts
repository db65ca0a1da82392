// Sites that tell less: without the stream of events, without heartbeats, or for a user who may not read them. Only what they
// would have told is lost, and that is said, once.
import { afterAll, describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { away, type Behaviour, Fleet, type FleetOptions, hang, ok } from "../support/fleet.ts";
import { Running, startServer, until, zester } from "../support/harness.ts";

const DOCUMENT = await Bun.file(resolve(import.meta.dir, "../../docs/connection.md")).text();
const READ = /<!-- permissions: read -->\n```\n([\s\S]*?)```/.exec(DOCUMENT)?.[1] ?? "";
const without = (part: string) => READ.replaceAll(new RegExp(`"[^"]*${part}[^"]*",?`, "g"), "");

const USERS: Record<string, string> = {
  root: "",
  read: READ,
  "no-events": without("job-events"),
  "no-heartbeats": without("heartbeat"),
};
const users = Object.entries(USERS).map(([name, rights]) => `{ user: ${name}, password: x\n${rights} }`);

/** Silent, and not given up while the tests run. */
const quiet: Behaviour = { does: "unreachable", ms: 600_000 };

/** A fleet with a job that goes on and one that has ended: web-01 is at it, web-02 is given up. */
async function start(options: FleetOptions) {
  const server = await startServer(`authorization { users: [${users.join("\n")}] }`);
  const nc = await server.connect({ user: "root", pass: "x" });
  const fleet = await Fleet.start(nc, options);
  const open = await fleet.dispatch({
    fn: "cmd.run",
    peels: { "web-01": hang, "web-03": quiet },
  });
  const ended = await fleet.dispatch({ fn: "cmd.run", peels: { "db-01": ok, "db-02": away } });
  await fleet.until(ended, "failed");
  if (options.events !== false)
    await until("ack", async () => {
      const args = ["job", "trace", open, "--master", server.url.replace("//", "//root:x@")];
      return (await zester(args)).stdout.includes("delivered in");
    });
  return {
    open,
    ended,
    onTerminal: async (user: string, ...args: string[]) => {
      const env = { NATS_URL: server.url.replace("//", `//${user}:x@`) };
      const running = new Running(["job", ...args, "--no-color"], env, { cols: 200, rows: 24 });
      const code = await running.ended();
      return { text: running.out.replaceAll("\r", ""), code };
    },
    run: (user: string, ...args: string[]) =>
      zester(["job", ...args, "--master", server.url.replace("//", `//${user}:x@`)]),
    async stop() {
      await fleet.stop();
      await nc.close();
      await server.stop();
    },
  };
}

const NO_BEATS = / Cannot tell whether (the job's master is alive|silent peels are offline)\.\n$/;
const NO_BUCKET = / has no bucket "(master|peel)-heartbeat"\. Cannot tell whether [^\n]+\.\n$/;
const NO_EVENTS = / Cannot tell which peels accepted the job\.\n$/;
const whole = await start({});
const noEvents = await start({ events: false });
const noBeats = await start({ heartbeats: false });
afterAll(() => Promise.all([whole.stop(), noEvents.stop(), noBeats.stop()]));

/** What is told of the job that goes on, and what is said on stderr. */
const CASES: readonly [name: string, site: typeof whole, user: string, peels: string, note: RegExp][] = [
  ["all rights", whole, "root", "0/2 done: 1 silent, 1 executing", /^$/],
  ["the rights of the document", whole, "read", "0/2 done: 1 silent, 1 executing", /^$/],
  ["no right to events", whole, "no-events", "0/2 done: 2 missing", NO_EVENTS],
  ["no right to heartbeats", whole, "no-heartbeats", "0/2 done: 1 silent, 1 executing", NO_BEATS],
  ["no stream of events", noEvents, "root", "0/2 done: 2 missing", NO_EVENTS],
  ["no heartbeats", noBeats, "root", "0/2 done: 1 silent, 1 executing", NO_BUCKET],
];

describe.each(CASES)("%s", (_, site, user, peels, note) => {
  test.each([["trace"], ["show", "--summary"]])("%s", async (...words) => {
    const [command = "", ...flags] = words as string[];
    const going = await site.run(user, command, site.open, ...flags);
    expect(going.stdout).toContain(`\nState     running\n`);
    expect(going.stdout).toContain(`\nPeels     ${peels}\n`);
    expect(going.stdout).not.toContain("Stuck");
    expect([going.stderr, going.code]).toEqual([expect.stringMatching(note), 0]);
    expect(going.stderr.match(/^warning/gm) ?? []).toHaveLength(going.stderr === "" ? 0 : 1);
    const over = await site.run(user, command, site.ended, ...flags);
    expect(over.stdout).toMatch(/\nPeels {5}2: 1 unreachable, 1 ok( \(1 changed\))?\n/);
    expect(over.stderr.match(/^warning/gm)?.length ?? 0).toBeLessThan(2);
  });

  test("wait", async () => {
    const { stdout, stderr, code } = await site.run(user, "wait", site.ended);
    expect([stdout, code]).toEqual([expect.stringMatching(/: 1 unreachable, 1 ok\n$/), 3]);
    expect(stderr.match(/^warning/gm)?.length ?? 0).toBeLessThan(2);
  });

  test.each(["active", "list --wide"])("%s: on a terminal only", async (line) => {
    const words = line.split(" ");
    const told = / Cannot tell whether the masters are alive\.\n/g;
    const { text, code } = await site.onTerminal(user, ...words);
    expect([code, text]).toEqual([0, expect.stringContaining(site.open)]);
    expect(text.match(told) ?? []).toHaveLength(note === NO_BEATS || note === NO_BUCKET ? 1 : 0);
    const piped = await site.run(user, ...words);
    expect([piped.stderr, piped.code]).toEqual(["", 0]);
  });
});
