// A server with the buckets, a second client that receives every cancel signal, and shells around the executable.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { KV, NatsConnection } from "nats";
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
} from "./harness.ts";

export class Field {
  /** The subjects of the signals that arrived, in order. */
  readonly signals: string[] = [];
  /** Called when a signal arrives, to act as a fleet. */
  onSignal: (jid: string) => unknown = () => {};

  private constructor(
    readonly server: Server,
    readonly nc: NatsConnection,
    readonly jobs: KV,
    /** Address for the executable. */
    public url: string,
  ) {}

  /**
   * @param config lines of the server's configuration; with users in it, `root` with the password `root` is the second client
   * @param listen false: there is no second client's subscription, and `events` false: no stream either
   */
  static async start({ config = "", listen = true, events = true } = {}): Promise<Field> {
    const server = await startServer(config);
    const nc = await server.connect(config.includes("users") ? { user: "root", pass: "root" } : {});
    const { jobs } = await createBuckets(nc, { events });
    const field = new Field(server, nc, jobs, server.url);
    if (listen) {
      nc.subscribe("zester.job.*.cancel", {
        callback: (_, msg) => {
          field.signals.push(msg.subject);
          void field.onSignal(msg.subject.slice("zester.job.".length, -".cancel".length));
        },
      });
      await nc.flush();
    }
    return field;
  }

  /** Stores a job under any key, also under one that a key-value client refuses. */
  async put(key: string, fields: Record<string, unknown> = {}): Promise<void> {
    await this.nc.jetstream().publish(`$KV.jobs.${key}`, encode(jobRecord(key, { status: "running", ...fields })));
  }

  /** The jobs that got a signal since the last call, sorted. */
  async signaled(): Promise<string[]> {
    await this.nc.flush();
    return this.signals
      .splice(0)
      .map((subject) => subject.slice("zester.job.".length, -".cancel".length))
      .sort();
  }

  run(...args: string[]): Promise<Result> {
    return zester(["job", ...args], { env: { NATS_URL: this.url } });
  }

  /** Runs a shell script in which `"$Z"` is the executable and `$OUT` a file; the result is what that file holds. */
  async shell(script: string): Promise<Result & { file: string }> {
    const out = join(tempDir(), "out");
    const env = { NATS_URL: this.url, Z: ZESTER, OUT: out, PATH: process.env.PATH ?? "" };
    const result = await run(["sh", "-c", script], { env, cwd: process.cwd() });
    const text = await Bun.file(out).exists();
    return { ...result, file: text ? readFileSync(out, "utf8") : "" };
  }

  async stop(): Promise<void> {
    await this.nc.close();
    await this.server.stop();
  }
}
