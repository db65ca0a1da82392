// Yardstick: a consumer that only counts the newest messages of a subject. `count <url> <stream> <subject>`
import { connect, createInbox } from "nats";

const [url = "", stream = "", subject = ""] = process.argv.slice(2);
async function main(): Promise<void> {
  const nc = await connect({ servers: url.replace("nats://", ""), reconnect: false });
  const inbox = createInbox();
  let left = Number.POSITIVE_INFINITY;
  let count = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  nc.subscribe(inbox, {
    callback: () => {
      if (++count === left) resolve();
    },
  });
  const config = {
    deliver_subject: inbox,
    deliver_policy: "last_per_subject",
    ack_policy: "none",
    filter_subject: subject,
    mem_storage: true,
    num_replicas: 1,
  };
  const answer = await nc.request(
    `$JS.API.CONSUMER.CREATE.${stream}`,
    JSON.stringify({ stream_name: stream, config }),
    {
      timeout: 60_000,
    },
  );
  const { num_pending, delivered, error } = answer.json() as {
    num_pending: number;
    delivered: { consumer_seq: number };
    error?: unknown;
  };
  if (error) throw new Error(JSON.stringify(error));
  // What was delivered before the answer was made is not pending any more.
  left = num_pending + delivered.consumer_seq;
  if (count < left) await promise;
  process.stdout.write(`${count}\n`);
  process.exit(0);
}
void main();
