// zester config, zester config check, and the settings that change how servers are spoken to.
import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { connect as dial } from "node:net";
import { createServer } from "node:tls";
import { certificates, secretFile } from "../support/credentials.ts";
import {
  createBuckets,
  encode,
  freePort,
  jobRecord,
  NATS_SERVER,
  type Server,
  startServer,
  zester,
} from "../support/harness.ts";

const servers: Server[] = [];
afterAll(() => Promise.all(servers.map((server) => server.stop())));

async function serve(config = "", { jetstream = true, auth = {}, fill = true } = {}): Promise<Server> {
  const server = await startServer(config, { jetstream });
  servers.push(server);
  if (jetstream && fill) {
    const nc = await server.connect(auth);
    const { jobs } = await createBuckets(nc);
    await jobs.put("j1", encode(jobRecord("j1")));
    await nc.close();
  }
  return server;
}

const check = (url: string, ...flags: string[]) =>
  zester(["config", "check", "--master", url, "--timeout", "2s", ...flags]);

describe("config", () => {
  test("each setting with its source, secrets masked, nothing connected", async () => {
    const config = secretFile("config.yaml", "master: { urls: [nats://u:s3cret@10.0.0.1, s3cret2@h], js_domain: hub }");
    const env = { ZESTER_CONFIG: config, NATS_CREDS: "/x.creds" };
    const { stdout, code } = await zester(["config", "--timeout", "3s"], { env });
    expect(code).toBe(0);
    expect(stdout).not.toContain("s3cret");
    const rows = stdout.split("\n").map((line) => line.split(/ {2,}/));
    expect(rows).toContainEqual(["SETTING", "VALUE", "SOURCE"]);
    expect(rows).toContainEqual(["master", "nats://***@10.0.0.1,***@h", config]);
    expect(rows).toContainEqual(["creds", "/x.creds", "$NATS_CREDS"]);
    expect(rows).toContainEqual(["js-domain", "hub", config]);
    expect(rows).toContainEqual(["timeout", "3.0s", "flag --timeout"]);
    expect(rows).toContainEqual(["nkey", "-", "not set"]);
    const json = await zester(["config", "--format", "json"]);
    expect(JSON.parse(json.stdout)).toContainEqual({
      setting: "master",
      value: "nats://localhost:4222",
      source: "default",
    });
  });
});

