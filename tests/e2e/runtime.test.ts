// What the runtime inside the executable takes from its surroundings: variables, files, other processes, the network.
// The section "Security" of docs/reliability.md lists what still acts; the rest is shut, and here is the proof.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { certificates, secretFile } from "../support/credentials.ts";
import {
  createBuckets,
  encode,
  jobRecord,
  Running,
  type Server,
  startServer,
  tempDir,
  ZESTER,
  zester,
} from "../support/harness.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer('authorization { user: ops, password: "s3cret" }');
  const nc = await server.connect({ user: "ops", pass: "s3cret" });
  const { jobs } = await createBuckets(nc);
  await jobs.put("j1", encode(jobRecord("j1")));
  await jobs.put("j2", encode(jobRecord("j2", { status: "running" })));
  await nc.close();
});
afterAll(() => server.stop());

const login = () => server.url.replace("//", "//ops:s3cret@");

/** A folder with a program that leaves a mark when it runs. */
function trap(): { dir: string; program: string; config: string } {
  const dir = tempDir();
  const program = join(dir, "evil.js");
  writeFileSync(program, `require("fs").writeFileSync(${JSON.stringify(join(dir, "ran"))}, "");`);
  const config = join(dir, "bunfig.toml");
  writeFileSync(config, `preload = [${JSON.stringify(program)}]\n`);
  writeFileSync(join(dir, "evil.env"), "ZESTER_FORMAT=yaml\n");
  return { dir, program, config };
}

/** Runs `job list` in the trap's folder with `variables`: nothing may run, be written, or come out otherwise. */
async function expectNoEffect(variables: (at: ReturnType<typeof trap>) => Record<string, string>) {
  const at = trap();
  const before = readdirSync(at.dir);
  const env = { NATS_URL: login() };
  const run = (more: Record<string, string>) => zester(["job", "list"], { env: { ...env, ...more }, cwd: at.dir });
  const plain = await run({});
  expect(plain.code).toBe(0);
  expect(await run(variables(at))).toEqual(plain);
  expect(readdirSync(at.dir)).toEqual(before);
}

type At = ReturnType<typeof trap>;
test.each([
  (at: At) => `--preload ${at.program}`,
  (at: At) => `--preload=${at.program} --`,
  (at: At) => `-r ${at.program}`,
  (at: At) => `--require=${at.program}`,
  (at: At) => `--import ${at.program}`,
  (at: At) => `--smol --preload ${at.program}`,
  (at: At) => `--config=${at.config}`,
  (at: At) => `-c ${at.config}`,
  (at: At) => `--env-file=${at.dir}/evil.env`,
  (at: At) => `run ${at.program}`,
  (at: At) => at.program,
  () => "--preload",
  () => "-e 1",
  () => "--version",
  () => "--help",
  () => "--cpu-prof",
  () => "--heap-prof",
  () => "--inspect-wait=127.0.0.1:0",
  () => "--title other",
  () => "--no-such-option",
])("BUN_OPTIONS is not read: %#", (options) => expectNoEffect((at) => ({ BUN_OPTIONS: options(at) })));

test.each([
  (at: At) => ({ NODE_OPTIONS: `--require ${at.program}` }),
  (at: At) => ({ NODE_OPTIONS: `--import ${at.program}`, BUN_OPTIONS: "--smol" }),
  (at: At) => ({ NODE_PATH: at.dir }),
  (at: At) => ({ BUN_RUNTIME_TRANSPILER_CACHE_PATH: join(at.dir, "cache") }),
  (at: At) => ({ NODE_V8_COVERAGE: join(at.dir, "coverage") }),
  (at: At) => ({ NODE_COMPILE_CACHE: join(at.dir, "cache") }),
  (at: At) => ({ NODE_REDIRECT_WARNINGS: join(at.dir, "warnings") }),
  (at: At) => ({ BUN_INSTALL: at.dir, XDG_CONFIG_HOME: at.dir }),
  () => ({ NODE_DEBUG: "net,tls,fs", BUN_DEBUG_ALL: "1", DEBUG: "*" }),
  () => ({ NODE_ENV: "development", BUN_ENV: "development" }),
  () => ({
    HTTP_PROXY: "http://127.0.0.1:1",
    HTTPS_PROXY: "http://127.0.0.1:1",
    ALL_PROXY: "socks5://127.0.0.1:1",
  }),
  () => ({ NODE_TLS_REJECT_UNAUTHORIZED: "0" }),
])("variables without effect: %#", (variables) => expectNoEffect(variables));

