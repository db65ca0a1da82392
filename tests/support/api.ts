// Answers of the JetStream API that real servers send rarely or never: a client sends them, on a server without JetStream.
import type { Msg, NatsConnection } from "nats";
import { type Server, startServer } from "./harness.ts";

export type Answer = (msg: Msg) => void;

export const json =
  (value: unknown): Answer =>
  (msg) =>
    void msg.respond(JSON.stringify(value));

/** A server's answer to a created consumer. */
export const created = (pending = 1) => ({ num_pending: pending, created: new Date().toISOString() });

export interface Api {
  readonly server: Server;
  readonly nc: NatsConnection;
  /** Sends the given answers, and correct ones to all other requests, until the returned function is called. */
  serve(answers: Record<string, Answer>): Promise<() => Promise<void>>;
  stop(): Promise<void>;
}

export async function startApi(): Promise<Api> {
  const server = await startServer("", { jetstream: false });
  const nc = await server.connect();
  return {
    server,
    nc,
    async serve(answers) {
      const all: Record<string, Answer> = {
        "STREAM.INFO": json({
          state: { messages: 1, last_seq: 1, subjects: { "$KV.jobs.a": 1 } },
          config: { allow_direct: true },
        }),
        "CONSUMER.CREATE": json(created()),
        "CONSUMER.DELETE": json({ success: true }),
        ...answers,
      };
      const subs = Object.entries(all).map(([name, answer]) =>
        nc.subscribe(`$JS.API.${name}.>`, { callback: (_, msg) => answer(msg) }),
      );
      await nc.flush();
      return async () => {
        for (const sub of subs) sub.unsubscribe();
        await nc.flush();
      };
    },
    async stop() {
      await nc.close();
      await server.stop();
    },
  };
}
