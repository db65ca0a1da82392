// Least privilege: the sets of docs/connection.md, as they stand there. Everything works with them, and when one entry is
// missing, the command that needs it names it.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { credsAuthenticator, type KV, type Msg, type NatsConnection } from "nats";
import { type Operator, operator } from "../support/credentials.ts";
import { faultOf } from "../support/dispatch-request.ts";
import {
  createBuckets,
  encode,
  jobRecord,
  type Result,
  Running,
  type Server,
  startServer,
  Time,
  zester,
} from "../support/harness.ts";
import { some } from "../support/length.ts";
import { expectError, expectJobs } from "../support/outcome.ts";
import { decode } from "../support/wire.ts";

const DOCUMENT = await Bun.file(resolve(import.meta.dir, "../../docs/connection.md")).text();

/** The block of docs/connection.md after the mark `<!-- permissions: name -->`. */
function block(name: string): string {
  const text = new RegExp(`<!-- permissions: ${name} -->\\n\`\`\`\\w*\\n([\\s\\S]*?)\`\`\``).exec(DOCUMENT)?.[1];
  if (text === undefined) throw new Error(`docs/connection.md has no permissions: ${name}`);
  return text;
}

interface Rights {
  readonly pub: readonly string[];
  readonly sub: readonly string[];
}

/** The subjects in a block of a server configuration. */
function rightsIn(config: string): Rights {
  const [publish = "", subscribe = ""] = config.split("subscribe:");
  const subjects = (text: string) => [...text.matchAll(/"([^"]+)"/g)].map((match) => match[1] as string);
  return { pub: subjects(publish), sub: subjects(subscribe) };
}

/** What nsc gets from the document's lines, as a shell reads them: each call's words. */
function nscCalls(): string[][] {
  const script = `nsc() { for word; do printf '%s\\0' "$word"; done; printf '\\n'; }\n${block("nsc").replace(/ > \S+$/gm, "")}`;
  const { stdout } = Bun.spawnSync(["sh", "-euc", script]);
  return stdout
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => line.split("\0").slice(0, -1));
}

/** The rights that the document's `nsc add user` gives a user; nsc splits at commas. */
function nscRights(name: string): Rights {
  const call = nscCalls().find((words) => words.slice(0, 2).join(" ") === "add user" && words.includes(name)) ?? [];
  const list = (flag: string) => (call[call.indexOf(flag) + 1] as string).split(",");
  return { pub: list("--allow-pub"), sub: list("--allow-sub") };
}

const without = ({ pub, sub }: Rights, entry: string): Rights => ({
  pub: pub.filter((name) => name !== entry),
  // A user without any allowed subscription may subscribe to all.
  sub: sub.map((name) => (name === entry ? "nothing" : name)),
});

const NAMES = ["read", "kill", "retry"] as const;
const CANCEL = "zester.job.*.cancel";
const DISPATCH = "zester.dispatch";
/** The block for reading, and what the document says to add to it. */
const TEXTS = {
  read: block("read"),
  kill: block("read").replace("allow: [", `allow: ["${CANCEL}"`),
  retry: block("read").replace("allow: [", `allow: ["${CANCEL}", "${DISPATCH}"`),
};
const SETS = { read: rightsIn(TEXTS.read), kill: rightsIn(TEXTS.kill), retry: rightsIn(TEXTS.retry) };
const ENTRIES = [...SETS.retry.pub, ...SETS.retry.sub];
/** Asked for only to tell more, so that their absence is no fault. */
const OPTIONAL = [
  "$SYS.REQ.USER.INFO",
  "$JS.API.DIRECT.GET.KV_master-heartbeat.>",
  "$JS.API.DIRECT.GET.KV_peel-heartbeat.>",
  "$JS.API.CONSUMER.CREATE.KV_peel-heartbeat.>",
  "$JS.API.CONSUMER.MSG.NEXT.KV_peel-heartbeat.>",
  "$JS.API.CONSUMER.DELETE.KV_peel-heartbeat.>",
  ...["jobs", "job-returns", "master-heartbeat", "peel-heartbeat"].map((name) => `$JS.API.DIRECT.GET.KV_${name}`),
];
/** Rights that can't tell which peels are alive, each for want of one entry: those who may ask at once need no consumer. */
const WITHOUT_PEELS = OPTIONAL.slice(3, 5).map((entry) => ({
  entry,
  rights: without(without(SETS.retry, "$JS.API.DIRECT.GET.KV_peel-heartbeat"), entry),
}));

