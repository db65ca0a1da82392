// Credentials: each kind against a real server, and what is said when they are refused.
import { expect, test } from "bun:test";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { credsAuthenticator, nkeyAuthenticator, nkeys } from "nats";
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
  expectError(await at(`nats://127.0.0.1:${port}`), "the server requires credentials");
  const dead = `nats://127.0.0.1:${await freePort()}`;
  expectError(
    await at(`${dead},nats://ops:s3cretX@127.0.0.1:${port}`),
    `${dead}: connection refused; `,
    "does not accept these credentials",
  );
});

test("an empty password in a URL is one, not a token", async () => {
  const { port } = await serveJobs(
    'authorization { users: [{ user: ops, password: "" }, { user: root, password: s3cret }] }',
    { user: "root", pass: "s3cret" },
  );
  expectJobs(await at(`nats://ops:@127.0.0.1:${port}`));
  expectError(await at(`nats://ops@127.0.0.1:${port}`), "does not accept these credentials");
});

test("a password with characters that URLs reserve", async () => {
  const pass = "s3cret@/:%";
  const { port } = await serveJobs(`authorization { user: "ops", password: "${pass}" }`, {
    user: "ops",
    pass,
  });
  expectJobs(await at(`nats://ops:${encodeURIComponent(pass)}@127.0.0.1:${port}`));
  expectError(await at(`nats://ops:${pass}@127.0.0.1:${port}`), "invalid server URL", "@ as %40");
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
  expectError(await at(url, "--nkey", secretFile("seed", "s3cret")), "does not contain an nkey seed");
  chmodSync(seed, 0o644);
  expect((await at(url, "--nkey", seed)).stderr).toContain("can be read by other users");
});

