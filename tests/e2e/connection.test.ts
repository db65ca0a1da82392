// Reaching a server, and what is said when that fails: each error with a real server.
import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, connect as dial, type Socket } from "node:net";
import { join } from "node:path";
import { type ConnectionOptions, credsAuthenticator, nkeys } from "nats";
import { certificates, operator, secretFile } from "../support/credentials.ts";
import {
  createBuckets,
  encode,
  freePort,
  jobRecord,
  Running,
  type Server,
  startServer,
  tempDir,
  zester,
} from "../support/harness.ts";
import { expectError, expectJobs } from "../support/outcome.ts";

const servers: Server[] = [];
afterAll(() => Promise.all(servers.map((server) => server.stop())));

async function serve(config = "", options: Parameters<typeof startServer>[1] = {}): Promise<Server> {
  const server = await startServer(config, options);
  servers.push(server);
  return server;
}

/** A server with empty buckets and one running job. */
async function serveJobs(config = "", connect: ConnectionOptions = {}): Promise<Server> {
  const server = await serve(config);
  const nc = await server.connect(connect);
  const { jobs } = await createBuckets(nc);
  await jobs.put("j1", encode(jobRecord("j1", { status: "running" })));
  await nc.close();
  return server;
}

/** The address of a plain TCP server. */
async function listen(onSocket: (socket: Socket) => void): Promise<string> {
  const listener = createServer((socket) => onSocket(socket.on("error", () => {})));
  await new Promise<void>((done) => listener.listen(0, "127.0.0.1", done));
  listener.unref();
  return `nats://127.0.0.1:${(listener.address() as { port: number }).port}`;
}

/** A way to `server` on which `forward` sees what the client sends, and says whether that goes on. */
const relay = (server: Server, forward: (chunk: Buffer) => boolean | Promise<boolean>) =>
  listen((client) => {
    const upstream = dial(server.port, "127.0.0.1").on("error", () => {});
    upstream.pipe(client);
    client.on("data", async (chunk: Buffer) => {
      client.pause(); // one chunk after the other
      if (await forward(chunk)) upstream.write(chunk);
      client.resume();
    });
    client.on("close", () => upstream.destroy());
  });

const at = (url: string, ...flags: string[]) => zester(["job", "list", "--master", url, ...flags]);

describe("addresses", () => {
  test("nothing listens: the address is named, the password is not", async () => {
    const port = await freePort();
    expectError(
      await at(`nats://user:s3cret@127.0.0.1:${port}`),
      `nats://127.0.0.1:${port}: connection refused`,
    );
  });

  test("an unknown host", async () =>
    expectError(
      await at("nats://no-such-host.invalid"),
      "nats://no-such-host.invalid:4222: the host name is unknown",
    ));

  test("several: the next is tried, however they are given", async () => {
    const { url } = await serveJobs();
    const dead = [`nats://127.0.0.1:${await freePort()}`, `nats://127.0.0.1:${await freePort()}`] as const;
    expectJobs(await at(`${dead[0]},${dead[1]},${url}`));
    expectJobs(await zester(["--master", dead[0], "job", "list", "--master", url]));
    expectJobs(await at(dead[0], "--master", url));
    expectJobs(await zester(["job", "list"], { env: { NATS_URL: `${dead[0]},${url}` } }));
    expectJobs(await at(`${await listen(() => {})},${url}`, "--timeout", "300ms"));
    expectError(await at(dead.join(",")), dead[0], dead[1]);
    expectError(await at(dead[0], "--master", dead[1]), dead[0], dead[1]);
  });

  test.each([
    ["that never speaks", "", "no answer within 0.5s"],
    ["that speaks HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n", "not a NATS server"],
    ["that greets with a broken INFO", 'INFO {"server_id": \r\n', "not a NATS server"],
    ["that speaks SSH", "SSH-2.0-OpenSSH_9.2\r\n", "not a NATS server"],
  ])("a listener %s", async (_, greeting, words) => {
    const url = await listen((socket) => void (greeting && socket.write(greeting)));
    const began = performance.now();
    expectError(await at(url, "--timeout", "500ms"), url, words);
    expect(performance.now() - began).toBeLessThan(3000);
  });

  test("a listener that hangs up", async () =>
    expectError(await at(await listen((socket) => void socket.end())), "the server closed the connection"));

  test("a frozen server", async () => {
    const server = await serveJobs();
    server.process.kill("SIGSTOP");
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
    const url = await relay(server, async (chunk) => {
      if (chunk.includes(cue)) {
        server.process.kill("SIGSTOP");
        await Bun.sleep(20); // until every thread of it has stopped
      }
      return true;
    });
    const began = performance.now();
    const result = await zester(["job", ...command.split(" "), "--master", url, "--timeout", "400ms"]);
    server.process.kill("SIGCONT");
    expectError(result, url, words);
    expect(performance.now() - began).toBeLessThan(3000);
  });
});