/** Takes new jobs, whose one peel succeeds at once. They count as old, so that none of them is the newest job. */
function answerDispatches(nc: NatsConnection, jobs: KV, returns: KV): void {
  const accept = async (msg: Msg) => {
    const fault = faultOf(msg.data);
    if (fault !== undefined) return msg.respond(encode({ error: fault }));
    const { jid } = decode(msg.data) as { jid: string };
    const usual = { jid, peel_id: "web-01", return_data: null, duration: 5n, timestamp: Time.now() };
    await returns.put(`${jid}.web-01`, encode({ ...usual, success: true }));
    await jobs.put(jid, encode(jobRecord(jid, { owner: "m1" })));
    return msg.respond(encode({ jid }));
  };
  nc.subscribe(DISPATCH, { callback: (_, msg) => void accept(msg) });
}

/** Jobs, and who takes new ones for as long as the connection is open. */
async function fill(nc: NatsConnection): Promise<NatsConnection> {
  const { jobs, returns } = await createBuckets(nc);
  answerDispatches(nc, jobs, returns);
  const js = nc.jetstream();
  await jobs.put("j1", encode(jobRecord("j1", { owner: "m1" })));
  await jobs.put("j2", encode(jobRecord("j2", { status: "running", owner: "m1", created: Time.now() })));
  const minuteAgo = new Time(Time.now().ns - 60_000_000_000n);
  await jobs.put("j3", encode(jobRecord("j3", { status: "failed", created: minuteAgo, updated: minuteAgo })));
  const usual = { peel_id: "web-01", return_data: null, duration: 5n, timestamp: Time.now() };
  await returns.put("j1.web-01", encode({ ...usual, jid: "j1", success: true }));
  await returns.put("j3.web-01", encode({ ...usual, jid: "j3", success: false, error: "no lock" }));
  for (const event of ["j1.dispatch", "j1.ack.web-01", "j1.return.web-01", "j1.status", "j2.dispatch"])
    await js.publish(`zester.job.${event}`, encode({}));
  await (await js.views.kv("master-heartbeat")).put("m1", "x");
  await (await js.views.kv("peel-heartbeat")).put("web-02", "x");
  return nc;
}

/** How a user runs the executable: the flags that make it that user. */
type As = readonly string[];

interface Site {
  readonly server: Server;
  readonly as: (rights: Rights) => As;
  readonly stop: () => Promise<void>;
}

/** Each user's rights are known before the server starts: in its configuration. */
async function configured(): Promise<Site> {
  const all: Rights[] = [
    ...Object.values(SETS),
    ...ENTRIES.map((entry) => without(SETS.retry, entry)),
    ...WITHOUT_PEELS.map(({ rights }) => rights),
    NONE,
    ONLY_CANCEL,
  ];
  const names = new Map(all.map((rights, i) => [JSON.stringify(rights), `user${i}`]));
  const blocks = all.map((rights, i) =>
    // The sets are pasted as they are.
    NAMES[i] !== undefined
      ? TEXTS[NAMES[i]]
      : `permissions { publish: { allow: ${JSON.stringify(rights.pub)} }, subscribe: { allow: ${JSON.stringify(rights.sub)} } }`,
  );
  const users = blocks.map((text, i) => `{ user: user${i}, password: s3cret\n${text} }`).join("\n");
  const server = await startServer(`authorization { users: [{ user: root, password: root }\n${users}] }`);
  const root = await fill(await server.connect({ user: "root", pass: "root" }));
  return {
    server,
    stop: () => root.close().then(server.stop),
    as: (rights) => ["--master", server.url.replace("//", `//${names.get(JSON.stringify(rights))}:s3cret@`)],
  };
}

