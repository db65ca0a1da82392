// Secrets: whatever kind, right or wrong, and whatever a command prints or fails with, none of them comes out.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { credsAuthenticator, nkeys } from "nats";
import { contextsIn, operator, secretFile } from "../support/credentials.ts";
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
import { draws, some } from "../support/length.ts";
import { randomFrom, SEED } from "../support/random.ts";
import { leakedFrom, SECRETS } from "../support/secrets.ts";

const PASSWORD = "s3cret/pass:wörd@%";
const TOKEN = "t0ken-s3cret";
const user = nkeys.createUser();
const seedOf = (pair: typeof user) => Buffer.from(pair.getSeed()).toString();
const mine = operator();
const stranger = operator();

let byUser: Server;
let byToken: Server;
let byJwt: Server;

beforeAll(async () => {
  const users = `{ user: ops, password: ${JSON.stringify(PASSWORD)} }, { nkey: ${user.getPublicKey()} }`;
  byUser = await startServer(`authorization { users: [${users}] }`);
  byToken = await startServer(`authorization { token: "${TOKEN}" }`);
  byJwt = await startServer(mine.config);
  const root = await Bun.file(mine.creds()).bytes();
  for (const nc of [
    await byUser.connect({ user: "ops", pass: PASSWORD }),
    await byToken.connect({ token: TOKEN }),
    await byJwt.connect({ authenticator: credsAuthenticator(root) }),
  ]) {
    const { jobs } = await createBuckets(nc);
    await jobs.put("j1", encode(jobRecord("j1")));
    await jobs.put("j2", encode(jobRecord("j2", { status: "running" })));
    await nc.close();
  }
});
afterAll(() => Promise.all([byUser, byToken, byJwt].map((server) => server.stop())));

interface Form {
  readonly flags?: readonly string[];
  readonly env?: Record<string, string>;
  /** What must not come out. */
  readonly secrets: readonly string[];
}

/** A context of the nats command, selected by flag. */
function context(fields: Record<string, string>): Pick<Form, "flags" | "env"> {
  const home = contextsIn(tempDir(), { fleet: fields });
  return { flags: ["--context", "fleet"], env: { XDG_CONFIG_HOME: home } };
}

const withLogin = (server: Server, login: string) => server.url.replace("//", `//${login}@`);
/** The JWT and the seed in a `.creds` file. */
const partsOf = (creds: string): [string, string] => {
  const lines = readFileSync(creds, "utf8").split("\n");
  return [lines[1] as string, lines.find((line) => line.startsWith("SU")) as string];
};
const config = (master: object) => ["--config", secretFile("config.yaml", JSON.stringify({ master }))];

/** Every way to log in. `good` chooses between what the server takes and what it refuses. */
const FORMS: Record<string, (good: boolean) => Form> = {
  "password in --master": (good) => {
    const secret = good ? PASSWORD : `${PASSWORD}X`;
    const coded = encodeURIComponent(secret);
    return { flags: ["--master", withLogin(byUser, `ops:${coded}`)], secrets: [secret, coded] };
  },
  "password in NATS_URL": (good) => {
    const secret = encodeURIComponent(good ? PASSWORD : `${PASSWORD}X`);
    return { env: { NATS_URL: withLogin(byUser, `ops:${secret}`) }, secrets: [PASSWORD, secret] };
  },
  "password in the config file": (good) => {
    const secret = encodeURIComponent(good ? PASSWORD : `${PASSWORD}X`);
    return { flags: config({ urls: [withLogin(byUser, `ops:${secret}`)] }), secrets: [PASSWORD, secret] };
  },
  "password in a context": (good) => ({
    ...context({ url: byUser.url, user: "ops", password: good ? PASSWORD : `${PASSWORD}X` }),
    secrets: [PASSWORD],
  }),
  "token in --master": (good) => {
    const secret = good ? TOKEN : `${TOKEN}X`;
    return { flags: ["--master", withLogin(byToken, secret)], secrets: [TOKEN] };
  },
  "token in a context": (good) => ({
    ...context({ url: byToken.url, token: good ? TOKEN : `${TOKEN}X` }),
    secrets: [TOKEN],
  }),
  "nkey seed": (good) => {
    const seed = seedOf(good ? user : nkeys.createUser());
    return {
      flags: ["--nkey", secretFile("seed", good ? seed : `${seed}\nmore`), "--master", byUser.url],
      secrets: [seed],
    };
  },
  "a stranger's nkey seed": (good) => {
    const seed = seedOf(good ? user : nkeys.createUser());
    return { env: { NATS_NKEY: secretFile("seed", seed), NATS_URL: byUser.url }, secrets: [seed] };
  },
  creds: (good) => {
    const creds = (good ? mine : stranger).creds();
    return { flags: ["--creds", creds, "--master", byJwt.url], secrets: partsOf(creds) };
  },
  "creds that have expired": (good) => {
    const creds = mine.creds(good ? {} : { exp: 1_700_000_000 });
    const [jwt, seed] = partsOf(creds);
    return { flags: [...config({ urls: [byJwt.url], creds_file: creds })], secrets: [jwt, seed] };
  },
  "creds with a broken seed": (good) => {
    const creds = mine.creds();
    const [jwt, seed] = partsOf(creds);
    if (!good) writeFileSync(creds, readFileSync(creds, "utf8").replace(seed, `${seed.slice(0, -3)}AAA`));
    return { env: { NATS_CREDS: creds, NATS_URL: byJwt.url }, secrets: [jwt, seed.slice(0, -3)] };
  },
  "JWT and seed in a context": (good) => {
    const [jwt, seed] = partsOf((good ? mine : stranger).creds());
    return { ...context({ url: byJwt.url, user_jwt: jwt, user_seed: seed }), secrets: [jwt, seed] };
  },
};

