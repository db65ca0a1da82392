// Contexts of the nats command, and the settings that come with them, each against a real server.
import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { credsAuthenticator, nkeyAuthenticator, nkeys } from "nats";
import { contextsIn, operator, secretFile } from "../support/credentials.ts";
import { freePort, tempDir, zester } from "../support/harness.ts";
import { expectJobs } from "../support/outcome.ts";
import { serveJobs } from "../support/serve.ts";

/** A home directory with contexts, as the nats command stores them. */
function homeWith(contexts: Record<string, unknown>, selected?: string): string {
  const home = tempDir();
  contextsIn(join(home, ".config"), contexts, selected);
  return home;
}

const list = (HOME: string, args: string[] = [], env: Record<string, string> = {}) =>
  zester(["job", "list", "--timeout", "2s", ...args], { env: { HOME, ...env } });

describe("which context counts", () => {
  test("a newcomer with a selected context needs no further setting", async () => {
    const { port, url } = await serveJobs('authorization { user: ops, password: "s3cret" }', {
      user: "ops",
      pass: "s3cret",
    });
    const home = homeWith(
      // as the nats command writes it: every field, most of them empty
      {
        prod: {
          description: "x",
          url,
          socks_proxy: "",
          token: "",
          user: "ops",
          password: "s3cret",
          creds: "",
          nkey: "",
          cert: "",
          key: "",
          ca: "",
          nsc: "",
          jetstream_domain: "",
          jetstream_api_prefix: "",
          jetstream_event_prefix: "",
          inbox_prefix: "",
          user_jwt: "",
          user_seed: "",
          color_scheme: "",
          tls_first: false,
          windows_cert_store: "",
          windows_ca_certs_match: null,
        },
      },
      "prod",
    );
    const { stdout, stderr, code } = await list(home);
    expect([stderr, code]).toEqual(["", 0]);
    expect(stdout).toContain("\nj1 ");
    // A server named otherwise does not get the selected context's password.
    expect((await list(home, ["--master", url])).stderr).toContain("the server requires credentials");
    expect((await list(home, [], { NATS_URL: `127.0.0.1:${port}` })).stderr).toContain("requires credentials");
    // A config file is for zester; the selected context is not looked at then.
    mkdirSync(join(home, ".zester"));
    writeFileSync(join(home, ".zester/config.yaml"), `master: { urls: ["nats://127.0.0.1:${await freePort()}"] }`);
    expect((await list(home)).stderr).toContain("connection refused");
    expect((await list(home, ["--context", "prod"])).stdout).toContain("\nj1 ");
    expect((await list(home, [], { NATS_CONTEXT: "prod" })).stdout).toContain("\nj1 ");
  });

  test("--context wins over variables, a variable over NATS_CONTEXT, a flag over both", async () => {
    const { url } = await serveJobs();
    const dead = `nats://127.0.0.1:${await freePort()}`;
    const home = homeWith({ good: { url }, bad: { url: dead } });
    expect((await list(home, ["--context", "good"], { NATS_URL: dead, NATS_CONTEXT: "bad" })).code).toBe(0);
    expect((await list(home, [], { NATS_URL: dead, NATS_CONTEXT: "good" })).code).toBe(1);
    expect((await list(home, [], { NATS_URL: url, NATS_CONTEXT: "bad" })).code).toBe(0);
    expect((await list(home, ["--context", "bad", "--master", url])).code).toBe(0);
    expect((await list(home, ["--context", "bad", "--config", "x"])).stderr).toContain("cannot be used together");
    const xdg = join(home, ".config");
    expect((await list("/nowhere", ["--context", "good"], { XDG_CONFIG_HOME: xdg })).code).toBe(0);
  });

  test.each([
    ["an unknown name", {}, "prdo", 'no NATS context "prdo"', "Did you mean prod?"],
    ["a path", {}, "../prod", 'no NATS context "../prod"', "Use one of: prod."],
    ["no JSON", { bad: '{"password": "s3cret' }, "bad", "invalid JSON", "--context"],
    ["a list", { bad: "[]" }, "bad", "expected a JSON object", "--context"],
    ["a number", { bad: { user: 7 } }, "bad", "user must be text", "--context"],
    ["nsc", { bad: { nsc: "nsc://o/a/u" } }, "bad", "refer", "nsc generate creds"],
    ["creds from nsc", { bad: { creds: "nsc://o/a/u" } }, "bad", "refer", "nsc generate creds"],
    ["creds from elsewhere", { bad: { creds: "op://v/i" } }, "bad", 'refers to "op:…"', "Use a file"],
    ["a proxy", { bad: { socks_proxy: "socks5://x" } }, "bad", "SOCKS proxy", "ssh -L"],
    ["two kinds", { bad: { user: "u", creds: "/x" } }, "bad", "more than one kind", "Keep one"],
    ["half a JWT", { bad: { user_seed: "x" } }, "bad", "user_seed needs user_jwt", "--context"],
    ["no JWT", { bad: { user_jwt: "s3cret" } }, "bad", "user_jwt does not contain a JWT", "eyJ"],
    ["a token from nsc", { bad: { token: "nsc://o/a/u" } }, "bad", "token of context", "refer"],
    ["a password from 1Password", { bad: { user: "u", password: "op://v/i" } }, "bad", "refers to 1Password", "env://"],
    [
      "a seed from 1Password",
      { bad: { user_jwt: "x", user_seed: "OP://v/i" } },
      "bad",
      "refers to 1Password",
      "env://",
    ],
    ["a variable that is not set", { bad: { token: "env://NO_SUCH" } }, "bad", "NO_SUCH, which is not set", "env://"],
    ["a variable that is empty", { bad: { token: "env://EMPTY" } }, "bad", "EMPTY, which is empty", "env://"],
    ["a file that is not there", { bad: { token: "file:///no/such" } }, "bad", "no such file", "Check"],
    ["inline text", { bad: { token: "data:,s3cret" } }, "bad", "without ;base64", "data:;base64"],
    ["inline rubbish", { bad: { token: "data:;base64,s3cret!" } }, "bad", "not base64", "data:;base64"],
    [
      "inline data that is no creds",
      { bad: { creds: "data:;base64,aGVsbG8=" } },
      "bad",
      "user's JWT and seed",
      ".creds",
    ],
    ["a certificate by variable", { bad: { cert: "env://X", key: "/x" } }, "bad", 'refers to "env:…"', "Use a file"],
    ["an inline CA", { bad: { ca: "data:;base64,s3cret" } }, "bad", 'refers to "data:…"', "Use a file"],
    [
      "a bad domain",
      { bad: { jetstream_domain: "a.b" } },
      "bad",
      'invalid JetStream domain "a.b" for context',
      "one word",
    ],
  ])("error: %s", async (_, contexts, name, words, hint) => {
    const home = homeWith({ prod: {}, ...contexts });
    const { stdout, stderr, code } = await list(home, ["--context", name], { EMPTY: "" });
    expect(stderr).toContain(words);
    expect(stderr).toContain(hint);
    expect(stderr).not.toMatch(/s3cret|unexpected failure/);
    expect([stdout, code]).toEqual(["", 1]);
  });

  test("a selected context that can't be used is an error, never localhost", async () => {
    const { stderr, code } = await list(homeWith({}, "gone"));
    expect(stderr).toContain('the selected context is not usable: no NATS context "gone"');
    expect(code).toBe(1);
    expect((await list(homeWith({ bad: "{" }, "bad"))).stderr).toContain(
      'the selected context is not usable: NATS context "bad"',
    );
  });

  test("warnings: a field without meaning here, a file with a secret that others can read", async () => {
    const { url } = await serveJobs();
    const home = homeWith({ odd: { url, windows_cert_store: "user", password: "s3cret" } });
    chmodSync(join(home, ".config/nats/context/odd.json"), 0o644);
    const { stderr, code } = await list(home, ["--context", "odd"]);
    expect(stderr).toContain("the field windows_cert_store has no meaning here");
    expect(stderr).toContain("contains a secret and other users can read it");
    expect(stderr).not.toContain("s3cret");
    expect(code).toBe(0);
  });
});