test("creds files: valid, expired, of a stranger, broken, missing", async () => {
  const mine = operator();
  const { url } = await startServer(mine.config);
  const creds = mine.creds();
  expectError(await at(url, "--creds", creds), 'no bucket "jobs"', "Check that your master uses this server");
  expectError(await zester(["job", "list"], { env: { NATS_URL: url, NATS_CREDS: creds } }), 'no bucket "jobs"');
  expectError(await at(url, "--creds", mine.creds({ exp: 1_700_000_000 })), "expired at 2023-11-14T22:13:20Z");
  expectError(await at(url, "--creds", mine.creds({ nbf: 4_000_000_000 })), "valid from 2096-10-02T07:06:40Z on");
  expectError(await at(url, "--creds", operator().creds()), "does not accept these credentials");
  expectError(await at(url, "--creds", secretFile("x.creds", "s3cret")), "does not contain a user's JWT and seed");
  expectError(
    await at(url, "--creds", "/nonexistent.creds"),
    "cannot read credentials file /nonexistent.creds: no such file",
  );
  expectError(await at(url), "the server requires credentials");
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
  const words = ["the server does not accept these credentials", "were not revoked"];
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

/** A file as other systems and editors write it. */
const SHAPES: Readonly<Record<string, (text: string) => string | Buffer>> = {
  "as it is": (text) => text,
  "line ends of Windows": (text) => text.replaceAll("\n", "\r\n"),
  "a byte order mark": (text) => `\ufeff${text}`,
  "two bytes a character, as PowerShell writes it": (text) =>
    Buffer.from(`\ufeff${text.replaceAll("\n", "\r\n")}`, "utf16le"),
  "no line end": (text) => text.trimEnd(),
  "comments and blank lines": (text) => `# of the night shift\n\n${text}\n; end\n`,
  "blanks at the ends of lines": (text) => text.replaceAll("\n", " \t\n  "),
};

test.each(Object.keys(SHAPES))("creds and seed files: %s", async (shape) => {
  const write = (name: string, text: string) => {
    const path = secretFile(name, "");
    writeFileSync(path, (SHAPES[shape] as (text: string) => string | Buffer)(text));
    return path;
  };
  const mine = operator();
  const whole = readFileSync(mine.creds());
  const byJwt = await serveJobs(mine.config, { authenticator: credsAuthenticator(whole) });
  const creds = write("x.creds", whole.toString());
  expectJobs(await at(byJwt.url, "--creds", creds));
  expectJobs(await at(byJwt.url, "--nkey", creds));
  expect((await zester(["config", "check", "--master", byJwt.url, "--creds", creds])).stdout).toMatch(/user +ops \(U/);

  const user = nkeys.createUser();
  const seed = Buffer.from(user.getSeed()).toString();
  const framed = `-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`;
  const byNkey = await serveJobs(`authorization { users: [{ nkey: ${user.getPublicKey()} }] }`, {
    authenticator: nkeyAuthenticator(user.getSeed()),
  });
  const ownCreds = readFileSync(operator().creds({ user }), "utf8");
  for (const text of [`${seed}\n`, framed, ownCreds]) expectJobs(await at(byNkey.url, "--nkey", write("x.nk", text)));
});

test("a creds or seed file that holds something else: what it lacks", async () => {
  const creds = readFileSync(operator().creds(), "utf8");
  const [, jwt = ""] = creds.split("\n");
  const seed = /^SU\w+$/m.exec(creds)?.[0] ?? "";
  const account = Buffer.from(nkeys.createAccount().getSeed()).toString();
  const { url } = await startServer();
  for (const [flag, text, words] of [
    ["--creds", seed, "it has no JWT"],
    ["--creds", jwt, "it has no seed"],
    ["--creds", "", "does not contain a user's JWT and seed."],
    ["--creds", `${jwt}\n${account}`, "contains the seed of an account, not of a user"],
    ["--nkey", account, "contains the seed of an account, not of a user"],
    ["--nkey", jwt, "it has no seed"],
    ["--nkey", "s3cret", "does not contain an nkey seed."],
    ["--nkey", `${seed.slice(0, -2)}AA`, "contains a damaged nkey seed"],
  ] as const) {
    const path = secretFile("x", text);
    const refused = await at(url, flag, path);
    expectError(refused, path, words);
    for (const secret of [jwt, seed.slice(0, -2), account]) expect(refused.stderr).not.toContain(secret);
  }
});

test("NATS_USER, NATS_PASSWORD and NATS_TOKEN, as the nats command has them", async () => {
  const byUser = await serveJobs('authorization { user: "ops", password: "s3cret" }', { user: "ops", pass: "s3cret" });
  const byToken = await serveJobs('authorization { token: "s3cret" }', { token: "s3cret" });
  const user = { NATS_URL: byUser.url, NATS_USER: "ops", NATS_PASSWORD: "s3cret" };
  const listed = (env: Record<string, string>, ...flags: string[]) => zester(["job", "list", ...flags], { env });
  expectJobs(await listed(user));
  expectJobs(await listed({ NATS_URL: byToken.url, NATS_TOKEN: "s3cret" }));
  // A user without a password is a token.
  expectJobs(await listed({ NATS_URL: byToken.url, NATS_USER: "s3cret" }));
  expectJobs(await listed({ NATS_URL: byToken.url, NATS_USER: "ops", NATS_TOKEN: "s3cret" }));
  // A password without a user is nothing, and takes nothing away.
  const file = secretFile("c.yaml", `master: { urls: [${byToken.url.replace("//", "//s3cret@")}] }`);
  expectJobs(await listed({ NATS_PASSWORD: "x" }, "--config", file));
  // What stands in the URL is meant for its server; flags win.
  expectJobs(await listed({ ...user, NATS_PASSWORD: "wrong", NATS_URL: byUser.url.replace("//", "//ops:s3cret@") }));
  const creds = operator().creds();
  expectError(await listed(user, "--creds", creds), "does not accept these credentials");
  expectError(await listed({ ...user, NATS_CREDS: creds }), "$NATS_CREDS and $NATS_USER cannot be used together.");
  expectError(
    await listed({}, "--creds", creds, "--nkey", creds),
    "flag --creds and flag --nkey cannot be used together.",
  );
  for (const [env, rows] of [
    [user, { user: "ops", password: "***" }],
    [{ NATS_TOKEN: "s3cret" }, { token: "***" }],
    [{ NATS_USER: "s3cret" }, { token: "***" }],
  ] as const) {
    const { stdout } = await zester(["config"], { env });
    expect(stdout).not.toContain("s3cret");
    for (const [setting, value] of Object.entries(rows))
      expect(stdout).toMatch(
        new RegExp(`^${setting} +${value.replaceAll("*", "\\*")} +\\$NATS_(USER|PASSWORD|TOKEN)$`, "m"),
      );
  }
});
