// Whatever stands in arguments, variables and files: one clear message, nothing that acts on a terminal, no secret.

import { afterAll, beforeAll, expect, test } from "bun:test";
import type { ArgsDef } from "citty";
import { type Command, loadAll } from "../../lib/cli/command.ts";
import { zester as tree } from "../../zester.ts";
import { contextsIn, secretFile } from "../support/credentials.ts";
import {
  createBuckets,
  encode,
  jobRecord,
  type Result,
  run,
  type Server,
  startServer,
  tempDir,
  ZESTER,
  zester,
} from "../support/harness.ts";
import { some } from "../support/length.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
  const nc = await server.connect();
  const { jobs } = await createBuckets(nc);
  await jobs.put("j1", encode(jobRecord("j1")));
  await nc.close();
});
afterAll(() => server.stop());

/** An argument may have 128 KiB, its name and the NUL at the end included. */
const LONG = "x".repeat(127 * 1024);
const CONTROLS = "a\nb\r\x1b[31m\x07\x7f\x9b1m\u202e\u2028";
/** What a shell's printf makes bytes of that are no UTF-8. */
const BROKEN = "\\377\\376\\033[31m\\n\\200x";

/** Every string flag once, with a command that takes it. */
function flags(command: Command, path: string[], seen = new Set<ArgsDef[string]>()): [string[], string][] {
  const own = Object.entries(command.run ? (command.args ?? {}) : {})
    .filter(([, def]) => def.type === "string" && !seen.has(def) && seen.add(def))
    .map(([name]): [string[], string] => [path, name]);
  return [
    ...own,
    ...Object.entries(command.subCommands ?? {}).flatMap(([name, sub]) => flags(sub, [...path, name], seen)),
  ];
}

/** Positionals that make the rest of the command line whole. */
const words = (path: string[]) => (/show|trace|wait$/.test(path.join(" ")) ? ["j1"] : []);

/** One line that says it, at most one more that helps; the same for a command that took the value after all. */
function expectClear({ stdout, stderr, code }: Result): void {
  // The first three would act on a terminal; U+FFFD is what bytes without meaning are read as.
  expect(stdout + stderr).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028]/);
  expect(stderr).not.toMatch(/unexpected failure|s3cret|\bat .*:\d+:\d+/);
  const lines = stderr.split("\n").filter((line) => line && !/^(warning|note): /.test(line));
  expect(lines.length).toBeLessThanOrEqual(2);
  // Data may be long, such as a setting that `config` shows; what is said may not.
  const said = [...stderr.split("\n"), ...stdout.split("\n").filter((line) => line.startsWith("No "))];
  for (const line of said) expect(line.length).toBeLessThan(2000);
  // 2: grep took it, and did not find it.
  if (code === 0 || code === 2) expect(lines).toEqual([]);
  else {
    expect(lines[0]).toStartWith("error: ");
    expect([stdout, code]).toEqual(["", 1]);
  }
}

/** Runs the executable through a shell, where `$X` holds the bytes that printf makes of `escapes`. */
function withBytes(script: string, escapes: string, env: Record<string, string> = {}): Promise<Result> {
  // The x keeps the newlines at the end, which a shell drops.
  const line = `X=$(printf '${escapes}x'); ${script}`;
  return run(["sh", "-c", line, ZESTER], { env });
}

test.each(flags(await loadAll(tree), []).map(([path, flag], i) => [path, flag, i] as const))(
  "%j --%s",
  async (path, flag, i) => {
    const env = { NATS_URL: server.url, ZESTER_TIMEOUT: "2s" };
    const args = (value: string) => [...path, ...words(path), `--${flag}`, value];
    const trials = [
      ...[LONG, CONTROLS, " ", "%", "\ud800"].map((value) => () => zester(args(value), { env })),
      () => withBytes(`exec "$0" ${[...path, ...words(path)].join(" ")} --${flag} "$X"`, BROKEN, env),
    ];
    for (const trial of some(trials, 6, i)) expectClear(await trial());
  },
);

