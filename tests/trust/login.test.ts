// Logging in: who judges credentials, what goes over the network in plain text, and secrets that come through pipes.
import { describe, expect, test } from "bun:test";
import { chmodSync, readFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { credsAuthenticator, nkeyAuthenticator, nkeys } from "nats";
import { certificates, contextsIn, operator, secretFile } from "../support/credentials.ts";
import { freePort, run, type Server, startServer, tempDir, until, ZESTER, zester } from "../support/harness.ts";
import { expectError, expectJobs } from "../support/outcome.ts";
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
    expect(text()).not.toMatch(/error:|cannot be read|does not hold/);
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
