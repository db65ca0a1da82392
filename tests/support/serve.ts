// Servers for one test each; cleanup.ts stops them.
import type { ConnectionOptions } from "nats";
import {
  createBuckets,
  emptyBuckets,
  encode,
  jobRecord,
  type Result,
  type Server,
  startServer,
  zester,
} from "./harness.ts";

/** A server with empty buckets and the running job j1. @param auth how a second client logs in */
export async function serveJobs(config = "", auth: ConnectionOptions = {}): Promise<Server> {
  const server = await startServer(config);
  const nc = await server.connect(auth);
  const { jobs } = await createBuckets(nc);
  await jobs.put("j1", encode(jobRecord("j1", { status: "running" })));
  await nc.close();
  return server;
}

/** A server with buckets that `fresh` empties, a second client, and a function that runs the executable on it. */
export async function serveBuckets() {
  const server = await startServer();
  const nc = await server.connect();
  const { jobs, returns } = await createBuckets(nc);
  return {
    server,
    nc,
    jobs,
    returns,
    run: (...args: string[]): Promise<Result> => zester(args, { env: { NATS_URL: server.url } }),
    async fresh(): Promise<void> {
      await emptyBuckets(nc);
    },
    async stop(): Promise<void> {
      await nc.close();
      await server.stop();
    },
  };
}