describe("credentials", () => {
  test("user and password", async () => {
    const { port } = await serveJobs('authorization { user: "ops", password: "s3cret" }', {
      user: "ops",
      pass: "s3cret",
    });
    expectJobs(await at(`nats://ops:s3cret@127.0.0.1:${port}`));
    expectError(await at(`nats://ops:s3cretX@127.0.0.1:${port}`), "does not accept these credentials");
    expectError(await at(`nats://127.0.0.1:${port}`), "the server wants credentials");
    const dead = `nats://127.0.0.1:${await freePort()}`;
    expectError(
      await at(`${dead},nats://ops:s3cretX@127.0.0.1:${port}`),
      `${dead}: connection refused; `,
      "does not accept these credentials",
    );
  });

  test("a password with characters that URLs reserve", async () => {
    const pass = "s3cret@/:%";
    const { port } = await serveJobs(`authorization { user: "ops", password: "${pass}" }`, {
      user: "ops",
      pass,
    });
    expectJobs(await at(`nats://ops:${encodeURIComponent(pass)}@127.0.0.1:${port}`));
    expectError(await at(`nats://ops:${pass}@127.0.0.1:${port}`), "is not a server URL", "@ as %40");
  });

  test("token", async () => {
    const { port } = await serveJobs('authorization { token: "s3cret" }', { token: "s3cret" });
    expectJobs(await at(`nats://s3cret@127.0.0.1:${port}`));
    expectError(await at(`nats://s3cretX@127.0.0.1:${port}`), "does not accept these credentials");
  });

  test("nkey", async () => {
    const [user, other] = [nkeys.createUser(), nkeys.createUser()];
    const { url } = await serve(`authorization { users: [{ nkey: ${user.getPublicKey()} }] }`);
    const seed = secretFile("seed", `${Buffer.from(user.getSeed())}\n`);
    expectError(await at(url, "--nkey", seed), 'no bucket "jobs"');
    expectError(
      await at(url, "--nkey", secretFile("seed", Buffer.from(other.getSeed()).toString())),
      "does not accept these credentials",
    );
    expectError(await at(url, "--nkey", secretFile("seed", "s3cret")), "does not hold an nkey seed");
    chmodSync(seed, 0o644);
    expect((await at(url, "--nkey", seed)).stderr).toContain("can be read by other users");
  });

  test("creds files: valid, expired, of a stranger, broken, missing", async () => {
    const mine = operator();
    const { url } = await serve(mine.config);
    const creds = mine.creds();
    expectError(
      await at(url, "--creds", creds),
      'no bucket "jobs"',
      "Is this the NATS that your master uses?",
    );
    expectError(
      await zester(["job", "list"], { env: { NATS_URL: url, NATS_CREDS: creds } }),
      'no bucket "jobs"',
    );
    expectError(
      await at(url, "--creds", mine.creds({ exp: 1_700_000_000 })),
      "expired at 2023-11-14T22:13:20Z",
    );
    expectError(await at(url, "--creds", operator().creds()), "does not accept these credentials");
    expectError(
      await at(url, "--creds", secretFile("x.creds", "s3cret")),
      "does not hold a user's JWT and seed",
    );
    expectError(
      await at(url, "--creds", "/nonexistent.creds"),
      "credentials file /nonexistent.creds cannot be read: there is no such file",
    );
    expectError(await at(url), "the server wants credentials");
  });

  test("creds that are revoked, while a command follows jobs and afterwards", async () => {
    const mine = operator();
    const [kept, revoked] = [mine.creds(), mine.creds()];
    const server = await serve(mine.config);
    const { url } = server;
    const nc = await server.connect({ authenticator: credsAuthenticator(readFileSync(kept)) });
    const { jobs } = await createBuckets(nc);
    await jobs.put("j1", encode(jobRecord("j1", { status: "running" })));
    await nc.close();
    const watch = new Running(["job", "watch", "--master", url, "--creds", revoked], {});
    await watch.until("j1");
    mine.revoke(revoked);
    await server.reload(mine.config);
    const words = ["the server does not accept these credentials", "that they were not revoked"];
    // Connecting again, as it would elsewhere, can't help.
    expect(await watch.ended()).toBe(1);
    for (const said of words) expect(watch.err).toContain(said);
    expectError(await at(url, "--creds", revoked), ...words);
    expectJobs(await at(url, "--creds", kept));
  });

  test("a password or a token in plain text to another machine gets a warning", async () => {
    // These addresses lead to this machine as well, but not by their looks, which is what counts.
    for (const auth of ['user: ops, password: "s3cret"', 'token: "s3cret"']) {
      const login = auth.startsWith("user") ? "ops:s3cret" : "s3cret";
      const { port } = await serve(`authorization { ${auth} }`);
      const near = await at(`nats://${login}@127.0.0.1:${port}`);
      expect(near.stderr).not.toContain("warning");
      const far = await at(`nats://${login}@0.0.0.0:${port}`);
      expectError(far, 'no bucket "jobs"');
      expect(far.stderr).toStartWith(
        `warning: the password or token for nats://0.0.0.0:${port} went over the network in plain text: use tls://.\n`,
      );
    }
    // Neither without a secret, nor when the server wants TLS and gets it before the password.
    const open = await serve();
    expect((await at(`nats://0.0.0.0:${open.port}`)).stderr).not.toContain("warning");
    const tls = certificates("0.0.0.0");
    const pem = `cert_file: "${tls.server}.crt", key_file: "${tls.server}.key"`;
    const safe = await serve(`authorization { user: ops, password: "s3cret" }\ntls { ${pem} }`);
    const result = await at(`nats://ops:s3cret@0.0.0.0:${safe.port}`, "--nats-ca", tls.ca);
    expectError(result, 'no bucket "jobs"');
    expect(result.stderr).not.toContain("warning");
  });

  test("creds that expire while the command waits", async () => {
    const mine = operator();
    const url = await relay(await serve(mine.config), (chunk) => !chunk.includes("STREAM.INFO"));
    const creds = mine.creds({ exp: Math.floor(Date.now() / 1000) + 2 });
    expectError(await at(url, "--creds", creds), "the credentials have expired");
  });
});

