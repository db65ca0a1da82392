// Flags, variables and files → settings, and where each came from. One home directory with two contexts and two config
// files; no process, no server.
import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { resolveSettings } from "../../../lib/settings/resolve.ts";
import { KEYS, type Key, SETTINGS, type SettingFlags } from "../../../lib/settings/settings.ts";
import { tempDir } from "../../support/harness.ts";

const HOME = tempDir();
const put = (path: string, text: string) => {
  mkdirSync(join(HOME, path, ".."), { recursive: true });
  writeFileSync(join(HOME, path), text);
  chmodSync(join(HOME, path), 0o600);
  return join(HOME, path);
};
const full = put(
  "full.yaml",
  `master:
  urls: [h1, "h2,h3"]
  creds_file: ~/f.creds
  tls_ca: /f/ca
  tls_cert: /f/cert
  tls_key: /f/key
  tls_first: true
  js_domain: hub
  inbox_prefix: _FILE
`,
);
const own = put("own.yaml", "nats_url: own:4222\nnats_ca: ~/own.ca\n");
put(
  ".config/nats/context/c.json",
  JSON.stringify({
    description: "made by nats context save",
    url: "c1,c2",
    token: "t0ken",
    ca: "$HOME/c.ca",
    key: "file://~/c.key",
    tls_first: true,
    jetstream_api_prefix: "C.API",
    user_jwt: "",
    socks_proxy: "",
  }),
);
put(".config/nats/context/bare.json", "{}");

async function resolve(flags: SettingFlags, env: Record<string, string> = {}) {
  const { settings, sources } = await resolveSettings(flags, { HOME, ...env }, (text) => {
    throw new Error(text);
  });
  return Object.fromEntries(
    KEYS.flatMap((key) => {
      const value = settings[key];
      const text = Array.isArray(value) ? value.join(" ") : String(value);
      return value === undefined ? [] : [[key, `${text} (${sources[key]?.replace(/^\/.*\//, "")})`]];
    }),
  );
}

const DEFAULTS = { urls: "nats://localhost:4222 (default)", timeoutMs: "5000 (default)" };

test.each([
  ["nothing is given", {}, {}, {}],
  ["one variable", {}, { NATS_URL: "h" }, { urls: "h ($NATS_URL)" }],
  ["a variable that is empty", {}, { NATS_URL: "", NATS_CREDS: "" }, {}],
  ["a flag before its variable", { master: "a" }, { NATS_URL: "b" }, { urls: "a (flag --master)" }],
  ["the first of two variables", {}, { NATS_CA: "/2", NATS_CA_FILE: "/1" }, { tlsCa: "/1 ($NATS_CA_FILE)" }],
  ["the second of two variables", {}, { NATS_CA: "/2" }, { tlsCa: "/2 ($NATS_CA)" }],
  ["a list of servers", { master: "a,b,\nc" }, {}, { urls: "a b c (flag --master)" }],
  ["a path at home", { creds: "~/x" }, {}, { creds: `${HOME}/x (flag --creds)` }],
  ["text is no path", { "inbox-prefix": "~" }, {}, { inboxPrefix: "~ (flag --inbox-prefix)" }],
  ["a switch", { "tls-first": true }, {}, { tlsFirst: "true (flag --tls-first)" }],
  ["a switch that is off", { "tls-first": false }, {}, {}],
  ["a time", { timeout: "1m30s" }, { ZESTER_TIMEOUT: "9s" }, { timeoutMs: "90000 (flag --timeout)" }],
  ["a time by variable", {}, { ZESTER_TIMEOUT: "9s" }, { timeoutMs: "9000 ($ZESTER_TIMEOUT)" }],
  // What is not used is not read: a flag in front of it spares an error.
  ["a bad time behind a good one", { timeout: "1s" }, { ZESTER_TIMEOUT: "x" }, { timeoutMs: "1000 (flag --timeout)" }],
  // Credentials are one group: those of another source replace all of them.
  ["a kind of credentials", { nkey: "/n" }, { NATS_CREDS: "/c" }, { nkey: "/n (flag --nkey)" }],
  ["where JetStream is", { "js-prefix": "P" }, { NATS_JS_DOMAIN: "d" }, { jsPrefix: "P (flag --js-prefix)" }],
  [
    "a config file",
    { config: full },
    {},
    {
      urls: "h1 h2 h3 (full.yaml)",
      creds: `${HOME}/f.creds (full.yaml)`,
      tlsCa: "/f/ca (full.yaml)",
      tlsCert: "/f/cert (full.yaml)",
      tlsKey: "/f/key (full.yaml)",
      tlsFirst: "true (full.yaml)",
      jsDomain: "hub (full.yaml)",
      inboxPrefix: "_FILE (full.yaml)",
    },
  ],
  [
    "flags and variables before the file",
    { config: own, creds: "/c" },
    { NATS_URL: "h" },
    { urls: "h ($NATS_URL)", creds: "/c (flag --creds)", tlsCa: `${HOME}/own.ca (own.yaml)` },
  ],
  [
    "a config file by variable",
    {},
    { ZESTER_CONFIG: own },
    { urls: "own:4222 (own.yaml)", tlsCa: `${HOME}/own.ca (own.yaml)` },
  ],
  [
    "a context",
    { context: "c" },
    {},
    {
      urls: 'c1 c2 (context "c")',
      token: 't0ken (context "c")',
      tlsCa: `${HOME}/c.ca (context "c")`,
      tlsKey: `${HOME}/c.key (context "c")`,
      tlsFirst: 'true (context "c")',
      jsPrefix: 'C.API (context "c")',
    },
  ],
  ["a context without a server", { context: "bare" }, {}, { urls: 'nats://localhost:4222 (context "bare")' }],
  // Named on the command line, a context was typed for this call; a variable may be a leftover.
  [
    "a context before variables",
    { context: "bare" },
    { NATS_URL: "h" },
    { urls: 'nats://localhost:4222 (context "bare")' },
  ],
  ["a variable before NATS_CONTEXT", {}, { NATS_CONTEXT: "bare", NATS_URL: "h" }, { urls: "h ($NATS_URL)" }],
  ["a flag before a context", { context: "bare", master: "h" }, {}, { urls: "h (flag --master)" }],
  [
    "a context before a config file",
    { context: "bare" },
    { ZESTER_CONFIG: full },
    { urls: 'nats://localhost:4222 (context "bare")' },
  ],
] as [string, SettingFlags, Record<string, string>, object][])("%s", async (_, flags, env, expected) => {
  expect(await resolve(flags, env)).toEqual({ ...DEFAULTS, ...expected });
});