describe("config check", () => {
  test("buckets without direct get: as the commands read them, and in no time", async () => {
    const server = await serve();
    const nc = await server.connect();
    const { streams } = await nc.jetstreamManager();
    for (const bucket of ["jobs", "job-returns"]) await streams.update(`KV_${bucket}`, { allow_direct: false });
    await nc.close();
    const began = performance.now();
    const { stdout, code } = await zester(["config", "check", "--master", server.url]);
    expect(performance.now() - began).toBeLessThan(2000);
    expect(stdout).toMatch(/^ok {4}bucket jobs +1 job in 1 message, readable$/m);
    expect(stdout).toMatch(/^ok {4}bucket job-returns +0 returns in 0 messages, readable$/m);
    expect(code).toBe(0);
    expect((await zester(["job", "show", "j1", "--master", server.url])).code).toBe(0);
  });

  test("a healthy server: all is found, nothing is left behind, no cancel is sent", async () => {
    const server = await serve();
    const nc = await server.connect();
    const sent: string[] = [];
    nc.subscribe("zester.>", { callback: (_, msg) => void sent.push(msg.subject) });
    const beat = await nc.jetstream().views.kv("master-heartbeat");
    await beat.put("m1", "x");
    const { stdout, stderr, code } = await check(server.url);
    expect([stderr, code]).toEqual(["", 0]);
    // Servers of 2.9 don't tell users what they may do; nothing else may be amiss.
    const tells = Number(nc.info?.version.split(".")[1]) > 9;
    expect(stdout).toMatch(/^ok {4}server +nats:\S+, nats-server /m); // without its ID, which is the name of one that has none
    const amiss = (stdout.match(/^(FAIL|warn).*$/gm) ?? []).map((line) => line.replace(/ +/g, " "));
    const untold = ["cancel", "retry"].map(
      (what) => `warn ${what} jobs not tested: the server does not report permissions`,
    );
    expect(amiss).toEqual(tells ? [] : untold);
    expect(stdout).toMatch(/^ok {4}bucket jobs +1 job in 1 message, readable$/m);
    expect(stdout).toMatch(/^ok {4}masters +m1 .* ago$/m);
    for (const point of ["server", "tls", "user", "jetstream", "bucket job-returns", "stream job-events", "clock"])
      expect(stdout).toMatch(new RegExp(`^ok {4}${point} `, "m"));
    const jsm = await nc.jetstreamManager();
    for await (const stream of jsm.streams.list()) expect(stream.state.consumer_count).toBe(0);
    expect(sent).toEqual([]);
    const json = JSON.parse((await check(server.url, "--format", "json")).stdout);
    expect(json[0]).toMatchObject({ check: "server", result: "ok", hint: null });
    await nc.close();
  });

  test("no server; a wrong password; no JetStream; a missing bucket", async () => {
    const none = await check(`nats://127.0.0.1:${await freePort()}`);
    expect(none.stdout).toMatch(/^FAIL {2}server +cannot connect to .*connection refused\n +Set the server with/m);
    const locked = await serve('authorization { user: u, password: "right" }', { fill: false });
    const wrong = await check(`nats://u:s3cret@127.0.0.1:${locked.port}`);
    expect(wrong.stdout).toMatch(/^FAIL {2}server .*does not accept these credentials/m);
    expect(wrong.stdout + wrong.stderr).not.toContain("s3cret");
    const core = await check((await serve("", { jetstream: false })).url);
    expect(core.stdout).toMatch(/^FAIL {2}jetstream +nothing answers on \$JS\.API/m);
    const empty = await check((await serve("", { fill: false })).url);
    expect(empty.stdout).toMatch(/^FAIL {2}bucket jobs +there is no such bucket/m);
    expect([none.code, wrong.code, core.code, empty.code]).toEqual([1, 1, 1, 1]);
  });

  test.each([
    "STREAM.INFO.KV_jobs",
    "CONSUMER.CREATE.KV_jobs.>",
    "CONSUMER.MSG.NEXT.KV_jobs.>",
    "CONSUMER.DELETE.KV_jobs.>",
    "DIRECT.GET.KV_jobs.>",
  ])("a permission that is missing is named: %s", async (api) => {
    const user = `user: ops, password: x, permissions { publish { deny: ["$JS.API.${api}", "zester.job.*.cancel"] } }`;
    const auth = { user: "admin", pass: "x" };
    const { port } = await serve(`authorization { users: [{ ${user} }, { user: admin, password: x }] }`, {
      auth,
    });
    const { stdout, code } = await check(`nats://ops:x@127.0.0.1:${port}`);
    expect(stdout).toMatch(
      new RegExp(`^FAIL {2}bucket jobs +no permission to publish on \\$JS.API.${api.split(".KV")[0]}`, "m"),
    );
    expect(code).toBe(1);
  });
});

describe("JetStream elsewhere", () => {
  test("the buckets of a hub in another domain, through a leaf node", async () => {
    const leafPort = await freePort();
    await serve("", { fill: false }); // a server of its own, so that ports differ
    const hub = await startHub(leafPort);
    const leaf = await startServer(`leafnodes { remotes: [{ url: "nats://127.0.0.1:${leafPort}" }] }`, {
      jetstream: false,
    });
    servers.push(hub, leaf);
    const run = () => zester(["job", "list", "--master", leaf.url, "--js-domain", "hub"]);
    let result = await run();
    for (let i = 0; i < 50 && result.code !== 0; i++) {
      await Bun.sleep(100); // until the leaf has reached the hub
      result = await run();
    }
    expect(result.stdout).toContain("\nj1 ");
    expect((await zester(["job", "show", "j1", "--master", leaf.url], { env: { NATS_JS_DOMAIN: "hub" } })).code).toBe(
      0,
    );
    expect((await check(leaf.url, "--js-domain", "hub")).stdout).toMatch(/^ok {4}bucket jobs +1 job /m);
    const other = await check(leaf.url, "--js-domain", "other");
    expect(other.stdout).toMatch(/^FAIL {2}jetstream +nothing answers on \$JS\.other\.API \(flag --js-domain\)$/m);
    expect(other.code).toBe(1);
  });

  async function startHub(leafPort: number): Promise<Server> {
    const hub = await startServer(`jetstream { domain: hub }\nleafnodes { listen: "127.0.0.1:${leafPort}" }`);
    const nc = await hub.connect();
    const { jobs } = await createBuckets(nc);
    await jobs.put("j1", encode(jobRecord("j1")));
    await nc.close();
    return hub;
  }

  test("an inbox prefix is used for every answer", async () => {
    const user = 'user: ops, password: x, permissions { subscribe: ["_INBOX_ops.>"] }';
    const { port } = await serve(`authorization { users: [{ ${user} }, { user: admin, password: x }] }`, {
      auth: { user: "admin", pass: "x" },
    });
    const at = (...flags: string[]) => zester(["job", "list", "--master", `nats://ops:x@127.0.0.1:${port}`, ...flags]);
    expect((await at("--inbox-prefix", "_INBOX_ops")).stdout).toContain("\nj1 ");
    expect((await at()).stderr).toContain("no permission to subscribe to _INBOX.");
    expect((await at("--inbox-prefix", "a.>")).stderr).toContain("invalid inbox prefix");
  });
});

