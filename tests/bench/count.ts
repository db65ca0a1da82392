// A yardstick: a plain consumer that only counts the newest values. `count jobs '*'`, `count job-returns '<jid>.*'`.
import { connect, createInbox } from "nats";

async function main(): Promise<void> {
  const [bucket, filter] = process.argv.slice(2) as [string, string];
  const nc = await connect({ servers: process.env.NATS_URL as string });
  const inbox = createInbox();
  const name = `count-${process.pid}`;
  const { promise: done, resolve } = Promise.withResolvers<void>();
  let count = 0;
  nc.subscribe(inbox, {
    callback: (_, msg) => {
      if (msg.headers?.code === 100) {
        msg.respond(); // flow control: without it a large bucket ends in a cut-off
        return;
      }
      count++;
      if (msg.reply?.endsWith(".0")) resolve(); // nothing is pending after this one
    },
  });
  const subject = `$KV.${bucket}.${filter}`;
  const config = {
    name,
    deliver_policy: "last_per_subject",
    ack_policy: "none",
    filter_subject: subject,
    deliver_subject: inbox,
    flow_control: true,
    idle_heartbeat: 5_000_000_000,
    mem_storage: true,
    num_replicas: 1,
  };
  const api = "$JS.API.CONSUMER";
  const request = JSON.stringify({ stream_name: `KV_${bucket}`, config });
  const answer = await nc.request(`${api}.CREATE.KV_${bucket}.${name}.${subject}`, request, {
    timeout: 60_000,
  });
  const { num_pending, delivered, error } = answer.json<{
    num_pending: number;
    delivered: { consumer_seq: number };
    error?: { description: string };
  }>();
  if (error) throw new Error(error.description);
  if (num_pending + delivered.consumer_seq > 0) await done;
  await nc.request(`${api}.DELETE.KV_${bucket}.${name}`);
  process.stdout.write(`${count}\n`);
  await nc.close();
}

main();
