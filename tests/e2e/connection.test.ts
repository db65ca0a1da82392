// Reaching a server, and what is said when that fails: each error with a real server.
import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { secretFile } from "../support/credentials.ts";
import { encode, freePort, jobRecord, startServer, tempDir, ZESTER, zester } from "../support/harness.ts";
import { expectError, expectJobs } from "../support/outcome.ts";
import { listen, startGate } from "../support/relay.ts";
import { inRoot, libraries, makeRoot } from "../support/roots.ts";
import { serveJobs } from "../support/serve.ts";

const at = (url: string, ...flags: string[]) => zester(["job", "list", "--master", url, ...flags]);

// The place of a master's own file is the same on every machine: one with a root of its own is needed.
test.skipIf(process.platform !== "linux")(
  "first run: on a master's host at once, elsewhere the error says how",
  async () => {
    const { url } = await serveJobs();
    const needed = await libraries(ZESTER);
    const root = makeRoot(ZESTER, Object.fromEntries(needed.map((path) => [path, path])));
    const settings = await inRoot(root, ["config"], true);
    expect(settings.stdout).toMatch(/^master +nats:\/\/localhost:4222 +default$/m);
    const closed = `nats://127.0.0.1:${await freePort()}`;
    expect(await inRoot(root, ["job", "list", "--master", closed], true)).toEqual({
      stdout: "",
      stderr: `error: cannot connect to ${closed}: connection refused.\nSet the server with --master, NATS_URL, a context or a config file; test it with \`zester config check\`.\n`,
      code: 1,
    });
    mkdirSync(join(root, "etc/zester"), { recursive: true });
    writeFileSync(join(root, "etc/zester/master.yaml"), `nats_url: ${url}\nlog_level: info\n`, { mode: 0o644 });
    expectJobs(await inRoot(root, ["job", "list"], true));
  },
);

describe("addresses", () => {
  test("nothing listens: the address is named, the password is not", async () => {
    const port = await freePort();
    expectError(await at(`nats://user:s3cret@127.0.0.1:${port}`), `nats://127.0.0.1:${port}: connection refused`);
  });

  test("an unknown host", async () =>
    expectError(await at("nats://no-such-host.invalid"), "nats://no-such-host.invalid:4222: unknown host name"));

  test("several: the next is tried, however they are given", async () => {
    const { url } = await serveJobs();
    const dead = [`nats://127.0.0.1:${await freePort()}`, `nats://127.0.0.1:${await freePort()}`] as const;
    expectJobs(await at(`${dead[0]},${dead[1]},${url}`));
    expectJobs(await zester(["--master", dead[0], "job", "list", "--master", url]));
    expectJobs(await at(dead[0], "--master", url));
    expectJobs(await zester(["job", "list"], { env: { NATS_URL: `${dead[0]},${url}` } }));
    expectJobs(await at(`${(await listen(() => {})).url},${url}`, "--timeout", "300ms"));
    expectError(await at(dead.join(",")), dead[0], dead[1]);
    expectError(await at(dead[0], "--master", dead[1]), dead[0], dead[1]);
  });

  test.each([
    ["that never speaks", "", "no answer within 0.5s"],
    [
      "that speaks HTTP",
      "HTTP/1.1 400 Bad Request\r\n\r\n",
      "not a NATS server: it answered HTTP/1.1 400 Bad Request.\n",
    ],
    ["that greets with a broken INFO", 'INFO {"server_id": \r\n', 'not a NATS server: it answered INFO {"server_id":'],
    ["that greets with nothing", "INFO null\r\n", "not a NATS server: it answered INFO null.\n"],
    ["that greets with a list", "INFO []\r\n", "not a NATS server: it answered INFO [].\n"],
    ["that speaks SSH", "SSH-2.0-OpenSSH_9.2\r\n", "not a NATS server: it answered SSH-2.0-OpenSSH_9.2.\n"],
    ["that speaks to the terminal", "\x1b[2J certificate required\r\n", "it answered \\x1b[2J certificate required.\n"],
  ])("a listener %s", async (_, greeting, words) => {
    const { url } = await listen((socket) => void (greeting && socket.write(greeting)));
    const began = performance.now();
    expectError(await at(url, "--timeout", greeting ? "5s" : "500ms"), url, words);
    expect(performance.now() - began).toBeLessThan(3000);
  });

  test("a listener that hangs up", async () =>
    expectError(await at((await listen((socket) => void socket.end())).url), "the server closed the connection"));

  test("a frozen server", async () => {
    const server = await serveJobs();
    await server.freeze();
    const began = performance.now();
    expectError(await at(server.url, "--timeout", "500ms"), server.url, "no answer within 0.5s");
    expect(performance.now() - began).toBeLessThan(3000);
    server.process.kill("SIGCONT");
  });

  test.each([
    ["list", "CONNECT {", "no answer within"],
    ["list", "CONSUMER.CREATE", "no answer to a request on $JS.API.CONSUMER.CREATE.KV_jobs."],
    ["active", "MSG.NEXT", "no answer to a read of KV_jobs within"],
    ["show j1", "DIRECT.GET", "no answer to a request on $JS.API.DIRECT.GET.KV_jobs."],
    ["kill j1", "zester.job.j1.cancel", "no answer to a ping"],
  ])("job %s: a server that freezes at %s", async (command, cue, words) => {
    const server = await serveJobs();
    const nc = await server.connect();
    const jobs = await nc.jetstream().views.kv("jobs");
    // More than a newer server gives at once.
    for (const jid of ["j2", "j3"])
      await jobs.put(jid, encode(jobRecord(jid, { args: { text: "x".repeat(300_000) } })));
    await nc.close();
    const { url } = await startGate(server.port, async (chunk) => {
      if (chunk.includes(cue)) await server.freeze();
      return true;
    });
    const began = performance.now();
    const result = await zester(["job", ...command.split(" "), "--master", url, "--timeout", "400ms"]);
    server.process.kill("SIGCONT");
    expectError(result, url, words);
    expect(performance.now() - began).toBeLessThan(3000);
  });
});

