// The README's examples: each block marked `<!-- example: name -->` is run, and shows what comes out.
// `UPDATE_README=1 bun test tests/readme.test.ts` writes what came out into it.
import { expect, test } from "bun:test";
import { dirname, resolve } from "node:path";
import { Fleet } from "../support/fleet.ts";
import { type Server, startServer, ZESTER } from "../support/harness.ts";
import { putReferenceData } from "../support/seed.ts";

const README = resolve(import.meta.dir, "../../README.md");
const BLOCK = /(<!-- example: (\w+) -->\n```console\n)([\s\S]*?)(```)/g;

/** What the blocks of one name run on. */
const SCENARIOS: Record<string, (server: Server) => Promise<() => Promise<void>>> = {
  /** The jobs of the command reference. */
  async reference(server) {
    const nc = await server.connect();
    await putReferenceData(nc);
    return () => nc.close();
  },
  /** A job that ended badly, and one that runs. */
  async fleet(server) {
    const nc = await server.connect();
    const fleet = await Fleet.start(nc);
    await fleet.dispatch({
      jid: "2hPx2Kd8VnR7YmWqTz4PLsCfNjA",
      fn: "pkg.installed",
      args: { name: "postgresql", refresh: true },
      expr: "db*",
      user: "ops",
      timeoutMs: 1200,
      peels: {
        "db-01": { does: "ok", ms: 820 },
        "db-02": { does: "fail", ms: 640, error: "could not get lock /var/lib/dpkg/lock" },
        "db-03": { does: "hang" },
        db_eu_example: { does: "unreachable", ms: 20 },
      },
    });
    await fleet.dispatch({
      jid: "2hPx4TmWqWnE0bRzKc7VdYsGuQh",
      fn: "cmd.run",
      args: { command: "rebuild-cache" },
      expr: "cache*",
      user: "ops",
      peels: {
        "cache-01": { does: "ok", ms: 310 },
        "cache-02": { does: "hang" },
        "cache-03": { does: "silent" },
      },
    });
    await fleet.until("2hPx2Kd8VnR7YmWqTz4PLsCfNjA", "partial");
    return async () => {
      await fleet.stop();
      await nc.close();
    };
  },
};

/** Times and how long things took differ from run to run, and with them the widths of columns. */
function steady(text: string): string {
  return text
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replace(/\b\d+(\.\d+)?(µs|ms|s|m\d+s|m|h\d+m|h|d)(?= |\n|\)|:|,|$)/g, "SOME")
    .replace(/ +/g, " ");
}

/** The block as it would be typed, with what comes out now. */
async function play(block: string, server: Server): Promise<string> {
  const env = { NATS_URL: server.url, PATH: `${dirname(ZESTER)}:${process.env.PATH}` };
  let out = "";
  for (const command of block.split("\n").filter((line) => line.startsWith("$ "))) {
    const child = Bun.spawn(["sh", "-c", `{ ${command.slice(2)} ; } 2>&1`], { env, stdin: "ignore" });
    out += `${out && "\n"}${command}\n${await new Response(child.stdout).text()}`;
  }
  return out;
}

test.each(Object.keys(SCENARIOS))("README examples: %s", async (name) => {
  const server = await startServer();
  const stop = await (SCENARIOS[name] as (server: Server) => Promise<() => Promise<void>>)(server);
  let text = await Bun.file(README).text();
  let blocks = 0;
  for (const [whole, head = "", scenario, block = "", tail = ""] of text.matchAll(BLOCK)) {
    if (scenario !== name) continue;
    blocks++;
    const now = await play(block, server);
    if (process.env.UPDATE_README) text = text.replace(whole, () => head + now + tail);
    else expect(steady(now)).toBe(steady(block));
  }
  if (process.env.UPDATE_README) await Bun.write(README, text);
  await stop();
  await server.stop();
  expect(blocks).toBeGreaterThan(0);
});
