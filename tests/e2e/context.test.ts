// Contexts of the nats command, and the settings that come with them, each against a real server.
import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { contextsIn } from "../support/credentials.ts";
import { freePort, tempDir, zester } from "../support/harness.ts";
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
    expect((await list(home, ["--master", url])).stderr).toContain("the server wants credentials");
    expect((await list(home, [], { NATS_URL: `127.0.0.1:${port}` })).stderr).toContain("wants credentials");
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
    expect((await list(home, ["--context", "bad", "--config", "x"])).stderr).toContain("exclude each other");
    const xdg = join(home, ".config");
    expect((await list("/nowhere", ["--context", "good"], { XDG_CONFIG_HOME: xdg })).code).toBe(0);
  });

  test.each([
    ["an unknown name", {}, "prdo", 'no NATS context "prdo"', "Did you mean prod?"],
    ["a path", {}, "../prod", 'no NATS context "../prod"', "Contexts: "],
    ["no JSON", { bad: '{"password": "s3cret' }, "bad", "it is not JSON", "--context"],
    ["a list", { bad: "[]" }, "bad", "not a JSON object", "--context"],
    ["a number", { bad: { user: 7 } }, "bad", "user must be text", "--context"],
    ["nsc", { bad: { nsc: "nsc://o/a/u" } }, "bad", "looked up by nsc", "nsc generate creds"],
    ["creds from nsc", { bad: { creds: "nsc://o/a/u" } }, "bad", "looked up by nsc", "nsc generate creds"],
    ["creds from elsewhere", { bad: { creds: "op://v/i" } }, "bad", 'not a file but "op:…"', "Name a file"],
    ["a proxy", { bad: { socks_proxy: "socks5://x" } }, "bad", "SOCKS proxy", "ssh -L"],
    ["two kinds", { bad: { user: "u", token: "s3cret" } }, "bad", "more than one kind", "Keep one"],
    ["half a JWT", { bad: { user_jwt: "x" } }, "bad", "belong together", "--context"],
    ["a bad domain", { bad: { jetstream_domain: "a.b" } }, "bad", '"a.b" is not a JetStream domain', "Correct"],
  ])("error: %s", async (_, contexts, name, words, hint) => {
    const home = homeWith({ prod: {}, ...contexts });
    const { stdout, stderr, code } = await list(home, ["--context", name]);
    expect(stderr).toContain(words);
    expect(stderr).toContain(hint);
    expect(stderr).not.toMatch(/s3cret|unexpected failure/);
    expect([stdout, code]).toEqual(["", 1]);
  });

  test("a selected context that can't be used is an error, never localhost", async () => {
    const { stderr, code } = await list(homeWith({}, "gone"));
    expect(stderr).toContain('the selected context does not exist: there is no NATS context "gone"');
    expect(code).toBe(1);
    expect((await list(homeWith({ bad: "{" }, "bad"))).stderr).toContain('the selected NATS context "bad"');
  });

  test("warnings: a field without meaning here, a file with a secret that others can read", async () => {
    const { url } = await serveJobs();
    const home = homeWith({ odd: { url, windows_cert_store: "user", password: "s3cret" } });
    chmodSync(join(home, ".config/nats/context/odd.json"), 0o644);
    const { stderr, code } = await list(home, ["--context", "odd"]);
    expect(stderr).toContain("the field windows_cert_store has no meaning here");
    expect(stderr).toContain("holds a secret and can be read by other users");
    expect(stderr).not.toContain("s3cret");
    expect(code).toBe(0);
  });
});