test("docs/reliability.md: what still acts", async () => {
  const bun = await zester(["--version"], { env: { BUN_BE_BUN: "1" } });
  expect(bun.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  const at = trap();
  await zester(["version"], { env: { BUN_INSPECT_PRELOAD: at.program } });
  expect(readdirSync(at.dir)).toContain("ran");
  const debugged = new Running(["job", "watch"], {
    NATS_URL: login(),
    BUN_INSPECT: `ws+unix://${join(at.dir, "debugger")}`,
  });
  await debugged.until("j2");
  // A thread of its own opens it.
  for (let i = 0; i < 500 && !readdirSync(at.dir).includes("debugger"); i++) await Bun.sleep(10);
  expect(readdirSync(at.dir)).toContain("debugger");
  debugged.signal("SIGINT");
  await debugged.ended();
  const options = await zester(["version"], { env: { BUN_JSC_dumpOptions: "1" } });
  expect(options.stderr).toContain("dumpOptions");
});

test("NODE_TLS_REJECT_UNAUTHORIZED=0 lets no unverified server in, and no wrong host name", async () => {
  const tls = certificates();
  const servers = await Promise.all(
    [tls.server, tls.elsewhere].map((name) => startServer(`tls { cert_file: "${name}.crt", key_file: "${name}.key" }`)),
  );
  const [right, elsewhere] = servers as [Server, Server];
  const env = { NODE_TLS_REJECT_UNAUTHORIZED: "0" };
  for (const scheme of ["nats:", "tls:"]) {
    const at = (one: Server, ...flags: string[]) =>
      zester(["job", "list", "--master", one.url.replace("nats:", scheme), ...flags], { env });
    const unknown = await at(right);
    expect(unknown.stderr).toStartWith("error: cannot connect to");
    expect(unknown.stderr).toContain("certificate comes from an unknown CA");
    expect(unknown.code).toBe(1);
    const other = await at(elsewhere, "--nats-ca", tls.ca);
    expect(other.stderr).toContain("certificate is not for this host name");
    expect(other.code).toBe(1);
    expect((await at(right, "--nats-ca", tls.ca)).stderr).toContain('no bucket "jobs"');
  }
  // What docs/reliability.md says of the variables that name CAs: they add to those that are known, unless --nats-ca replaces all.
  const folder = tempDir();
  copyFileSync(tls.ca, join(folder, "ca.pem"));
  Bun.spawnSync(["openssl", "rehash", folder]);
  for (const [name, value] of [
    ["NODE_EXTRA_CA_CERTS", tls.ca],
    ["SSL_CERT_FILE", tls.ca],
    ["SSL_CERT_DIR", folder],
  ] as const) {
    const at = (...flags: string[]) =>
      zester(["job", "list", "--master", right.url, ...flags], { env: { [name]: value } });
    expect((await at()).stderr).toContain('no bucket "jobs"');
    expect((await at("--nats-ca", certificates().ca)).stderr).toContain("unknown CA");
  }
  await Promise.all(servers.map((one) => one.stop()));
});

/** The system calls of a run that touch files, processes or the network, one a line, without process ids. */
async function systemCalls(args: readonly string[], env: Record<string, string>): Promise<string[]> {
  if (!Bun.which("strace"))
    throw new Error("this test needs strace (Debian: apt-get install strace, as .ci/setup does)");
  const log = join(tempDir(), "calls");
  const calls = "trace=%file,%network,%process";
  const child = Bun.spawn(
    ["strace", "-f", "-qq", "-s", "300", "-e", "signal=none", "-e", calls, "-o", log, ZESTER, ...args],
    {
      env,
      cwd: "/",
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    },
  );
  const stderr = await new Response(child.stderr).text();
  await child.exited;
  const lines = readFileSync(log, "utf8").split("\n");
  // An empty log means that tracing is not allowed here; nothing would have been proved.
  if (!lines.some((line) => line.includes("execve("))) throw new Error(`strace saw nothing: ${stderr}`);
  // A call during which another thread is traced comes in two parts.
  const begun = new Map<string, string>();
  return lines.flatMap((line) => {
    const [, pid = "", call = ""] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(call)?.[1];
    if (resumed !== undefined) return [(begun.get(pid) ?? "") + resumed];
    const half = / <unfinished \.\.\.>$/.exec(call);
    if (half) begun.set(pid, call.slice(0, half.index));
    return half || call === "" ? [] : [call];
  });
}

/** What any program of this system reads when it starts, looks up a user, a host or the time zone. */
const SYSTEM =
  /^\/(proc|sys|dev|lib|lib64|usr\/lib|usr\/share\/zoneinfo)(\/|$)|^\/etc\/(ld\.so\.\w+|localtime|nsswitch\.conf|passwd|hosts|host\.conf|resolv\.conf|gai\.conf)$|^\/var\/run\/nscd/;

test
  .skipIf(process.platform !== "linux")
  .each(
    [
      ["job", "list"],
      ["job", "list", "-n", "1", "--format", "csv"],
      ["job", "active", "--format", "yaml"],
      ["job", "show", "j1"],
      ["job", "trace", "j1"],
      ["job", "wait", "j1"],
      ["job", "kill", "j2"],
      ["job", "kill", "--state", "running"],
      ["config"],
      ["config", "check"],
      ["completion", "bash"],
      ["__complete", "job", "show", ""],
      ["job", "show", "--help"],
    ].map((args) => [args]),
  )("%j starts no program, writes no file, opens no code, and speaks to its server alone", async (args) => {
  const config = secretFile("config.yaml", `master: { urls: ["${login()}"] }\n`);
  const look = () => systemCalls(args, { ZESTER_CONFIG: config, HOME: "/home/no-such-user" });
  let calls = await look();
  // Completion has a short time: on a busy machine it ends before it connects.
  for (let i = 0; i < 10 && args[0] === "__complete" && !calls.some((call) => call.includes("sa_family=AF_INET")); i++)
    calls = await look();
  const [started, ...rest] = calls.filter((call) => call.startsWith("execve"));
  expect(started).toContain(ZESTER);
  expect(rest).toEqual([]);
  // Threads are fine; a process of its own is not.
  const forked = calls.filter((call) => /^(v?fork|clone3?)\(/.test(call) && !call.includes("CLONE_THREAD"));
  expect(forked).toEqual([]);
  const changing =
    /O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|^(creat|unlink|rename|mkdir|rmdir|link|symlink|chmod|chown|mknod|truncate)/;
  const writing = calls.filter((call) => changing.test(call) && !/"\/dev\/(null|tty)"/.test(call));
  expect(writing).toEqual([]);
  const opened = calls
    .filter((call) => /^open(at2?)?\(/.test(call))
    // The runtime resolves the path of the code inside the executable, and reads nothing there.
    .filter((call) => !/"\/\$bunfs\/root\/zester", [A-Z_|]*O_PATH/.test(call))
    .map((call) => /"([^"]*)"/.exec(call)?.[1] ?? call)
    .filter((path) => !SYSTEM.test(path) && path !== ZESTER && path !== config);
  // Where settings may be, and nothing else: no module, no .env, no bunfig.toml, no package.json.
  for (const path of opened) expect(path).toMatch(/^(\/|\/home\/no-such-user\/\.config\/nats\/context.*)$/);
  const peers = calls
    .filter((call) => /^(connect|sendto|sendmsg|bind|listen)\(/.test(call) && /sa_family=AF_INET|^listen/.test(call))
    .map((call) => /sin_port=htons\((\d+)\), sin_addr=inet_addr\("127\.0\.0\.1"\)/.exec(call)?.[1] ?? call);
  const connects =
    !["config", "completion"].includes(args.join(" ").split(" bash")[0] as string) && !args.includes("--help");
  expect(new Set(peers)).toEqual(new Set(connects ? [String(server.port)] : []));
});
