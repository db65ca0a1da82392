// Logging in: who judges credentials, what goes over the network in plain text, and secrets that come through pipes.
import { describe, expect, test } from "bun:test";
import { chmodSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { credsAuthenticator, nkeyAuthenticator, nkeys } from "nats";
import { hasCallout, startCallout } from "../support/callout.ts";
import { certificates, contextsIn, operator, secretFile } from "../support/credentials.ts";
import {
  encode,
  freePort,
  jobRecord,
  Running,
  run,
  type Server,
  startServer,
  tempDir,
  until,
  ZESTER,
  zester,
} from "../support/harness.ts";
import { expectError, expectJobs } from "../support/outcome.ts";
import { startGate } from "../support/relay.ts";
import { serveJobs } from "../support/serve.ts";

const list = (...flags: string[]) => zester(["job", "list", ...flags]);

describe("credentials that have expired by this machine's clock", () => {
  const EXPIRED = { exp: 1_700_000_000 };

  test("the server judges: it takes them", async () => {
    // A server without users takes everybody, as one whose clock is behind would.
    const { url } = await serveJobs();
    const creds = operator().creds(EXPIRED);
    expectJobs(await list("--master", url, "--creds", creds));
    const [, jwt] = readFileSync(creds, "utf8").split("\n");
    const seed = /^SU\w+$/m.exec(readFileSync(creds, "utf8"))?.[0];
    const env = { XDG_CONFIG_HOME: contextsIn(tempDir(), { c: { url, user_jwt: jwt, user_seed: seed } }) };
    expectJobs(await zester(["job", "list", "--context", "c"], { env }));
  });

  test("the server judges: it refuses them, and the error says when they expired", async () => {
    const mine = operator();
    const server = await startServer(mine.config);
    const words = "which expired at 2023-11-14T22:13:20Z by this machine's clock";
    expectError(await list("--master", server.url, "--creds", mine.creds(EXPIRED)), "does not accept", words);
    // Refused for another reason, or not refused for its time: nothing of that kind is said.
    const stranger = await list("--master", server.url, "--creds", operator().creds());
    expectError(stranger, "does not accept these credentials");
    expect(stranger.stderr).not.toContain("expired");
    const dead = `nats://127.0.0.1:${await freePort()}`;
    const refused = await list("--master", dead, "--creds", mine.creds(EXPIRED));
    expectError(refused, "connection refused");
    expect(refused.stderr).not.toContain("expired");
  });

  test.each([0, 350])("a refused login is repeated once, also if the answer takes long: %d ms", async (ms) => {
    const mine = operator();
    const server = await startServer(mine.config);
    let logins = 0;
    const slow = await startGate(server.port, async (chunk) => {
      if (chunk.includes("CONNECT {")) logins++;
      await Bun.sleep(ms);
      return true;
    });
    expectError(await list("--master", slow.url, "--creds", mine.creds(EXPIRED)), "does not accept");
    expect(logins).toBe(2);
    slow.stop();
  });
});

describe("a password in plain text", () => {
  const warning = (port: number) =>
    `warning: the password or token for nats://0.0.0.0:${port} went over the network in plain text: use tls://.\n`;

  test.each([
    ['user: ops, password: "right"', "ops:s3cret"],
    ['token: "right"', "s3cret"],
  ])("is warned of, also when the server refuses it: %s", async (auth, login) => {
    const server = await startServer(`authorization { ${auth} }`);
    // This address leads here as well, but not by its looks, which is what counts.
    const far = await list("--master", `nats://${login}@0.0.0.0:${server.port}`);
    expectError(far, "does not accept these credentials");
    expect(far.stderr).toStartWith(warning(server.port));
    const near = await list("--master", `nats://${login}@127.0.0.1:${server.port}`);
    expect(near.stderr).not.toContain("warning");
  });

  test("is warned of when it was sent, whatever happened then, and not before", async () => {
    const greeting = 'INFO {"server_id":"x","version":"2.9.0","proto":1,"max_payload":1}\r\n';
    let login = "";
    const listen = async (onSocket: (socket: Socket) => void) => {
      const listener = createServer((socket) => onSocket(socket.on("error", () => {})));
      await new Promise<void>((done) => listener.listen(0, "0.0.0.0", done));
      listener.unref();
      return (listener.address() as { port: number }).port;
    };
    for (const answer of [(socket: Socket) => void socket.end(), () => {}]) {
      const port = await listen((socket) => {
        socket.write(greeting);
        socket.on("data", (chunk) => {
          login += chunk;
          answer(socket);
        });
      });
      const sent = await list("--master", `nats://s3cret@0.0.0.0:${port}`, "--timeout", "500ms");
      expectError(sent);
      expect(sent.stderr).toStartWith(warning(port));
      expect(login).toContain("s3cret");
      login = "";
    }
    // A user name alone is no secret.
    const open = await startServer();
    const home = contextsIn(tempDir(), { c: { url: `nats://0.0.0.0:${open.port}`, user: "ops" } });
    const named = await zester(["job", "list", "--context", "c"], { env: { XDG_CONFIG_HOME: home } });
    expectError(named, 'no bucket "jobs"');
    expect(named.stderr).not.toContain("warning");
    const silent = await listen((socket) => void socket.on("data", (chunk) => (login += chunk)));
    for (const port of [silent, await freePort()]) {
      const unsent = await list("--master", `nats://s3cret@0.0.0.0:${port}`, "--timeout", "500ms");
      expectError(unsent);
      expect([unsent.stderr.includes("warning"), login]).toEqual([false, ""]);
    }
  });

  test("is not warned of when TLS protects it, demanded or offered", async () => {
    const tls = certificates("0.0.0.0");
    for (const more of ["", "allow_non_tls: true"]) {
      const pem = `tls { cert_file: "${tls.server}.crt", key_file: "${tls.server}.key" }\n${more}`;
      const server = await startServer(`authorization { user: ops, password: "right" }\n${pem}`);
      for (const [password, words] of [
        ["right", 'no bucket "jobs"'],
        ["s3cret", "does not accept these credentials"],
      ]) {
        // Nothing on the command line asks for TLS: the CA is known by another way.
        const result = await zester(["job", "list", "--master", `ops:${password}@0.0.0.0:${server.port}`], {
          env: { NODE_EXTRA_CA_CERTS: tls.ca },
        });
        expectError(result, words as string);
        expect(result.stderr).not.toContain("warning");
      }
    }
  });
});

describe("secrets that come through a pipe", () => {
  /** `job watch` with bash's <(…) in its flags, through a restart of the server: a pipe can be read once. */
  async function survivesRestart(server: Server, flags: string): Promise<void> {
    const log = join(tempDir(), "log");
    const child = Bun.spawn(
      ["bash", "-c", `exec ${ZESTER} job watch --timeout 2s --master ${server.url} ${flags} >${log} 2>&1`],
      { stdin: "ignore" },
    );
    const text = () => readFileSync(log, "utf8");
    await until("the job", async () => text().includes("j1"));
    await server.kill();
    await until("the loss", async () => text().includes("lost"));
    await server.revive();
    const seen = text().length;
    await until(`the job again in ${text()}`, async () => /j1|[Cc]onnected/.test(text().slice(seen)));
    expect(text()).not.toMatch(/error:|cannot read|does not contain/);
    child.kill("SIGINT");
    expect(await child.exited).toBe(130);
  }

  const mine = operator();

  test("--creds and --nkey", async () => {
    const file = mine.creds();
    const authenticator = credsAuthenticator(readFileSync(file));
    const byJwt = await serveJobs(mine.config, { authenticator });
    await survivesRestart(byJwt, `--creds <(cat ${file})`);
    const user = nkeys.createUser();
    const byNkey = await serveJobs(`authorization { users: [{ nkey: ${user.getPublicKey()} }] }`, {
      authenticator: nkeyAuthenticator(user.getSeed()),
    });
    const seed = secretFile("seed", Buffer.from(user.getSeed()).toString());
    await survivesRestart(byNkey, `--nkey <(cat ${seed})`);
  });

  test("the three files of TLS", async () => {
    const tls = certificates();
    const files = `cert_file: "${tls.server}.crt", key_file: "${tls.server}.key", ca_file: "${tls.ca}"`;
    const server = await serveJobs(`tls { ${files}, verify: true }`, {
      tls: { caFile: tls.ca, certFile: `${tls.client}.crt`, keyFile: `${tls.client}.key` },
    });
    const { client, ca } = tls;
    await survivesRestart(
      server,
      `--nats-ca <(cat ${ca}) --tls-cert <(cat ${client}.crt) --tls-key <(cat ${client}.key)`,
    );
  });

  test("config check reads them once, and a file that others can read is warned of once", async () => {
    const file = mine.creds();
    const server = await startServer(mine.config);
    const command = `exec ${ZESTER} config check --timeout 2s --master ${server.url} --creds <(cat ${file})`;
    const checked = await run(["bash", "-c", command], { env: { PATH: process.env.PATH ?? "" } });
    expect(checked.stderr).toBe("");
    expect(checked.stdout).toMatch(/^ok {4}user +ops \(U/m);
    chmodSync(file, 0o644);
    const { stderr } = await zester(["config", "check", "--master", server.url, "--creds", file]);
    expect(stderr.match(/can be read by other users/g)).toHaveLength(1);
  });
});

const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

describe("a login that expires while a command follows jobs", () => {
  const mine = operator();
  const root = mine.creds();
  const serve = () => serveJobs(mine.config, { authenticator: credsAuthenticator(readFileSync(root)) });

  /** Puts another job, which only a watcher that is connected again shows. */
  async function newJob(server: Server, jid: string): Promise<void> {
    const nc = await server.connect({ authenticator: credsAuthenticator(readFileSync(root)) });
    await (await nc.jetstream().views.kv("jobs")).put(jid, encode(jobRecord(jid, { status: "running" })));
    await nc.close();
  }

  test.each([
    ["creds that are there when they expire", (file: string) => [["--creds", file], {}]],
    ["creds that come late, after a moment without a file", (file: string) => [[], { NATS_CREDS: file }]],
    [
      "a JWT that a context refers to",
      (file: string) => {
        const seed = /^SU\w+$/m.exec(readFileSync(file, "utf8"))?.[0];
        const fields = { user_jwt: `file://${file}`, user_seed: seed };
        return [["--context", "c"], { XDG_CONFIG_HOME: contextsIn(tempDir(), { c: fields }) }];
      },
    ],
  ] as [string, (file: string) => [string[], Record<string, string>]][])("is renewed: %s", async (name, how) => {
    const server = await serve();
    const user = nkeys.createUser();
    const file = mine.creds({ exp: inSeconds(3), user });
    const renewed = readFileSync(mine.creds({ user }));
    const [flags, env] = how(file);
    const watch = new Running(["job", "watch", "--master", server.url, ...flags], env);
    await watch.until("j1");
    if (name.includes("late")) {
      await watch.until("lost");
      rmSync(file);
      await Bun.sleep(500);
    }
    writeFileSync(file, renewed);
    await watch.until("connected again");
    await newJob(server, "j-after");
    await watch.until("j-after");
    expect(watch.err).not.toContain("error:");
    watch.signal("SIGINT");
    expect(await watch.ended()).toBe(130);
  });

  test("is not renewed: an error that says so", async () => {
    const server = await serve();
    const file = mine.creds({ exp: inSeconds(3) });
    const watch = new Running(["job", "watch", "--master", server.url, "--creds", file, "--timeout", "1s"], {});
    await watch.until("lost");
    expect(await watch.ended()).toBe(1);
    expect(watch.err).toMatch(/error: cannot connect to .*the (server does not accept these )?credentials.* expired/);
  });

  test("a service makes new users that live for seconds (auth callout)", async () => {
    if (!hasCallout()) return;
    const callout = await startCallout();
    const watch = new Running(["job", "watch", "--master", callout.url], {});
    await watch.until("j1");
    await watch.until(/connected again[\s\S]*connected again/);
    expect(watch.err).not.toContain("error:");
    // The service refuses for a while.
    callout.live(-60, -60, 30);
    const before = callout.logins;
    await until("three more logins", async () => callout.logins >= before + 3);
    const seen = watch.err.length;
    await until("a connection", async () => watch.err.slice(seen - 100).includes("connected again"));
    expect(watch.err).not.toContain("error:");
    watch.signal("SIGINT");
    expect(await watch.ended()).toBe(130);
    await callout.stop();
  });
});

describe("files that are no files", () => {
  const never = (name: string) => {
    const path = join(tempDir(), name);
    Bun.spawnSync(["mkfifo", "-m", "600", path]);
    return path;
  };
  const tls = certificates();
  /** How a file is given, by what it is. */
  const WAYS: Record<string, (path: string) => [string[], Record<string, string>]> = {
    "--creds": (path) => [["--creds", path], {}],
    $NATS_NKEY: (path) => [[], { NATS_NKEY: path }],
    "--nats-ca": (path) => [["--nats-ca", path], {}],
    "--tls-cert": (path) => [["--tls-cert", path, "--tls-key", `${tls.client}.key`], {}],
    "--tls-key": (path) => [["--tls-cert", `${tls.client}.crt`, "--tls-key", path], {}],
    "--config": (path) => [["--config", path], {}],
    "a context's creds": (path) => [
      ["--context", "c"],
      { XDG_CONFIG_HOME: contextsIn(tempDir(), { c: { creds: path } }) },
    ],
    "a context's token": (path) => [
      ["--context", "c"],
      { XDG_CONFIG_HOME: contextsIn(tempDir(), { c: { token: `file://${path}` } }) },
    ],
  };

  test.each(Object.keys(WAYS))("%s", async (way) => {
    const { url } = await startServer();
    const given = WAYS[way] as (typeof WAYS)[string];
    const tried = (path: string, ...flags: string[]) => {
      const [args, env] = given(path);
      return zester(["job", "list", "--master", url, ...flags, ...args], { env });
    };
    const began = Date.now();
    const silent = await tried(never("pipe"), "--timeout", "700ms");
    expectError(silent, "nothing came within 0.7s");
    expect(Date.now() - began).toBeLessThan(10_000);
    expectError(await tried("/dev/zero"), "it is larger than 1 MiB");
    expectError(await tried("/tmp"), "it is a directory");
    for (const [signal, code] of [
      ["SIGINT", 130],
      ["SIGTERM", 143],
    ] as const) {
      const [args, env] = given(never("pipe"));
      const waiting = new Running(["job", "list", "--master", url, "--timeout", "60s", ...args], env);
      const open = () => readFileSync(`/proc/${waiting.pid}/status`, "utf8").includes("State:\tS");
      await until("a process that waits", async () => open());
      await Bun.sleep(200);
      waiting.signal(signal);
      expect(await waiting.ended()).toBe(code);
    }
  });

  test("a pipe whose writer takes its time", async () => {
    const file = operator().creds();
    const { url } = await serveJobs();
    const command = `exec ${ZESTER} job list --master ${url} --creds <(sleep 0.5; head -c 20 ${file}; sleep 0.3; tail -c +21 ${file})`;
    const { stdout, stderr } = await run(["bash", "-c", command], { env: { PATH: process.env.PATH ?? "" } });
    expect(stderr).toBe("");
    expect(stdout).toContain("\nj1 ");
  });
});