/** Each user's rights stand in its JWT, as nsc writes them. */
async function decentralized(): Promise<Site> {
  const mine: Operator = operator();
  const server = await startServer(mine.config);
  const creds = await Bun.file(mine.creds()).bytes();
  const root = await fill(await server.connect({ authenticator: credsAuthenticator(creds) }));
  const stop = () => root.close().then(server.stop);
  return { server, stop, as: (rights) => ["--master", server.url, "--creds", mine.creds(rights)] };
}

const NONE: Rights = { pub: ["other"], sub: SETS.read.sub };
const ONLY_CANCEL: Rights = { pub: [CANCEL], sub: SETS.read.sub };

test("the sets: to read, to cancel, to retry; nsc gets the same", () => {
  expect(DOCUMENT).toMatch(/add `"zester\.job\.\*\.cancel"` to `allow`; to retry,\s+also add `"zester\.dispatch"`/);
  expect(SETS.retry.pub).toEqual([CANCEL, DISPATCH, ...SETS.read.pub]);
  expect(nscRights("zester-read")).toEqual(SETS.read);
  expect(nscRights("zester-kill").pub.toSorted()).toEqual(SETS.kill.pub.toSorted());
  expect(nscRights("zester-kill").sub).toEqual(SETS.kill.sub);
  expect(nscRights("zester-retry").pub.toSorted()).toEqual(SETS.retry.pub.toSorted());
  expect(nscRights("zester-retry").sub).toEqual(SETS.retry.sub);
  const creds = nscCalls().filter(([verb]) => verb === "generate");
  expect(creds.map((words) => words.at(-1))).toEqual(["zester-read", "zester-kill", "zester-retry"]);
});

/** Every command that asks a server, and what it does when all is allowed: its exit code and a word of stdout. */
const READING: readonly (readonly [string, number, string])[] = [
  ["job list", 0, "j1 "],
  ["job list -n 1", 0, "j2 "],
  ["job list --since 1h", 0, "j2 "],
  ["job active", 0, "j2 "],
  ["job show j1", 0, '"jid": "j1"'],
  ["job show j1 --summary", 0, "web-01"],
  ["job watch j1", 0, "complete"],
  ["job wait j1", 0, "complete"],
  ["job wait j2 --for 1s", 124, ""],
  ["job trace j1", 0, "dispatched"],
  ["job kill --state running --dry-run", 0, "j2 "],
  ["job retry j3 --dry-run", 0, "web-01"],
  ["job export j1", 0, '"subject":"zester.job.j1.ack.web-01"'],
  ["job export --all", 0, '"subject":"zester.job.j1.ack.web-01"'],
  ["job report j1 j3 --format markdown", 0, "`j3`"],
  ["job history web-01 --until 1h", 0, "j1 "],
  ["job show @last-bad", 0, '"jid": "j3"'],
  ["job stats", 0, "test.ping"],
  ["job stats --by peel", 0, "web-01"],
  ["job errors", 0, "no lock"],
  ["job grep lock --until 30s", 0, "j3  web-01  error: no lock"],
];
const STATUS: (typeof READING)[number] = ["job status", 0, "zester job errors"];
const CHECK: (typeof READING)[number] = ["config check", 0, "ok    bucket jobs"];
const KILLING: readonly (readonly [string, number, string])[] = [
  ["job kill j2", 0, "Cancel signal sent for job j2"],
  ["job kill j2 --force", 0, "Cancel signal sent for job j2"],
  ["job kill --state running --yes", 0, "Cancel signal sent for job j2"],
  ["job kill j2 --wait --for 1s", 124, "Cancel signal sent for job j2"],
];

const RETRYING: readonly (readonly [string, number, string])[] = [
  ["job retry j3 --yes", 0, "dispatched to 1 peel by m1"],
  ["job retry j3 --yes --wait", 0, "complete"],
];

