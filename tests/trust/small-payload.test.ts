// Small limits of messages: of a user, and of a server. What does not fit is named, with the limit.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { type ConnectionOptions, credsAuthenticator } from "nats";
import { operator } from "../support/credentials.ts";
import { createBuckets, encode, jobRecord, type Server, startServer, zester } from "../support/harness.ts";

async function fill(server: Server, options: ConnectionOptions = {}): Promise<void> {
  const nc = await server.connect(options);
  const { jobs } = await createBuckets(nc);
  // More than a newer server gives at once, for which less has to be asked.
  const args = { text: "x".repeat(150_000) };
  for (const jid of ["j1", "j2"]) await jobs.put(jid, encode(jobRecord(jid, { status: "running", args })));
  await nc.close();
}

const COMMANDS = [
  ["list"],
  ["active"],
  ["stats"],
  ["show", "j1", "--summary"],
  ["trace", "j1"],
  ["wait", "j1"],
  ["watch"],
  ["retry", "j1", "--force", "--yes"],
  ["kill", "--since", "1h", "--yes"],
];

async function expectNamed(limit: number, flags: readonly string[]): Promise<void> {
  for (const args of COMMANDS) {
    const { stdout, stderr, code } = await zester(["job", ...args, ...flags]);
    expect([args, stdout, code]).toEqual([args, "", 1]);
    expect(stderr).toMatch(
      new RegExp(
        `^error: a message on .* has [\\d,]+ bytes, and .* accepts at most ${limit} bytes from this user\\.\nRaise max_payload .*\n$`,
      ),
    );
  }
}

test("payload of a user's JWT", async () => {
  const mine = operator();
  const server = await startServer(mine.config);
  await fill(server, { authenticator: credsAuthenticator(readFileSync(mine.creds())) });
  await expectNamed(100, ["--master", server.url, "--creds", mine.creds({ payload: 100 })]);
});

test("max_payload of the server", async () => {
  const server = await startServer();
  await fill(server);
  await server.kill();
  await server.revive("max_payload: 128");
  await expectNamed(128, ["--master", server.url]);
});
