// Credentials: each kind against a real server, and what is said when they are refused.
import { expect, test } from "bun:test";
import { chmodSync, readFileSync } from "node:fs";
import { credsAuthenticator, nkeys } from "nats";
import { certificates, operator, secretFile } from "../support/credentials.ts";
import { createBuckets, encode, freePort, jobRecord, Running, startServer, zester } from "../support/harness.ts";
import { expectError, expectJobs } from "../support/outcome.ts";
import { startGate } from "../support/relay.ts";
import { serveJobs } from "../support/serve.ts";

const at = (url: string, ...flags: string[]) => zester(["job", "list", "--master", url, ...flags]);

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
  const { url } = await startServer(`authorization { users: [{ nkey: ${user.getPublicKey()} }] }`);
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
  const { url } = await startServer(mine.config);
  const creds = mine.creds();
  expectError(await at(url, "--creds", creds), 'no bucket "jobs"', "Is this the NATS that your master uses?");
  expectError(await zester(["job", "list"], { env: { NATS_URL: url, NATS_CREDS: creds } }), 'no bucket "jobs"');
  expectError(await at(url, "--creds", mine.creds({ exp: 1_700_000_000 })), "expired at 2023-11-14T22:13:20Z");
  expectError(await at(url, "--creds", operator().creds()), "does not accept these credentials");
  expectError(await at(url, "--creds", secretFile("x.creds", "s3cret")), "does not hold a user's JWT and seed");
  expectError(
    await at(url, "--creds", "/nonexistent.creds"),
    "credentials file /nonexistent.creds cannot be read: there is no such file",
  );
  expectError(await at(url), "the server wants credentials");
});

test("creds that are revoked, while a command follows jobs and afterwards", async () => {
  const mine = operator();
  const [kept, revoked] = [mine.creds(), mine.creds()];
  const server = await startServer(mine.config);
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
    const { port } = await startServer(`authorization { ${auth} }`);
    const near = await at(`nats://${login}@127.0.0.1:${port}`);
    expect(near.stderr).not.toContain("warning");
    const far = await at(`nats://${login}@0.0.0.0:${port}`);
    expectError(far, 'no bucket "jobs"');
    expect(far.stderr).toStartWith(
      `warning: the password or token for nats://0.0.0.0:${port} went over the network in plain text: use tls://.\n`,
    );
  }
  // Neither without a secret, nor when the server wants TLS and gets it before the password.
  const open = await startServer();
  expect((await at(`nats://0.0.0.0:${open.port}`)).stderr).not.toContain("warning");
  const tls = certificates("0.0.0.0");
  const pem = `cert_file: "${tls.server}.crt", key_file: "${tls.server}.key"`;
  const safe = await startServer(`authorization { user: ops, password: "s3cret" }\ntls { ${pem} }`);
  const result = await at(`nats://ops:s3cret@0.0.0.0:${safe.port}`, "--nats-ca", tls.ca);
  expectError(result, 'no bucket "jobs"');
  expect(result.stderr).not.toContain("warning");
});

test("creds that expire while the command waits", async () => {
  const mine = operator();
  const url = (await startGate((await startServer(mine.config)).port, (chunk) => !chunk.includes("STREAM.INFO"))).url;
  const creds = mine.creds({ exp: Math.floor(Date.now() / 1000) + 2 });
  expectError(await at(url, "--creds", creds), "the credentials have expired");
});