describe.each([
  ["server configuration", configured, some(ENTRIES, 6)],
  ["JWT", decentralized, some(ENTRIES, 13)],
] as const)("%s", (_, start, entries) => {
  let site: Site;
  beforeAll(async () => {
    site = await start();
  });
  afterAll(() => site.stop());

  const run = (as: As, command: string): Promise<Result> => zester([...command.split(" "), ...as]);

  test("to read: everything that reads works, and kill is refused with the permission's name", async () => {
    const as = site.as(SETS.read);
    for (const [command, code, words] of [...READING, STATUS, CHECK]) {
      const result = await run(as, command);
      expect(result.stderr).not.toContain("permission");
      expect([command, result.code, result.stdout.includes(words)]).toEqual([command, code, true]);
    }
    for (const [command] of KILLING) {
      const { stdout, stderr, code } = await run(as, command);
      expect(stderr).toContain("error: no permission to publish on zester.job.j2.cancel.");
      expect([command, stdout.includes("sent"), code]).toEqual([command, false, 1]);
    }
    const json = await run(as, "job kill j2 --format json");
    const reason = "no permission to publish on zester.job.j2.cancel.";
    expect(JSON.parse(json.stdout)).toEqual([{ jid: "j2", signal: "not sent", reason }]);
    expectError({ ...json, stdout: "" }, reason);
    for (const rights of [SETS.read, SETS.kill])
      for (const [command] of RETRYING) {
        const { stdout, stderr, code } = await run(site.as(rights), command);
        expect(stderr).toContain("error: no permission to publish on zester.dispatch. Nothing was dispatched.\n");
        expect([command, stdout, code]).toEqual([command, "", 1]);
      }
    const watch = new Running(["job", "watch", ...as], {});
    await watch.until("j2");
    watch.signal("SIGINT");
    expect(await watch.ended()).toBe(130);
    expect(watch.err).not.toContain("permission");
  });

  test.each([
    ["to read and kill", SETS.kill, KILLING],
    ["to read, kill and retry", SETS.retry, RETRYING],
  ] as const)("%s: everything works", async (_, rights, more) => {
    const as = site.as(rights);
    for (const [command, code, words] of [...READING, CHECK, ...more]) {
      const result = await run(as, command);
      expect(result.stderr).not.toContain("permission");
      expect([command, result.code, result.stdout.includes(words)]).toEqual([command, code, true]);
    }
    expectJobs(await zester(["job", "list", ...as]));
  });

  test.each(entries.map((entry, i) => [entry, i] as const))(
    "without %s: each command that fails names it",
    async (entry, i) => {
      const as = site.as(without(SETS.retry, entry));
      // As far as the wildcard, or with this job for the star.
      const named = entry.replace("*", "j2").replace(/>$/, "");
      const naming: string[] = [];
      const one = async (commands: typeof READING) => {
        for (const [command, code, words] of commands) {
          const result = await run(as, command);
          expect(result.stderr).not.toMatch(/unexpected failure|s3cret/);
          if ((result.stdout + result.stderr).includes(named)) naming.push(command);
          else expect([command, result.code, result.stdout.includes(words)]).toEqual([command, code, true]);
        }
      };
      // Of those that wait until a time is up, one is enough here.
      const reading = READING.filter(([, code]) => code === 0);
      await Promise.all([one(some(reading, 8, i)), one([CHECK, ...some([...KILLING, ...RETRYING], 3, i)])]);
      // An export without the heartbeats says so.
      if (OPTIONAL.includes(entry)) expect(naming.filter((command) => !command.startsWith("job export"))).toEqual([]);
      else expect(naming).not.toEqual([]);
    },
  );
});

test("config check says of each set what the user may do beside reading", async () => {
  const site = await decentralized();
  const steering = async (rights: Rights) => {
    const { stdout } = await zester(["config", "check", ...site.as(rights)]);
    return stdout
      .split("\n")
      .filter((line) => /^\w+ +(cancel|retry) jobs /.test(line))
      .map((line) => line.replace(/ +/g, " "));
  };
  const [cancel, retry] = [
    "ok cancel jobs publishing on zester.job.*.cancel is allowed",
    "ok retry jobs publishing on zester.dispatch is allowed",
  ];
  const noRetry = "warn retry jobs no permission to publish on zester.dispatch: this user can read, but not retry";
  const noCancel = "warn cancel jobs no permission to publish on zester.job.*.cancel: this user can read, but not kill";
  expect(await steering(SETS.read)).toEqual([noCancel, noRetry]);
  expect(await steering(SETS.kill)).toEqual([cancel, noRetry]);
  expect(await steering(SETS.retry)).toEqual([cancel, retry]);
  await site.stop();
});