test.each([
  [
    "a context and a config file",
    { context: "c", config: full },
    {},
    "--context and --config cannot be used together.",
  ],
  ["a list that names nothing", { master: "," }, {}, "flag --master names no server."],
  ["a variable that names nothing", {}, { NATS_URL: " " }, "$NATS_URL names no server."],
  ["a URL for a file", { config: "nats://u:s3cret@h" }, {}, "flag --config contains a URL"],
  ["a URL for a context", {}, { NATS_CONTEXT: "nats://h" }, "$NATS_CONTEXT contains a URL"],
  ["a time that is none", { timeout: "5" }, {}, 'invalid duration "5" for --timeout.'],
  ["the same by variable", {}, { ZESTER_TIMEOUT: "5" }, 'invalid duration "5" for ZESTER_TIMEOUT.'],
  ["a domain of two words", { "js-domain": "a.b" }, {}, 'invalid JetStream domain "a.b" for flag --js-domain.'],
  ["a domain and a prefix", { "js-domain": "a", "js-prefix": "B" }, {}, "cannot be used together."],
  ["no such file", { config: "/nowhere" }, {}, "cannot read config file /nowhere: no such file."],
  ["no such context", { context: "d" }, {}, 'no NATS context "d"'],
] as [string, SettingFlags, Record<string, string>, string][])("error: %s", async (_, flags, env, words) => {
  const error = await resolve(flags, env).catch((e: Error) => e);
  expect((error as Error).message).toContain(words);
  expect((error as Error).message).not.toContain("s3cret");
});

test("no flag, variable or key stands for two settings, and each setting has a name", () => {
  const names = (of: (key: Key) => readonly (string | undefined)[]) => KEYS.flatMap(of).filter((name) => name);
  for (const all of [
    names((key) => [SETTINGS[key].flag]),
    names((key) => SETTINGS[key].variables ?? []),
    names((key) => [SETTINGS[key].config]),
    names((key) => [SETTINGS[key].context]),
  ])
    expect(new Set(all).size).toBe(all.length);
  for (const key of KEYS) expect(SETTINGS[key].flag ?? SETTINGS[key].context).toBeDefined();
});
