// Real nats-servers on free loopback ports with a store of their own, and the compiled executable.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type ConnectionOptions, connect, type KV, type NatsConnection } from "nats";

export { encode, jobRecord, Time } from "./records.ts";

export const ZESTER = resolve(import.meta.dir, "../../dist/zester");
const CACHED_SERVER = resolve(import.meta.dir, "../../node_modules/.cache/nats-server");

/** The nats-server to test against: $NATS_SERVER, the one on the PATH, or the one that setup built. */
export const NATS_SERVER = process.env.NATS_SERVER || Bun.which("nats-server") || CACHED_SERVER;

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

const servers = new Set<Bun.Subprocess>();
const folders = new Set<string>();

/**
 * Stops every server and removes every folder of this process, including those of failed tests.
 * `bun test` never fires "exit" handlers, so tests/support/cleanup.ts calls this after the last file.
 */
export async function cleanUp(): Promise<void> {
  for (const server of servers) server.kill("SIGKILL");
  await Promise.all([...servers].map((server) => server.exited));
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  servers.clear();
  folders.clear();
}

/** A folder that is removed when the tests end. */
export function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), "zester-test-"));
  folders.add(dir);
  return dir;
}

export interface Server {
  readonly url: string;
  readonly port: number;
  readonly process: Bun.Subprocess;
  connect(options?: ConnectionOptions): Promise<NatsConnection>;
  /** Stops all its threads until SIGCONT. */
  freeze(): Promise<void>;
  /** Ends it with SIGKILL; its store stays. */
  kill(): Promise<void>;
  /** Restarts it after `kill`, on the same port and store. @param extra another configuration */
  revive(extra?: string): Promise<void>;
  /** Changes the configuration of the running server, and waits until it applies. */
  reload(extra: string): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts a nats-server and waits until it accepts connections.
 * @param extra lines of its configuration other than the address
 */
export async function startServer(extra = "", { jetstream = true, port = 0 } = {}): Promise<Server> {
  const dir = tempDir();
  const at = port || (await freePort());
  const store = jetstream ? `jetstream { store_dir: ${JSON.stringify(join(dir, "js"))} }` : "";
  const configure = (lines: string) =>
    writeFileSync(join(dir, "nats.conf"), `listen: "127.0.0.1:${at}"\n${store}\n${lines}\n`);
  configure(extra);
  // The log goes to a file: a pipe without a reader would kill the server at its next line.
  const log = Bun.file(join(dir, "log"));
  let child: Bun.Subprocess;
  const run = async () => {
    child = Bun.spawn([NATS_SERVER, "-c", join(dir, "nats.conf")], { stdout: "ignore", stderr: log });
    servers.add(child);
    while (!(await log.text().catch(() => "")).includes("Server is ready")) {
      if (child.exitCode !== null) throw new Error(`nats-server did not start:\n${await log.text()}`);
      await Bun.sleep(5);
    }
  };
  const kill = async () => {
    child.kill("SIGKILL");
    await child.exited;
    servers.delete(child);
  };
  await run();
  return {
    url: `nats://127.0.0.1:${at}`,
    port: at,
    get process() {
      return child;
    },
    connect: (options = {}) => connect({ servers: `127.0.0.1:${at}`, ...options }),
    async freeze() {
      child.kill("SIGSTOP");
      const threads = `/proc/${child.pid}/task`;
      const stopped = (id: string) => / T /.test(readFileSync(`${threads}/${id}/stat`, "latin1"));
      if (!existsSync(threads)) await Bun.sleep(100);
      else while (!readdirSync(threads).every(stopped)) await Bun.sleep(1);
    },
    kill,
    async revive(lines) {
      if (lines !== undefined) configure(lines);
      rmSync(join(dir, "log"), { force: true });
      await run();
    },
    async reload(lines) {
      configure(lines);
      child.kill("SIGHUP");
      while (!(await log.text()).includes("Reloaded server configuration")) await Bun.sleep(5);
    },
    async stop() {
      await kill();
      folders.delete(dir);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Repeats `look` until it returns a value without an error. @throws Error after `ms` */
export async function until<T>(what: string, look: () => Promise<T | undefined | false>, ms = 30_000): Promise<T> {
  const end = Date.now() + ms;
  let last: unknown;
  while (Date.now() < end) {
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      last = error;
    }
    await Bun.sleep(20);
  }
  throw new Error(`no ${what} within ${ms} ms${last ? `: ${last}` : ""}`);
}

/** Creates the two buckets and the event stream, with the settings of a real master (wire.md). */
export async function createBuckets(
  nc: NatsConnection,
  { events = true, replicas = 1 } = {},
): Promise<{ jobs: KV; returns: KV }> {
  const js = nc.jetstream();
  const week = 7 * 86_400_000;
  const jobs = await js.views.kv("jobs", { history: 10, ttl: week, replicas });
  const returns = await js.views.kv("job-returns", { history: 1, ttl: week, replicas });
  if (events) {
    const jsm = await nc.jetstreamManager();
    await jsm.streams.add({
      name: "job-events",
      subjects: ["zester.job.>"],
      max_age: week * 1e6,
      num_replicas: replicas,
    });
  }
  return { jobs, returns };
}

export interface Result {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

export interface Surroundings {
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly stdin?: "ignore" | Uint8Array;
}

/** Runs a program with only `env` as its environment. */
export async function run(
  argv: readonly string[],
  { env = {}, cwd = "/", stdin = "ignore" }: Surroundings = {},
): Promise<Result> {
  const child = Bun.spawn([...argv], { env, cwd, stdin, stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { stdout, stderr, code };
}

/** Runs the executable with only `env` as its environment. */
export const zester = (args: readonly string[], surroundings: Surroundings = {}): Promise<Result> =>
  run([ZESTER, ...args], surroundings);

/** The executable while it runs: in a pipe, or in a pseudo-terminal of `size`. */
export class Running {
  out = "";
  err = "";
  readonly #child: Bun.Subprocess;
  readonly #read: Promise<unknown>;

  constructor(args: readonly string[], env: Record<string, string>, size?: { cols: number; rows: number }) {
    const decoder = new TextDecoder();
    const terminal = size && {
      ...size,
      data: (_: unknown, bytes: Uint8Array) => {
        this.out += decoder.decode(bytes, { stream: true });
      },
    };
    this.#child = terminal
      ? Bun.spawn([ZESTER, ...args], { env: { TERM: "xterm", LANG: "C.UTF-8", ...env }, terminal })
      : Bun.spawn([ZESTER, ...args], { env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    const collect = async (stream: unknown, add: (text: string) => void) => {
      if (!(stream instanceof ReadableStream)) return;
      const part = new TextDecoder();
      for await (const bytes of stream) add(part.decode(bytes as Uint8Array, { stream: true }));
    };
    this.#read = Promise.all([
      collect(this.#child.stdout, (text) => {
        this.out += text;
      }),
      collect(this.#child.stderr, (text) => {
        this.err += text;
      }),
    ]);
  }

  /** Waits until both streams together contain `text`. @throws Error with the output after `ms` */
  async until(text: string | RegExp, ms = 15_000): Promise<void> {
    const end = Date.now() + ms;
    const there = () =>
      typeof text === "string" ? (this.out + this.err).includes(text) : text.test(this.out + this.err);
    while (!there()) {
      if (Date.now() > end) throw new Error(`no ${text} in:\n${this.out}\nstderr:\n${this.err}`);
      await Bun.sleep(10);
    }
  }

  type(keys: string): void {
    this.#child.terminal?.write(keys);
  }

  resize(cols: number, rows: number): void {
    this.#child.terminal?.resize(cols, rows);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The terminal reads lines, shows what is typed, and makes signals of Ctrl-C and Ctrl-Z. */
  get isUsual(): boolean {
    const [ISIG, ICANON, ECHO] = [1, 2, 8];
    const all = ISIG | ICANON | ECHO;
    return ((this.#child.terminal?.localFlags ?? 0) & all) === all;
  }

  /** Its exit code, after all output has been read. */
  async ended(): Promise<number> {
    const code = await this.#child.exited;
    await this.#read;
    return code;
  }
}

/** Number of consumers of all streams. */
export async function consumersLeft(nc: NatsConnection): Promise<number> {
  const jsm = await nc.jetstreamManager();
  const infos = await jsm.streams.list().next();
  return infos.reduce((sum, info) => sum + info.state.consumer_count, 0);
}

/**
 * Repeats a test up to ten times: completion answers in time or not at all, and a busy machine is sometimes too slow.
 */
export async function attempt(check: () => Promise<unknown>, left = 10): Promise<void> {
  try {
    await check();
  } catch (error) {
    if (left <= 1) throw error;
    await Bun.sleep(200);
    await attempt(check, left - 1);
  }
}

/** Creates the buckets again, empty. */
export async function emptyBuckets(nc: NatsConnection): ReturnType<typeof createBuckets> {
  const jsm = await nc.jetstreamManager();
  const names = ["KV_jobs", "KV_job-returns", "job-events"];
  for (const name of names)
    await jsm.streams.delete(name).catch((error) => {
      if (error.message !== "stream not found") throw error;
    });
  const buckets = await until("new buckets", () =>
    createBuckets(nc).catch((error: Error) => {
      // The directory of the deleted one is still being removed (2.15.2).
      if (!error.message.includes("creating store")) throw error;
      return undefined;
    }),
  );
  // Sometimes a stream of nats-server 2.15.2 that is created right after its deletion has its old messages.
  for (const name of names) await jsm.streams.purge(name);
  return buckets;
}
