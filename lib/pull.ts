// Draining one JetStream consumer, and making sure that nothing is missing.
import type { Msg } from "nats";
import type { Connection } from "./connection.ts";
import { UserError } from "./errors.ts";
import { Pace } from "./pace.ts";
import { safe } from "./text.ts";

/** The server delivered less than it announced, with no gap in between. */
export class Shortfall extends Error {}

/** The error for an answer that lacks something. */
export function incomplete(connection: Connection, why: string): UserError {
  return new UserError(
    `the answer of ${connection.shown} is incomplete: ${safe(why)}.`,
    "Run the command again; the server may have lost its leader or been restarted.",
  );
}

/**
 * Pulls until nothing is pending. Pull, not push: the server then never has more on the way than was asked for, and
 * no flow-control subject is needed. A partial answer never passes as whole.
 * @throws Shortfall when fewer messages came than were announced, UserError when one is missing in between
 */
export async function pullAll(
  connection: Connection,
  stream: string,
  name: string,
  expected: number,
  createdMs: number,
  onMessage: (msg: Msg) => void,
): Promise<void> {
  const { nc, timeoutMs } = connection;
  const subject = `${connection.api}.CONSUMER.MSG.NEXT.${stream}.${name}`;
  const inbox = connection.inbox();
  const pace = new Pace();
  let received = 0;
  let left = 0;
  let before = 0;
  let lastWord = Date.now();
  const next = () => {
    left = pace.next();
    before = received;
    nc.publish(subject, JSON.stringify({ batch: left, no_wait: true }), { reply: inbox });
  };
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const end = () =>
    received < expected ? reject(new Shortfall(`${received} of ${expected} records came`)) : resolve();
  const sub = nc.subscribe(inbox, {
    callback: (error, msg) => {
      lastWord = Date.now();
      if (error) return reject(error);
      if (!msg.reply) {
        const code = msg.headers?.code ?? 0;
        if (code === 100) return; // a heartbeat
        if (code !== 404 && code !== 408)
          return reject(incomplete(connection, msg.headers?.description || `status ${code}`));
        return received === before ? end() : next(); // nothing pending now, or nothing more for this request
      }
      // $JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<ns>.<pending>, newer servers: with domain
      // and account hash before the stream, and a random token at the end.
      const tokens = msg.reply.split(".");
      const at = tokens.length >= 11 ? 4 : 2;
      received++;
      if (Number(tokens[at + 4]) !== received)
        return reject(incomplete(connection, `record ${received} is missing`));
      pace.saw(msg.data.length);
      try {
        onMessage(msg);
      } catch (thrown) {
        return reject(thrown); // the library would take it for its own and write to stdout
      }
      const pending = Number(tokens[at + 6]);
      if (pending === 0) return end();
      // A bucket that changes all the time is never quiet: what came after the start of the scan need not be waited for.
      if (received >= expected && Number(tokens[at + 5]) / 1e6 > createdMs + 1000) return resolve();
      if (--left === 0) next();
    },
  });
  const stop = connection.onFailure(subject, reject);
  const timer = setInterval(
    () => {
      if (Date.now() - lastWord > timeoutMs) reject(connection.silent(`a read of ${stream}`));
    },
    Math.min(timeoutMs / 4, 500),
  );
  try {
    next();
    await promise;
  } finally {
    clearInterval(timer);
    stop();
    sub.unsubscribe();
  }
}
