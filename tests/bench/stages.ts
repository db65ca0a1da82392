// Where the time of a short command goes, as it is seen from outside: by when it writes to its server, and to stdout.
import { spawn } from "node:child_process";
import { connect as dial } from "node:net";
import { listen } from "../support/relay.ts";
import { type Command, median } from "./measure.ts";

const RUNS = 21;

/** Points in time of one run, in ms since it was started; undefined for what did not happen. */
interface Moments {
  dialed?: number;
  /** The first request, after the login was answered. */
  asked?: number;
  /** The last answer before the output. */
  answered?: number;
  written?: number;
  ended: number;
}

/** Runs it once, its server behind a relay that takes the times. */
async function once(command: Command, port: number | undefined): Promise<Moments> {
  const moments: Moments = { ended: 0 };
  let started = 0;
  const now = () => performance.now() - started;
  const relay = await listen((client) => {
    moments.dialed = now();
    const upstream = dial(port as number, "127.0.0.1").on("error", () => {});
    client.setNoDelay(true);
    upstream.setNoDelay(true);
    client.on("data", (chunk) => {
      if (/^(SUB|PUB) /m.test(chunk.toString("latin1"))) moments.asked ??= now();
      upstream.write(chunk);
    });
    upstream.on("data", (chunk) => {
      if (moments.written === undefined) moments.answered = now();
      client.write(chunk);
    });
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
  });
  started = performance.now();
  const [program = "", ...args] = command.argv;
  const env = { ...command.env, NATS_URL: relay.url };
  const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "ignore"] });
  child.stdout.on("data", () => {
    moments.written ??= now();
  });
  const code = await new Promise((done) => child.on("close", done));
  moments.ended = now();
  relay.stop();
  if (code !== 0) throw new Error(`${command.argv.join(" ")} ended with ${code}`);
  return moments;
}

const NAMES = ["runtime", "modules, settings", "connect", "read", "render", "end"] as const;
export const STAGES = ["what", ...NAMES, "in all"] as const;

/** The stages of one run, in ms; `runtime` is what a program that does nothing takes. */
function stagesOf({ dialed, asked, answered, written, ended }: Moments, runtime: number): (number | undefined)[] {
  const out = written ?? ended;
  if (dialed === undefined || asked === undefined || answered === undefined)
    return [runtime, out - runtime, undefined, undefined, undefined, ended - out, ended];
  return [runtime, dialed - runtime, asked - dialed, answered - asked, out - answered, ended - out, ended];
}

/**
 * A row of the table: the median of each stage. The runs of the command and of the program that does nothing alternate.
 * @param port of its server; undefined for a command that has none
 */
export async function stageRow(what: string, command: Command, hello: Command, port?: number): Promise<string[]> {
  const runs: (number | undefined)[][] = [];
  for (let i = 0; i < RUNS; i++) {
    const nothing = await once(hello, undefined);
    runs.push(stagesOf(await once(command, port), nothing.written ?? nothing.ended));
  }
  const cell = (n: number) => {
    const times = runs.map((run) => run[n]).filter((time) => time !== undefined);
    return times.length === runs.length ? median(times).toFixed(1) : "-";
  };
  return [what, ...Array.from({ length: NAMES.length + 1 }, (_, n) => cell(n))];
}