test("TLS first with a server that does not begin with TLS", async () => {
  const { url } = await serve("", { fill: false });
  const { stderr, code } = await zester(["job", "list", "--master", url, "--tls-first"]);
  expect(stderr).toBe(
    `error: cannot connect to ${url}: the server does not start with TLS.\nOmit --tls-first: it is for servers with handshake_first.\n`,
  );
  expect(code).toBe(1);
});

test("TLS first with a server that has handshake_first", async () => {
  const version = Bun.spawnSync([NATS_SERVER, "--version"]).stdout.toString();
  const [major = 0, minor = 0] = (/v(\d+)\.(\d+)/.exec(version) ?? []).slice(1).map(Number);
  if (major === 2 && minor < 11) {
    console.warn(`not tested: ${version.trim()} has no handshake_first; set NATS_SERVER to 2.11 or newer`);
    return;
  }
  const tls = certificates();
  const server = await startServer(
    `tls { cert_file: "${tls.server}.crt", key_file: "${tls.server}.key", handshake_first: true }`,
  );
  servers.push(server);
  const { url } = server;
  const at = (...flags: string[]) => zester(["job", "list", "--master", url, "--timeout", "1s", ...flags]);
  expect((await at("--nats-ca", tls.ca, "--tls-first")).stderr).toContain('no bucket "jobs"');
  expect((await at("--tls-first")).stderr).toContain("unknown CA");
  expect((await at("--nats-ca", tls.ca)).stderr).toStartWith(`error: cannot connect to ${url}`);
});

test("TLS first: the handshake comes before the server's first word", async () => {
  const tls = certificates();
  const server = await serve();
  const pem = { cert: readFileSync(`${tls.server}.crt`), key: readFileSync(`${tls.server}.key`) };
  const front = createServer(pem, (client) => {
    const upstream = dial(server.port, "127.0.0.1").on("error", () => {});
    client.on("error", () => {}).pipe(upstream);
    // Behind a plain server: what one with handshake_first says of itself stands in its greeting.
    upstream.once("data", (greeting: Buffer) => {
      client.write(greeting.toString().replace("INFO {", 'INFO {"tls_required":true,'));
      upstream.pipe(client);
    });
  }).on("tlsClientError", () => {});
  await new Promise<void>((done) => front.listen(0, "127.0.0.1", done));
  const url = `nats://127.0.0.1:${(front.address() as { port: number }).port}`;
  const at = (...flags: string[]) => zester(["job", "list", "--master", url, "--timeout", "1s", ...flags]);
  expect((await at("--nats-ca", tls.ca, "--tls-first")).stdout).toContain("\nj1 ");
  expect((await at("--tls-first")).stderr).toContain("unknown CA");
  expect((await at("--nats-ca", tls.ca)).code).toBe(1);
  expect((await check(url, "--nats-ca", tls.ca, "--tls-first")).stdout).toMatch(/^ok {4}tls +TLSv1\.[23]/m);
  front.close();
});