describe("TLS", () => {
  const tls = certificates();
  const config = (name: string, more = "") =>
    `tls { cert_file: "${name}.crt", key_file: "${name}.key", ca_file: "${tls.ca}", ${more} }`;

  test("unknown CA, known CA, with nats:// and tls://", async () => {
    const { url, port } = await serve(config(tls.server));
    expectError(await at(url), "unknown CA (it needs TLS)", "--nats-ca");
    expectError(await at(`tls://127.0.0.1:${port}`), "unknown CA", "--nats-ca");
    for (const host of ["nats://127.0.0.1", "tls://127.0.0.1", "tls://localhost"])
      expectError(await at(`${host}:${port}`, "--nats-ca", tls.ca), 'no bucket "jobs"');
    for (const name of ["NATS_CA", "NATS_CA_FILE"])
      expectError(
        await zester(["job", "list"], { env: { NATS_URL: url, [name]: tls.ca } }),
        'no bucket "jobs"',
      );
  });

  test("a client certificate", async () => {
    const { url } = await serve(config(tls.server, "verify: true"));
    const client = ["--tls-cert", `${tls.client}.crt`, "--tls-key", `${tls.client}.key`];
    expectError(await at(url, "--nats-ca", tls.ca), "client certificate", "--tls-cert");
    expectError(await at(url, "--nats-ca", tls.ca, ...client), 'no bucket "jobs"');
    for (const half of [client.slice(0, 2), client.slice(2)])
      expectError(await at(url, "--nats-ca", tls.ca, ...half), "a client certificate needs its key");
    const { client: stranger } = certificates();
    expectError(
      await at(url, "--nats-ca", tls.ca, "--tls-cert", `${stranger}.crt`, "--tls-key", `${stranger}.key`),
      "refused the client certificate",
    );
    for (const [flag, what] of [
      ["--tls-cert", "TLS certificate file"],
      ["--tls-key", "TLS key file"],
    ] as const) {
      const files = client.with(client.indexOf(flag) + 1, "/nonexistent.pem");
      expectError(
        await at(url, "--nats-ca", tls.ca, ...files),
        `${what} /nonexistent.pem cannot be read: there is no such file`,
      );
    }
  });

  test("a certificate for another host", async () => {
    const { url } = await serve(config(tls.elsewhere));
    expectError(await at(url, "--nats-ca", tls.ca), "not for this host name");
  });

  test("files that do not fit, or hold rubbish", async () => {
    const { url } = await serve(config(tls.server, "verify: true"));
    const pem = (type: string) =>
      secretFile("x.pem", `-----BEGIN ${type}-----\nAAAA\n-----END ${type}-----\n`);
    const as = (ca: string, cert: string, key: string) =>
      at(url, "--nats-ca", ca, "--tls-cert", cert, "--tls-key", key);
    const { client, ca, server } = tls;
    expectError(await as(ca, `${client}.crt`, `${server}.key`), "do not belong together");
    const unusable = "holds no usable certificate or key";
    expectError(await as(ca, `${client}.crt`, pem("PRIVATE KEY")), unusable);
    expectError(await as(ca, pem("CERTIFICATE"), `${client}.key`), unusable);
  });

  test.each(["tls1", "tls1_1"])("a server that speaks no more than %s is refused", async (version) => {
    const port = await freePort();
    const old = Bun.spawn(
      // prettier-ignore
      [
        "openssl",
        "s_server",
        "-accept",
        `127.0.0.1:${port}`,
        `-${version}`,
        "-quiet",
        "-cert",
        `${tls.server}.crt`,
        "-key",
        `${tls.server}.key`,
        "-cipher",
        "ALL:@SECLEVEL=0",
      ],
      { stdin: "pipe", stdout: "ignore", stderr: "ignore" },
    );
    try {
      const shake = (...flags: string[]) =>
        Bun.spawnSync(["openssl", "s_client", "-connect", `127.0.0.1:${port}`, ...flags], {
          stdin: "ignore",
        });
      // A client that takes such versions gets through: what is refused below is refused for its version.
      const weak = () => shake(`-${version}`, "-cipher", "ALL:@SECLEVEL=0").stdout.toString();
      for (let i = 0; i < 100 && !/Cipher is (?!\(NONE\))/.test(weak()); i++) await Bun.sleep(20);
      expect(weak()).toMatch(/Cipher is (?!\(NONE\))/);
      expectError(
        await at(`tls://127.0.0.1:${port}`, "--tls-first", "--nats-ca", tls.ca, "--timeout", "2s"),
        "the server knows no TLS version from 1.2 on",
      );
      // The same after a greeting in plain text, as servers do without handshake_first.
      const url = await listen((socket) => {
        socket.write('INFO {"server_id":"x","version":"2.9.0","max_payload":1,"tls_required":true}\r\n');
        const upstream = dial(port, "127.0.0.1").on("error", () => {});
        socket.pipe(upstream).pipe(socket);
      });
      expectError(
        await at(url, "--nats-ca", tls.ca, "--timeout", "2s"),
        "the server knows no TLS version from 1.2 on",
      );
    } finally {
      old.kill();
      await old.exited;
    }
  });

  test("tls:// to a server without TLS is never downgraded", async () => {
    const { port } = await serveJobs();
    expectError(await at(`tls://127.0.0.1:${port}`), "the server offers no TLS");
  });

  test("a CA file that is missing, or is none", async () => {
    const { url } = await serve();
    expectError(await at(url, "--nats-ca", "/nonexistent.pem"), "CA file /nonexistent.pem cannot be read");
    expectError(await at(url, "--nats-ca", secretFile("ca.pem", "hello")), "holds no PEM certificate");
  });
});

