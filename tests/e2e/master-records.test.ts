// The records of a Go master, in every command that shows jobs.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { NatsConnection } from "nats";
import { type Server, startServer, zester } from "../support/harness.ts";
import { putFixtures } from "../support/seed.ts";

let server: Server;
let nc: NatsConnection;
const run = (...args: string[]) => zester(args, { env: { NATS_URL: server.url } });

beforeAll(async () => {
  server = await startServer();
  nc = await server.connect();
  await putFixtures(nc);
});
afterAll(async () => {
  await nc.close();
  await server.stop();
});

test("list: oldest first, index keys are no rows", async () => {
  expect(
    (await run("job", "list")).stdout,
  ).toBe(`JID                          FUNCTION         TARGET                STATE
20260115-001                 test.ping        -                     pending
2hPx1FNsSgJMqVn5bLSTXeBQMpO  state.apply      web*                  complete
2hPx3unicode                 cmd.run          G@os:ubuntu and web*  timeout
2hPx2Kd8VnR7YmWqTz4PLsCfNjA  pkg.installed    db*                   running
2hPx4Sched0000000000000000A  state.highstate  [web-01]              complete
`);
});

test("active: display form of peel ids", async () => {
  const { stdout, stderr } = await run("job", "active");
  expect(stdout).toContain("[db-01 db-02 db.eu.example]    running\n".replace("    running", "  running"));
  expect(stdout).toContain("20260115-001                 test.ping      -                            pending\n");
  expect(stderr).toMatch(/^warning: 1 job is \d+d overdue: 2hPx2Kd8VnR7YmWqTz4PLsCfNjA\n$/);
});

test("show: errors and unreachable peels in a fourth column", async () => {
  const { stdout } = await run("job", "show", "2hPx2Kd8VnR7YmWqTz4PLsCfNjA");
  expect(stdout).toContain('  "epoch": 18446744073709551615,\n');
  expect(stdout).toEndWith(`
Returns:
PEEL      SUCCESS  DURATION  ERROR
db-01     false    30s       apt-get: could not get lock /var/lib/dpkg/lock-frontend
db-02     false    -         unreachable
`);
});

test("show: nothing raw reaches the terminal", async () => {
  const { stdout } = await run("job", "show", "2hPx3unicode");
  expect(stdout).toContain("line one\\nline two\\t\\x1b[2J\\x1b[31mred");
  expect(stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
});

test("json and yaml keep every digit and every stored value", async () => {
  const json = await run("job", "list", "--format", "json");
  expect(json.stdout).toContain('"epoch": 18446744073709551615');
  const records = JSON.parse(json.stdout);
  expect(records).toHaveLength(5);
  expect(records[3].targets).toContain("db_eu_example");
  const yaml = await run("job", "list", "--format", "yaml");
  expect(yaml.stdout).toContain("18446744073709551615");
  expect((Bun.YAML.parse(yaml.stdout) as unknown[]).length).toBe(5);
  const shown = JSON.parse((await run("--format=json", "job", "show", "2hPx3unicode")).stdout);
  expect(shown.returns[0].return_data).toBe("AAEC/w==");
  expect(Object.keys(shown)).toEqual(["job", "returns"]);
});
