// What a server that is none, or that went mad, sends: it reaches neither stdout nor stderr raw, and it is told at once.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { Field } from "../support/field.ts";
import { type Result, run, zester } from "../support/harness.ts";
import { type Relay, startImpostor, startRelay } from "../support/relay.ts";

const EVIL = "\x1b[31m\x1b]0;owned\x07$(touch /tmp/owned)\u202e";
const LIMIT_MS = 2_000;

/** The executable against a server of its own, with a timeout that no test should reach. */
async function against(relay: Relay, args: readonly string[]): Promise<Result & { ms: number }> {
  const began = performance.now();
  const result = await zester(args, { env: { NATS_URL: relay.url, ZESTER_TIMEOUT: "10s" } });
  relay.stop();
  return { ...result, ms: performance.now() - began };
}

/** One error, nothing on stdout, no byte of the server's that acts on a terminal, and no waiting. */
function expectTold({ stdout, stderr, code, ms }: Result & { ms: number }, words: string): void {
  expect(stdout).toBe("");
  expect(stderr).toStartWith("error: ");
  expect(stderr).toContain(words);
  expect(stderr.trimEnd().split("\n").length).toBeLessThanOrEqual(2);
  expect(stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]|defect|\bat .*\(/);
  expect(code).toBe(1);
  expect(ms).toBeLessThan(LIMIT_MS);
}

const COMMANDS = [
  ["job", "list"],
  ["job", "list", "--format", "json"],
  ["job", "list", "--format", "jsonl"],
  ["job", "active"],
  ["job", "show", "j1"],
  ["job", "show", "j1", "--format", "json"],
  ["job", "watch"],
  ["job", "watch", "j1"],
  ["job", "wait", "j1"],
  ["job", "trace", "j1"],
  ["job", "kill", "j1"],
  ["job", "kill", "j1", "--force"],
  ["job", "kill", "j1", "--force", "--format", "json"],
];

describe("garbage after the login", () => {
  test.each(COMMANDS.map((args) => [args.join(" "), args] as const))("%s", async (_, args) => {
    // A forced signal does not wait for an answer to its look-up.
    const relay = await startImpostor(args.includes("--force") ? ".cancel" : "PUB ", `${EVIL}\r\n`);
    const result = await against(relay, args);
    if (args.includes("json") && args.includes("kill")) {
      // The signal may have been taken: what is known of it is the answer.
      expect(JSON.parse(result.stdout)).toMatchObject([{ jid: "j1", signal: "unknown" }]);
      expect(result.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
      expect(result.code).toBe(1);
      return;
    }
    expectTold(result, "the server broke the NATS protocol: parse error");
    expect(result.stderr.includes("cannot tell whether the cancel signal for job j1 was sent")).toBe(
      args.includes("--force"),
    );
  });

  test.each([
    ["a header that is none", "HMSG _INBOX.x 1 99999999999 5\r\nhello\r\n"],
    ["a size that is none", `MSG _INBOX.x 1 ${EVIL}\r\n`],
    ["a long line", `${EVIL.repeat(5000)}\r\n`],
    ["zeros", "\0\0\0\0"],
    ["an INFO that is no JSON", `INFO ${EVIL}\r\n`],
  ])("%s", async (_, words) => {
    expectTold(await against(await startImpostor("PUB ", words), ["job", "list"]), "NATS protocol");
  });
});

test("garbage during the login: told at once", async () => {
  for (const [words, why] of [
    [`${EVIL}\r\n`, "parse error"],
    [`+OK\r\n${EVIL}\r\n`, "parse error"],
    ["HTTP/1.1 400 Bad Request\r\n", "a message begins with HTTP/1.1 400 Bad Request"],
  ] as const)
    expectTold(
      await against(await startImpostor("CONNECT ", words), ["job", "list"]),
      `the server broke the NATS protocol: ${why}`,
    );
  const both = await startImpostor("CONNECT ", `PONG\r\n${EVIL}\r\n`);
  expectTold(await against(both, ["job", "list"]), "NATS protocol: parse error");
});

test("an error of the server that it does not hang up after: told at once", async () => {
  const said = await startImpostor("PUB ", `-ERR 'maximum subscriptions exceeded${EVIL}'\r\n`);
  expectTold(await against(said, ["job", "list"]), "the server reported an error: 'maximum subscriptions exceeded");
  const kill = await startImpostor(".cancel", "-ERR 'Unknown Protocol Operation'\r\n");
  expectTold(
    await against(kill, ["job", "kill", "j1", "--force"]),
    "cannot tell whether the cancel signal for job j1 was sent: ",
  );
});

describe("beside a real server", () => {
  let field: Field;
  beforeAll(async () => {
    field = await Field.start();
    await field.put("j1");
  });
  afterAll(() => field.stop());

  test("completion offers nothing of it, and says nothing", async () => {
    const words = ["job", "kill", "="];
    for (const cue of ["PUB ", "CONNECT "]) {
      const relay = await startImpostor(cue, `${EVIL}\r\nj1\r\n`);
      const { stdout, stderr, code, ms } = await against(relay, ["__complete", ...words]);
      expect([stdout, stderr, code]).toEqual(["", "", 0]);
      expect(ms).toBeLessThan(LIMIT_MS);
    }
  });

  test("a followed job: garbage in the middle is an error, not another attempt for ever", async () => {
    let followed = false;
    const relay = await startRelay(field.server.port, (text) => {
      if (followed) return `${EVIL}\r\n`;
      // The job's record has come through the consumer: the next thing that the server says is about its change.
      if (text.includes("$JS.ACK.KV_jobs.")) {
        followed = true;
        void field.put("j1", { args: { n: 2 } });
      }
      return text;
    });
    expectTold(await against(relay, ["job", "wait", "j1"]), "NATS protocol: parse error");
  });
});

test("what Bun writes when it crashes is not hidden, and what the library writes to the console is", async () => {
  const client = resolve(import.meta.dir, "../../lib/nats/client.ts");
  const script = `
    import { connect } from ${JSON.stringify(client)};
    await connect({ servers: "127.0.0.1:1", reconnect: false }).catch(() => {});
    console.log("printed"); console.info("printed"); console.warn("printed"); console.error("printed");
    throw new Error("crash");
  `;
  const { stdout, stderr, code } = await run([process.execPath, "-e", script]);
  expect(stdout).toBe("");
  expect(stderr).toContain("error: crash");
  expect(stderr).not.toContain("\nprinted");
  expect(code).not.toBe(0);
});