/** The commands whose outcome depends on the login, and those that only show settings. */
const ASKING = [
  ["job", "list"],
  ["job", "list", "--format", "json"],
  ["job", "show", "j1", "--format", "yaml"],
  ["job", "active"],
  ["job", "trace", "j1"],
  ["job", "wait", "j1"],
  ["job", "watch", "j1"],
  ["job", "kill", "j2"],
  ["config", "check"],
  ["config", "check", "--format", "json"],
];
const SHOWING = [
  ["config"],
  ["config", "--format", "json"],
  ["config", "--format", "yaml"],
  ["__complete", "job", "show", ""],
  ["job", "list", "--no-such-flag"],
  ["job", "list", "unexpected"],
  ["job", "list", "--help"],
];

describe.each(Object.keys(FORMS).map((name, i) => [name, i] as const))("%s", (name, i) => {
  const form = FORMS[name] as (good: boolean) => Form;
  test.each([
    ["right", true],
    ["wrong", false],
  ])("%s: nothing of it comes out", async (_, good) => {
    const { flags = [], env = {}, secrets } = form(good);
    // The runtime's and the libraries' own words, as far as variables bring any.
    const noisy = {
      DEBUG: "*",
      NODE_DEBUG: "net,tls,http",
      NATS_DEBUG: "1",
      BUN_CONFIG_VERBOSE_FETCH: "curl",
    };
    for (const command of some([...ASKING, ...SHOWING], 6, good ? i : i + 1)) {
      const { stdout, stderr, code } = await zester([...command, ...flags], { env: { ...noisy, ...env } });
      for (const secret of secrets) {
        expect(secret.length).toBeGreaterThan(8);
        for (const shape of [secret, Buffer.from(secret).toString("base64")])
          expect(stdout + stderr).not.toContain(shape);
      }
      if (ASKING.includes(command)) expect([command, code === 0]).toEqual([command, good]);
    }
  });
});

/** Forms whose secrets come by variable or file. */
const BESIDE_ARGUMENTS = ["password in NATS_URL", "password in a context", "JWT and seed in a context", "creds"];

test.skipIf(process.platform !== "linux")(
  "what other users see of a process: no secret that came by variable or file, and nothing is hidden of its arguments",
  async () => {
    for (const name of BESIDE_ARGUMENTS) {
      const { flags = [], env = {}, secrets } = (FORMS[name] as (good: boolean) => Form)(true);
      const watch = new Running(["job", "watch", ...flags], env);
      await watch.until("j2");
      const at = `/proc/${watch.pid}`;
      const seen = ["cmdline", "comm", "stat", "status"].map((file) => readFileSync(join(at, file), "utf8")).join("\n");
      for (const secret of secrets) expect(seen).not.toContain(secret);
      expect(seen).toContain(["job", "watch", ...flags].join("\0"));
      // The variables are for this user alone.
      expect(readFileSync(join(at, "status"), "utf8")).toMatch(new RegExp(`^Uid:\\t${process.getuid?.()}\\t`, "m"));
      // No process of its own that would inherit them.
      const children = readFileSync(join(at, `task/${watch.pid}/children`), "utf8");
      expect(children).toBe("");
      watch.signal("SIGINT");
      expect(await watch.ended()).toBe(130);
    }
  },
);