test.each(["show", "trace", "wait", "watch", "kill"])("job %s <jid>", async (command) => {
  const env = { NATS_URL: server.url };
  for (const jid of [LONG, CONTROLS, "a\nb", " ", "$KV.jobs.j1", "*", ">"]) {
    const result = await zester(["job", command, jid], { env });
    expectClear(result);
    expect(result.stderr).toContain("invalid job ID");
  }
  expectClear(await withBytes(`exec "$0" job ${command} "$X"`, BROKEN, env));
});

test.each(
  [
    ["job", "list"],
    ["job", "active"],
    ["job", "show", "j1"],
    ["job", "watch"],
    ["job", "wait", "j1"],
    ["job", "trace", "j1"],
    ["job", "kill", "j1"],
    ["config"],
    ["config", "check"],
    ["__complete", "job", "show", ""],
  ].map((args, i) => [args, i] as const),
)("%j: a broken URL's password is not repeated", async (args, i) => {
  const urls = [
    "nats://u:s3cret@[::1",
    "nats://u:s3cret@h h",
    "nats://u:s3cret@",
    "nats://u:s3c%zzs3cret@h",
    "http://u:s3cret@h",
    "nats://u:s3cret@h:99999",
    "u:s3cret@[::1",
    "s3cret@[::1",
    "nats://u:p@s3cret@[::1",
    `nats://u:s3cret@${"h".repeat(300)}`,
  ];
  for (const url of some(urls, 5, i))
    for (const run of [
      zester([...args, "--master", url]),
      zester(args, { env: { NATS_URL: url } }),
      zester([...args, "--config", secretFile("config.yaml", `master: { urls: [${JSON.stringify(url)}] }`)]),
    ]) {
      const { stdout, stderr } = await run;
      expect(stdout + stderr).not.toContain("s3cret");
      expect(stderr.trimEnd().split("\n").length).toBeLessThanOrEqual(2);
    }
});

test.each([
  "NATS_URL",
  "NATS_CREDS",
  "NATS_NKEY",
  "NATS_CA",
  "NATS_CA_FILE",
  "NATS_CERT",
  "NATS_KEY",
  "NATS_JS_DOMAIN",
  "NATS_CONTEXT",
  "ZESTER_CONFIG",
  "ZESTER_TIMEOUT",
  "ZESTER_FORMAT",
  "HOME",
  "XDG_CONFIG_HOME",
])("the variable %s with bytes that are no text", async (name) => {
  for (const command of ["job list --timeout 500ms", "config"]) {
    const script = `export NATS_URL=${server.url}; export ${name}="$X"; exec "$0" ${command}`;
    expectClear(await withBytes(script, BROKEN));
    expectClear(await withBytes(script, "x".repeat(100_000)));
  }
});

const NUL = "a\0b\n\x1b[31m";

test.each([
  ["urls", [`nats://${NUL}`]],
  ["creds_file", NUL],
  ["nkey_seed_file", NUL],
  ["tls_ca", NUL],
  ["tls_cert", NUL],
  ["tls_key", NUL],
  ["js_domain", NUL],
  ["js_prefix", NUL],
  ["inbox_prefix", NUL],
  [NUL, NUL],
])("config file: %j with a NUL", async (key, value) => {
  const config = secretFile(
    "config.yaml",
    JSON.stringify({ master: { urls: [server.url], tls_key: undefined, [key]: value } }),
  );
  for (const command of [["job", "list"], ["config"]]) expectClear(await zester([...command, "--config", config]));
  expect((await zester(["job", "list", "--config", config])).code).toBe(1);
});

test.each([
  ["url", `nats://${NUL}`],
  ["user", NUL],
  ["password", NUL],
  ["token", NUL],
  ["creds", NUL],
  ["nkey", NUL],
  ["cert", NUL],
  ["ca", NUL],
  ["jetstream_domain", NUL],
  ["inbox_prefix", NUL],
  ["nsc", NUL],
  [NUL, NUL],
])("context: %j with a NUL", async (key, value) => {
  const home = contextsIn(tempDir(), { odd: { url: server.url, [key]: value } });
  for (const command of [["job", "list"], ["config"]])
    expectClear(await zester([...command, "--context", "odd"], { env: { XDG_CONFIG_HOME: home } }));
});
