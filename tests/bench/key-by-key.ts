// Yardstick: what a first implementation does. Lists the keys, then gets each, then prints the table. `key-by-key <url>`
import { decode } from "@msgpack/msgpack";
import { connect } from "nats";

async function main(): Promise<void> {
  const nc = await connect({ servers: (process.argv[2] ?? "").replace("nats://", ""), reconnect: false });
  const kv = await nc.jetstream().views.kv("jobs", { bindOnly: true });
  const rows: { jid: string; fn: string; target: string; state: string; created: number }[] = [];
  for await (const key of await kv.keys("*")) {
    const entry = await kv.get(key);
    if (!entry) continue;
    const job = decode(entry.value, { useBigInt64: true }) as Record<string, unknown>;
    const targets = job.targets as string[];
    rows.push({
      jid: key,
      fn: job.function as string,
      target: (job.target_expr as string | undefined) ?? `[${targets.join(" ")}]`,
      state: job.status as string,
      created: Number(job.created as Date),
    });
  }
  rows.sort((a, b) => a.created - b.created);
  process.stdout.write(
    rows.map((row) => `${row.jid}  ${row.fn.padEnd(16)}  ${row.target.padEnd(30)}  ${row.state}\n`).join(""),
    () => process.exit(0),
  );
}
void main();