describe("JetStream", () => {
  test.each([[["list"]], [["show", "j1"]], [["active"]]])("none: job %j", async (command) => {
    const { url } = await startServer("", { jetstream: false });
    expectError(await zester(["job", ...command, "--master", url]), "has no JetStream");
  });

  const config = secretFile("domain.yaml", "master: { js_domain: nope }");
  const home = tempDir();
  mkdirSync(join(home, "nats/context"), { recursive: true });
  writeFileSync(join(home, "nats/context/far.json"), '{"jetstream_api_prefix":"far.API"}', { mode: 0o600 });

  test.each([
    ["list --js-domain nope", {}, "$JS.nope.API", "flag --js-domain"],
    ["history web-1 --js-prefix far.API", {}, "far.API", "flag --js-prefix"],
    ["show j1", { NATS_JS_DOMAIN: "nope" }, "$JS.nope.API", "$NATS_JS_DOMAIN"],
    ["wait j1", { ZESTER_CONFIG: config }, "$JS.nope.API", `js_domain of ${config}`],
    ["kill j1 --yes --context far", { XDG_CONFIG_HOME: home }, "far.API", 'jetstream_api_prefix of context "far"'],
  ])("elsewhere: job %s", async (args, env, api, setting) => {
    const { url } = await serveJobs();
    expect(await zester(["job", ...args.split(" "), "--master", url], { env })).toEqual({
      stdout: "",
      stderr: `error: ${url} has no JetStream on ${api} (${setting}).\nCheck ${setting}, and that your master uses this server. JetStream may be off, or not enabled for this account.\n`,
      code: 1,
    });
  });

  test("in a domain without the buckets", async () => {
    const store = JSON.stringify(tempDir());
    const { url } = await startServer(`jetstream { domain: other, store_dir: ${store} }`, { jetstream: false });
    expectError(
      await zester(["job", "list", "--master", url, "--js-domain", "other"]),
      `${url} has no bucket "jobs" on $JS.other.API (flag --js-domain).`,
      "Check flag --js-domain, and that your master uses this server.",
    );
  });

  test.each([[["list"]], [["show", "j1"]], [["active"]]])("no bucket: job %j", async (command) => {
    const { url } = await startServer();
    expectError(
      await zester(["job", ...command, "--master", url]),
      'no bucket "jobs"',
      "Check that your master uses this server",
    );
  });
});