describe("the sets, and less than them", () => {
  let site: Site;
  beforeAll(async () => {
    site = await configured();
  });
  afterAll(() => site.stop());

  const run = (rights: Rights, command: string) => zester([...command.split(" "), ...site.as(rights)]);

  test("kill --wait tells whether the master and the peels are alive, as the sets allow", async () => {
    const seen = async (rights: Rights) => (await run(rights, "job kill j2 --wait --for 6s")).stderr;
    const entry = (bucket: string) => `$JS.API.DIRECT.GET.KV_${bucket}.>`;
    const [all, noMasters, noPeels] = await Promise.all([
      seen(SETS.kill),
      seen(without(SETS.retry, entry("master-heartbeat"))),
      seen(without(SETS.retry, entry("peel-heartbeat"))),
    ]);
    expect(all).toContain("after the signal: its master m1 is alive; 1 offline: web-01.\n");
    expect(noMasters).toContain("after the signal: 1 offline: web-01.\n");
    expect(noPeels).toContain("after the signal: its master m1 is alive; 1 silent: web-01.\n");
  });

  test("stats knows the peels that are alive, as the sets allow; without that it says so once", async () => {
    const command = "job stats --by peel --function test.ping";
    const { stdout, stderr } = await run(SETS.read, command);
    expect([stderr, stdout.split("\n").at(-2)]).toEqual(["", "no run on 1 of 2 peels: web-02"]);
    for (const { entry, rights } of WITHOUT_PEELS) {
      const less = await run(rights, command);
      expect([less.code, less.stdout.includes("web-01"), less.stdout.includes("no run")]).toEqual([0, true, false]);
      expect(less.stderr).toStartWith(`warning: no permission to publish on ${entry.slice(0, -1)}`);
      expect(less.stderr).toEndWith("Peels that no job targeted are left out.\n");
    }
  });

  test("trace without the events: says so, and shows what the buckets know", async () => {
    const entry = "$JS.API.CONSUMER.CREATE.job-events.>";
    const { stdout, stderr, code } = await run(without(SETS.retry, entry), "job trace j1");
    expect(stderr).toContain(`warning: no permission to publish on ${entry.slice(0, -1)}`);
    expect([code, stdout.includes("State     complete")]).toEqual([0, true]);
  });

  test("watch without its consumer: an error, no endless waiting", async () => {
    for (const entry of ["$JS.API.CONSUMER.CREATE.KV_jobs.>", "$JS.API.CONSUMER.MSG.NEXT.KV_jobs.>"])
      expectError(
        await run(without(SETS.retry, entry), "job watch"),
        `no permission to publish on ${entry.slice(0, -1)}`,
      );
  });

  test("kill without any permission: one error, no warning before it", async () => {
    const { stderr } = await run(NONE, "job kill j2");
    expect(stderr).toStartWith("error: no permission to publish on zester.job.j2.cancel.\n");
    expect(stderr.trimEnd().split("\n")).toHaveLength(2);
  });

  test("kill without permission to read: sent, with a warning", async () => {
    const { stdout, stderr, code } = await run(ONLY_CANCEL, "job kill j2");
    expect([stdout, code]).toEqual(["Cancel signal sent for job j2\n", 0]);
    expect(stderr).toContain(
      "warning: could not check that job j2 exists and runs: no permission to publish on $JS.API.DIRECT.GET.KV_jobs.",
    );
  });
});

