// A yardstick: what the reference implementation does. Lists the keys, gets each one, prints the table.
import { decode } from "@msgpack/msgpack";
import { connect } from "nats";

interface Row {
  jid: string;
  function: string;
  target_expr?: string;
  targets: string[];
  status: string;
  created: Date;
}

async function main(): Promise<void> {
  const nc = await connect({ servers: process.env.NATS_URL as string });
  const kv = await nc.jetstream().views.kv("jobs");
  const keys: string[] = [];
  for await (const key of await kv.keys("*")) keys.push(key);
  const rows: Row[] = [];
  for (const key of keys) {
    const entry = await kv.get(key);
    if (entry?.operation === "PUT") rows.push(decode(entry.value) as Row);
  }
  rows.sort((a, b) => a.created.getTime() - b.created.getTime());
  const width = Math.max(...rows.map((row) => row.function.length));
  const lines = rows.map((row) =>
    [row.jid, row.function.padEnd(width), row.target_expr ?? `[${row.targets.join(" ")}]`, row.status].join("  "),
  );
  process.stdout.write(`${lines.join("\n")}\n`);
  await nc.close();
}

main();