describe("JetStream", () => {
  test.each([[["list"]], [["show", "j1"]], [["active"]]])("none: job %j", async (command) => {
    const { url } = await serve("", { jetstream: false });
    expectError(await zester(["job", ...command, "--master", url]), "has no JetStream");
  });

  test.each([[["list"]], [["show", "j1"]], [["active"]]])("no bucket: job %j", async (command) => {
    const { url } = await serve();
    expectError(
      await zester(["job", ...command, "--master", url]),
      'no bucket "jobs"',
      "Is this the NATS that your master uses?",
    );
  });
});

describe("config files", () => {
  const config = (text: string) => secretFile("config.yaml", text);
  const list = (path: string, env = {}) => zester(["job", "list", "--config", path], { env });

  test("master.urls, and what wins over it", async () => {
    const { url } = await serveJobs();
    const dead = `nats://127.0.0.1:${await freePort()}`;
    expectJobs(await list(config(`master:\n  urls: [${url}]\n`)));
    expectJobs(await list(config(`master:\n  urls: ${url}\n`)));
    expectJobs(await list(config(`master:\n  urls: [${dead}]\n`), { NATS_URL: url }));
    expectJobs(await zester(["job", "list"], { env: { ZESTER_CONFIG: config(`master: {urls: [${url}]}`) } }));
    const home = tempDir();
    mkdirSync(join(home, ".zester"));
    writeFileSync(join(home, ".zester/config.yaml"), `master: {urls: [${url}]}\n`);
    expectJobs(await zester(["job", "list"], { env: { HOME: home } }));
    expectJobs(await zester(["job", "list", "--config", "~/.zester/config.yaml"], { env: { HOME: home } }));
  });

  test("the daemon's own file, with admin.creds", async () => {
    const mine = operator();
    const { url } = await serve(mine.config);
    const dir = tempDir();
    writeFileSync(join(dir, "admin.creds"), await Bun.file(mine.creds()).text(), { mode: 0o600 });
    expectError(
      await list(config(`nats_url: ${url}\nauth_dir: ${dir}\nlog_level: info\n`)),
      'no bucket "jobs"',
    );
    expectError(
      await list(config(`nats_url: ${url}\nauth_dir: /nonexistent\n`)),
      "the server wants credentials",
    );
  });

  test.each([
    ["a: [1\nb: 2\n", "line "],
    [
      "master:\n  urls: [nats://x]\n  cred_file: x\n",
      'line 3: unknown key "cred_file" under master. Did you mean creds_file?',
    ],
    ["other: 1\nmaster: hello\n", "line 2: master must be a map"],
    ["master:\n  creds_file: [1]\n", "line 2: master.creds_file must be text"],
    ["- 1\n", "line 1: expected a map"],
    ["master: {urls: []}\n", "line 1: master.urls is empty"],
    ["a: 1\n---\nb: 2\n", "line 2: a second document begins"],
  ])("%j is an error that names the line", async (text, words) =>
    expectError(await list(config(text)), "config file ", words),
  );

  test("an alias counts as what it stands for", async () => {
    const { url } = await serveJobs();
    expectJobs(await list(config(`servers: &x [${url}]\nmaster:\n  urls: *x\n`)));
  });

  test("a missing file, a folder", async () => {
    expectError(await list("/nonexistent.yaml"), "config file /nonexistent.yaml: there is no such file.");
    expectError(await list("/tmp"), "config file /tmp: it cannot be read (EISDIR).");
  });

  test("secrets in it are not repeated", async () => {
    const dead = `127.0.0.1:${await freePort()}`;
    expectError(await list(config(`master: {urls: ["nats://u:s3cret@${dead}"]}\n`)), `nats://${dead}: `);
    expectError(await list(config("master:\n  urls: ['nats://u:s3cret@ho st']\n")), "not a server URL");
    expectError(await list(config("master:\n  urls: 'nats://u:s3cret@h\n")), "line 3: ");
  });
});