test("a bucket without direct reads that may not be asked about is read another way, or ends in an error", async () => {
  const deny = 'publish { deny: ["$JS.API.STREAM.INFO.KV_jobs"] }';
  const server = await startServer(
    `authorization { users: [{ user: root, password: x }, { user: ops, password: x, permissions { ${deny} } }] }`,
  );
  const nc = await server.connect({ user: "root", pass: "x" });
  const { jobs } = await createBuckets(nc);
  await jobs.put("j1", encode(jobRecord("j1")));
  const { streams } = await nc.jetstreamManager();
  const { config } = await streams.info("KV_jobs");
  await streams.update("KV_jobs", { ...config, allow_direct: false });
  const url = server.url.replace("//", "//ops:x@");
  const result = await zester(["job", "show", "j1", "--master", url, "--timeout", "2s"]);
  // Servers before 2.11 say nothing to a direct get that is not allowed.
  const [, minor] = (nc.info?.version ?? "").split(".").map(Number);
  if (Number(minor) < 11) expectError(result, "no answer to a request on $JS.API.DIRECT.GET.KV_jobs");
  else expect([result.stderr, result.code, result.stdout.includes("j1")]).toEqual(["", 0, true]);
  await nc.close();
  await server.stop();
});

describe("from another account, through the document's exports and imports", () => {
  /** The accounts of docs/connection.md, with a user each. */
  async function start(change: (config: string) => string = (config) => config): Promise<Server> {
    const users = (name: string) => `users: [{ user: ${name}, password: s3cret }]`;
    const accounts = block("accounts")
      .replace("FLEET {", `FLEET { ${users("root")}`)
      .replace("OPS {", `OPS { ${users("ops")}`);
    const server = await startServer(change(accounts));
    const nc = await server.connect({ user: "root", pass: "s3cret" });
    // More than one pull's worth, so that an answer that stops early is noticed.
    const { jobs } = await createBuckets(nc);
    for (let i = 0; i < 300; i++) await jobs.put(`n${i}`, encode(jobRecord(`n${i}`)));
    const root = await fill(nc);
    return { ...server, stop: () => root.close().then(server.stop) };
  }
  const ops = (server: Server, command: string, ...flags: string[]) =>
    zester([
      ...command.split(" "),
      ...["--master", server.url.replace("//", "//ops:s3cret@"), "--js-prefix", "$JS.FLEET.API"],
      ...flags,
    ]);

  test("every command works, and the signal arrives", async () => {
    const server = await start();
    expect((await ops(server, "job list --count")).stdout).toBe("303\n");
    for (const [command, code, words] of [...READING, CHECK, ...KILLING, ...RETRYING]) {
      const { stdout, stderr, code: got } = await ops(server, command);
      // The second retry is told of the first.
      expect(stderr.replace(/warning: job j3 was retried already.*/, "")).not.toMatch(/warning|permission/);
      expect([command, got, stdout.includes(words)]).toEqual([command, code, true]);
    }
    const root = await server.connect({ user: "root", pass: "s3cret" });
    const jsm = await root.jetstreamManager();
    const { state } = await jsm.streams.info("job-events", { subjects_filter: "zester.job.j2.cancel" });
    expect(state.subjects).toEqual({ "zester.job.j2.cancel": KILLING.length });
    await root.close();
    await server.stop();
  });

  test("with single responses: an error that says so, never a shorter answer", async () => {
    const server = await start((config) => config.replace(", response_type: stream", ""));
    const { stdout, stderr, code } = await ops(server, "job list", "--timeout", "500ms");
    expect(stderr).toContain("$JS.FLEET.API is exported without response_type: stream.");
    expect([stdout, code]).toEqual(["", 1]);
    await server.stop();
  });

  test("without the prefix, or with the signal not imported: errors", async () => {
    const server = await start((config) => config.replace(/.*account: FLEET, subject: "zester.*/g, ""));
    const plain = await zester(["job", "list", "--master", server.url.replace("//", "//ops:s3cret@")]);
    expect(plain.stderr).toContain("has no JetStream.");
    expect((await ops(server, "job kill j2")).stderr).toContain("nothing listens on zester.job.j2.cancel");
    expect((await ops(server, "job retry j3 --yes")).stderr).toContain("no master listens on zester.dispatch");
    await server.stop();
  });
});
