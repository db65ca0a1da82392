// A master in a process of its own, which dies by SIGKILL at a stage of its first dispatch: lone-master.ts <url> <stage>.
// It prints "ready" when it listens.
import { connect } from "nats";
import { Master } from "./master.ts";

const [url = "", stage] = process.argv.slice(2);
const nc = await connect({ servers: url });
const kv = (bucket: string) => nc.jetstream().views.kv(bucket);
const [jobs, returns, masters, peels] = await Promise.all(
  ["jobs", "job-returns", "master-heartbeat", "peel-heartbeat"].map(kv),
);
if (!jobs || !returns || !masters || !peels) throw new Error("no buckets");
const site = { nc, jobs, returns, heartbeats: { masters, peels }, scale: 1, layout: "peel", queue: 64 } as const;
const master = new Master(
  { ...site, ignoreCancel: false },
  "master-lone",
  () => ({}),
  async (reached) => {
    if (reached !== stage) return;
    await nc.flush();
    process.kill(process.pid, "SIGKILL");
    await new Promise(() => {});
  },
);
await master.start();
process.stdout.write("ready\n");