test.skipIf(process.platform !== "linux")(
  "when the runtime itself crashes, its report has no secret that came by variable or file, and is not sent",
  async () => {
    for (const name of BESIDE_ARGUMENTS) {
      const { flags = [], env = {}, secrets } = (FORMS[name] as (good: boolean) => Form)(true);
      // The program that would send it, were there one.
      const bin = tempDir();
      writeFileSync(join(bin, "curl"), `#!/bin/sh\necho sent > ${bin}/sent\n`, { mode: 0o755 });
      const watch = new Running(["job", "watch", ...flags], { PATH: `${bin}:/usr/bin:/bin`, ...env });
      await watch.until("j2");
      watch.signal("SIGSEGV");
      await watch.ended();
      expect(watch.err).toContain("Segmentation fault");
      for (const secret of secrets) expect(watch.out + watch.err).not.toContain(secret);
      expect(existsSync(join(bin, "sent"))).toBe(false);
    }
  },
);

test("files with secrets that others can read: a warning for each kind, and none once they can't", async () => {
  const dead = `nats://127.0.0.1:${await freePort()}`;
  const [jwt, seed] = partsOf(mine.creds());
  const home = contextsIn(tempDir(), { fleet: { url: dead, user_jwt: jwt, user_seed: seed } });
  const contextFile = join(home, "nats/context/fleet.json");
  const key = secretFile("tls.key", "-----BEGIN PRIVATE KEY-----\n");
  const cert = secretFile("tls.crt", "-----BEGIN CERTIFICATE-----\n");
  const creds = mine.creds();
  const nkey = secretFile("seed", seedOf(user));
  const yaml = secretFile("config.yaml", `master: { urls: ["${withLogin({ url: dead } as Server, "u:s3cret")}"] }\n`);
  for (const [path, args, env] of [
    [creds, ["--creds", creds], {}],
    [nkey, ["--nkey", nkey], {}],
    [key, ["--tls-cert", cert, "--tls-key", key], {}],
    [contextFile, ["--context", "fleet"], { XDG_CONFIG_HOME: home }],
    [yaml, ["--config", yaml], {}],
  ] as [string, string[], Record<string, string>][]) {
    const master = args.some((flag) => flag === "--context" || flag === "--config") ? [] : ["--master", dead];
    const run = () => zester(["job", "list", ...args, ...master], { env });
    for (const mode of [0o644, 0o604, 0o640]) {
      chmodSync(path, mode);
      const { stderr } = await run();
      expect(stderr).toMatch(
        /^warning: .* (contains a secret and other users can read it|can be read by other users): chmod 600 it\.$/m,
      );
      expect(stderr).toContain(path);
    }
    for (const mode of [0o600, 0o400]) {
      chmodSync(path, mode);
      expect((await run()).stderr).not.toContain("can be read by");
    }
  }
});

/** How a secret is put in the wrong place; what it gives also tells whether it is a setting, which the error then names. */
type Place = (secret: string) => { args?: string[]; env?: Record<string, string>; setting?: string };

const FLAGS = ["creds", "nkey", "nats-ca", "tls-cert", "tls-key", "js-domain", "js-prefix", "inbox-prefix"];
const VARIABLES = ["NATS_CREDS", "NATS_NKEY", "NATS_CA", "NATS_CA_FILE", "NATS_CERT", "NATS_KEY", "NATS_JS_DOMAIN"];
const MASTER_KEYS = ["creds_file", "nkey_seed_file", "tls_ca", "tls_cert", "tls_key", "js_domain", "inbox_prefix"];
const FIELDS = ["ca", "cert", "key", "jetstream_domain", "jetstream_api_prefix", "inbox_prefix"];