describe("secrets that a context refers to, as nats 0.5 writes them", () => {
  const inline = (text: string) => `data:;base64,${Buffer.from(text).toString("base64")}`;
  /** The same text held in a variable, in a file, and inline. */
  const everywhere = (text: string): [string, Record<string, string>][] => [
    ["env://THE_SECRET", { THE_SECRET: text }],
    ["ENV://THE_SECRET", { THE_SECRET: `${text}\n` }],
    [`file://${secretFile("secret", `${text}\r\n`)}`, {}],
    ["file://$FOLDER/secret", { FOLDER: join(secretFile("secret", text), "..") }],
    [inline(`${text}\n`), {}],
    [inline(text).replace("data:", "data:text/plain;charset=utf-8"), {}],
  ];
  const listed = async (fields: Record<string, unknown>, env: Record<string, string>) => {
    const home = homeWith({ c: fields });
    expectJobs(await list(home, ["--context", "c"], env));
    const shown = await zester(["config", "--context", "c"], { env: { HOME: home, ...env } });
    expect([shown.code, shown.stderr]).toEqual([0, ""]);
    return shown.stdout;
  };

  test("a token, alone and beside a user", async () => {
    const { url } = await serveJobs('authorization { token: "s3cret:tok" }', { token: "s3cret:tok" });
    for (const [token, env] of [["s3cret:tok", {}] as const, ...everywhere("s3cret:tok")])
      for (const user of ["", "ops"]) expect(await listed({ url, token, user }, env)).not.toContain("s3cret");
  });

  test("a password", async () => {
    const login = { user: "ops", pass: "s3cret" };
    const { url } = await serveJobs('authorization { user: ops, password: "s3cret" }', login);
    for (const [password, env] of everywhere("s3cret"))
      expect(await listed({ url, user: "ops", password }, env)).not.toContain("s3cret");
    // Another word before a colon is a password.
    const colon = await serveJobs('authorization { user: ops, password: "envy:s3cret" }', {
      user: "ops",
      pass: "envy:s3cret",
    });
    await listed({ url: colon.url, user: "ops", password: "envy:s3cret" }, {});
  });

  test("creds, a JWT and its seed, an nkey", async () => {
    const mine = operator();
    const file = mine.creds();
    const text = readFileSync(file, "utf8");
    const [, jwt = ""] = text.split("\n");
    const seed = /^SU\w+$/m.exec(text)?.[0] ?? "";
    const { url } = await serveJobs(mine.config, { authenticator: credsAuthenticator(readFileSync(file)) });
    for (const [creds, env] of everywhere(text)) expect(await listed({ url, creds }, env)).not.toContain(seed);
    for (const [reference, env] of everywhere(jwt))
      expect(await listed({ url, user_jwt: reference, user_seed: seed }, env)).not.toContain(jwt);
    for (const [reference, env] of everywhere(seed))
      expect(await listed({ url, user_jwt: jwt, user_seed: reference }, env)).not.toContain(seed);

    const user = nkeys.createUser();
    const nkey = Buffer.from(user.getSeed()).toString();
    const plain = await serveJobs(`authorization { users: [{ nkey: ${user.getPublicKey()} }] }`, {
      authenticator: nkeyAuthenticator(user.getSeed()),
    });
    for (const [reference, env] of everywhere(nkey))
      expect(await listed({ url: plain.url, nkey: reference }, env)).not.toContain(nkey);
  });

  test("a bearer's JWT without a seed", async () => {
    const mine = operator();
    const file = mine.creds();
    const { url } = await serveJobs(mine.config, { authenticator: credsAuthenticator(readFileSync(file)) });
    const [, bearer = ""] = readFileSync(mine.creds({ bearer: true }), "utf8").split("\n");
    for (const [jwt, env] of [[bearer, {}] as const, ...everywhere(bearer)])
      expect(await listed({ url, user_jwt: jwt }, env)).not.toContain(bearer);
    // Any other is refused by the server.
    const [, signed = ""] = readFileSync(file, "utf8").split("\n");
    const refused = await list(homeWith({ c: { url, user_jwt: signed } }), ["--context", "c"]);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("does not accept these credentials")]);
  });

  test("what is not used is not looked up, and a file without secrets may be read by others", async () => {
    const { url } = await serveJobs('authorization { token: "s3cret" }', { token: "s3cret" });
    const home = homeWith({ c: { url, token: "env://NO_SUCH" } });
    chmodSync(join(home, ".config/nats/context/c.json"), 0o644);
    expectJobs(await list(home, ["--context", "c", "--master", url.replace("//", "//s3cret@")], { NO_SUCH: "other" }));
    expectJobs(await list(home, [], { NATS_CONTEXT: "c", NATS_TOKEN: "s3cret" }));
  });
});
