// Config files: what of them counts, and errors that name the line.
import { test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { operator, secretFile } from "../support/credentials.ts";
import { freePort, startServer, tempDir, zester } from "../support/harness.ts";
import { expectError, expectJobs } from "../support/outcome.ts";
import { serveJobs } from "../support/serve.ts";

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
  const { url } = await startServer(mine.config);
  const dir = tempDir();
  writeFileSync(join(dir, "admin.creds"), await Bun.file(mine.creds()).text(), { mode: 0o600 });
  expectError(await list(config(`nats_url: ${url}\nauth_dir: ${dir}\nlog_level: info\n`)), 'no bucket "jobs"');
  expectError(await list(config(`nats_url: ${url}\nauth_dir: /nonexistent\n`)), "the server requires credentials");
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
  ["a: 1\n---\nb: 2\n", "line 2: more than one document."],
])("%j is an error that names the line", async (text, words) =>
  expectError(await list(config(text)), "config file ", words),
);

test("an alias counts as what it stands for", async () => {
  const { url } = await serveJobs();
  expectJobs(await list(config(`servers: &x [${url}]\nmaster:\n  urls: *x\n`)));
});

test("a missing file, a folder", async () => {
  expectError(await list("/nonexistent.yaml"), "cannot read config file /nonexistent.yaml: no such file.");
  expectError(await list("/tmp"), "cannot read config file /tmp: it is a directory.");
});

test("secrets in it are not repeated", async () => {
  const dead = `127.0.0.1:${await freePort()}`;
  expectError(await list(config(`master: {urls: ["nats://u:s3cret@${dead}"]}\n`)), `nats://${dead}: `);
  expectError(await list(config("master:\n  urls: ['nats://u:s3cret@ho st']\n")), "invalid server URL");
  expectError(await list(config("master:\n  urls: 'nats://u:s3cret@h\n")), "line 3: ");
});