const PLACES: Record<string, Place> = {
  ...Object.fromEntries(
    FLAGS.map((flag): [string, Place] => [
      `--${flag}`,
      (secret) => ({ args: [`--${flag}=${secret}`], setting: `--${flag}` }),
    ]),
  ),
  ...Object.fromEntries(
    VARIABLES.map((name): [string, Place] => [
      `$${name}`,
      (secret) => ({ env: { [name]: secret }, setting: `$${name}` }),
    ]),
  ),
  ...Object.fromEntries(
    MASTER_KEYS.map((key): [string, Place] => [
      `the config file's ${key}`,
      (secret) => ({ args: config({ urls: ["nats://127.0.0.1:1"], [key]: secret }), setting: key }),
    ]),
  ),
  ...Object.fromEntries(
    FIELDS.map((field): [string, Place] => [
      `the context's ${field}`,
      (secret) => {
        const { flags = [], env = {} } = context({ [field]: secret });
        return { args: [...flags], env, setting: field };
      },
    ]),
  ),
  "the address by flag": (secret) => ({ args: [`--master=${secret}`], setting: "--master" }),
  "the host by flag": (secret) => ({ args: [`--master=nats://${secret}:4222`], setting: "--master" }),
  "the host by variable": (secret) => ({ env: { NATS_URL: `nats://u:p@${secret}` }, setting: "$NATS_URL" }),
  "the host in the config file": (secret) => ({ args: config({ urls: [`tls://${secret}`] }), setting: "urls" }),
  "the name of a context": (secret) => ({ args: [`--context=${secret}`], setting: "--context" }),
  "the variable with a context": (secret) => ({ env: { NATS_CONTEXT: secret }, setting: "$NATS_CONTEXT" }),
  "the selected context": (secret) => ({
    env: { XDG_CONFIG_HOME: contextsIn(tempDir(), {}, secret) },
    setting: "selected",
  }),
  "a config file's path": (secret) => ({ args: [`--config=/etc/${secret}/x.yaml`], setting: "--config" }),
  "the variable with a config file": (secret) => ({ env: { ZESTER_CONFIG: secret }, setting: "$ZESTER_CONFIG" }),
  "part of a path": (secret) => ({ args: [`--creds=/home/ops/${secret}.creds`], setting: "--creds" }),
  "a timeout": (secret) => ({ args: [`--timeout=${secret}`], setting: "--timeout" }),
  "a format": (secret) => ({ args: [`--format=${secret}`], setting: "--format" }),
  "a user": (secret) => ({ env: { NATS_USER: secret, NATS_PASSWORD: "p4ssw0rd" } }),
  "a token": (secret) => ({ env: { NATS_TOKEN: secret } }),
  "a variable that a context refers to": (secret) => {
    const { flags = [], env = {} } = context({ token: `env://${secret}` });
    return { args: [...flags], env, setting: "token" };
  },
  "a file that a context refers to": (secret) => {
    const { flags = [], env = {} } = context({ creds: `file:///tmp/${secret}` });
    return { args: [...flags], env, setting: "creds" };
  },
  "a key of the config file": (secret) => ({ args: config({ [secret]: "x" }) }),
  "a command": (secret) => ({ args: [secret] }),
  "an argument": (secret) => ({ args: ["extra", secret] }),
  "a flag": (secret) => ({ args: [`--${secret}`] }),
};

test("a secret in the wrong place is never repeated, and the error names the setting", async () => {
  const random = randomFrom(SEED);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const commands = [
    ["config"],
    ["config", "--format", "json"],
    ["config", "check"],
    ["job", "list"],
    ["job", "show", "j1"],
  ];
  const rounds = Array.from({ length: draws(1, 6) }, () => Object.entries(PLACES)).flat();
  for (const [name, place] of rounds) {
    const secret = pick(SECRETS);
    const { args = [], env = {}, setting } = place(secret.text);
    const command = pick(commands);
    const found = await zester([...command, "--timeout=1s", ...args], { env });
    const said = found.stdout + found.stderr;
    const which = [`ZESTER_SEED=${SEED}`, name, secret.name, ...command];
    expect([...which, leakedFrom(secret, said)]).toEqual([...which, undefined]);
    expect(said).not.toContain("unexpected failure");
    // The content of a creds file as a data: reference is a login where a file with a login belongs.
    const fits = secret.name === "inline data" && /creds|nkey/i.test(name);
    if (setting !== undefined && !fits)
      expect([...which, found.code, said]).toEqual([...which, 1, expect.stringContaining(setting)]);
  }
}, 300_000);
