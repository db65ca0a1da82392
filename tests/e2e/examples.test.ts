// The examples of the help texts.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Command, loadAll } from "../../lib/cli/command.ts";
import { zester as root } from "../../zester.ts";
import {
  createBuckets,
  encode,
  jobRecord,
  type Server,
  startServer,
  tempDir,
  ZESTER,
  zester,
} from "../support/harness.ts";
import { decode } from "../support/wire.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

/** Every example of every help text, as it would be typed. */
async function examples(command: Command, path: string[] = []): Promise<string[]> {
  const { stdout } = await zester([...path, "--help"]);
  const shown = (stdout.match(/\nExample:\n((?: {2}.*\n)+)/)?.[1] ?? "").split("\n").filter(Boolean);
  const below = Object.entries(command.subCommands ?? {});
  const nested = await Promise.all(below.map(([name, sub]) => examples(sub, [...path, name])));
  return [...shown.map((line) => line.trim()), ...nested.flat()];
}

test("every example in the help runs", async () => {
  const nc = await server.connect();
  const { jobs } = await createBuckets(nc);
  const targets = ["web-01", "web-388", "db_eu_example"];
  for (const jid of ["20260115-001", "20260115-002"])
    await jobs.put(jid, encode(jobRecord(jid, { targets, status: jid.endsWith("2") ? "running" : "complete" })));
  await jobs.put("20260115-003", encode(jobRecord("20260115-003", { status: "failed" })));
  // A master that ends what is canceled, and at once what is dispatched.
  nc.subscribe("zester.dispatch", {
    callback: async (_, msg) => {
      const { jid } = decode(msg.data) as { jid: string };
      await jobs.put(jid, encode(jobRecord(jid)));
      msg.respond(encode({ jid }));
    },
  });
  nc.subscribe("zester.job.*.cancel", {
    callback: (_, msg) => {
      const jid = msg.subject.split(".")[2] as string;
      void jobs.put(jid, encode(jobRecord(jid, { status: "canceled" })));
    },
  });
  await nc.flush();
  const all = await examples(await loadAll(root));
  expect(all.length).toBeGreaterThan(12);
  const dir = ZESTER.replace(/\/[^/]*$/, "");
  /** What goes on until Ctrl-C ends by it; what waits for a job tells how it ended. */
  // These jobs are older than grep looks, which is "not found".
  const goesOn = (example: string) => /job (watch|wait)|--follow|--wait/.test(example);
  const codes = (example: string) => (goesOn(example) ? [0, 2, 3, 130] : example.includes("job grep") ? [2] : [0]);
  const home = tempDir();
  for (const example of all) {
    await jobs.put("20260115-002", encode(jobRecord("20260115-002", { status: "running" })));
    // Names that a user has, and pipes into files of theirs, are left out; so is the shell's own `source`.
    const command = example
      .replace(/ *#.*$/, "")
      .replace(/--context \S+/, "")
      .replace(/^source <\((.*)\)$/, "$1")
      .replace(/ > .*$/, "");
    const child = Bun.spawn(
      ["sh", "-c", command.replaceAll(/\bzester\b(?= )/g, `timeout -s INT ${goesOn(example) ? 1 : 20} zester`)],
      {
        cwd: home,
        env: { NATS_URL: server.url, PATH: `${dir}:${process.env.PATH}`, HOME: home },
        stdin: "ignore",
        stdout: "ignore",
        stderr: "pipe",
      },
    );
    const err = await new Response(child.stderr).text();
    const code = await child.exited;
    // timeout(1) has a code of its own for what it ended.
    if (!codes(example).includes(code === 124 ? 130 : code)) throw new Error(`${example}: exit ${code}\n${err}`);
  }
  await nc.close();
}, 60_000);
