// Three nats-servers in one cluster.
import { connect, type NatsConnection } from "nats";
import { createBuckets, encode, freePort, jobRecord, type Server, startServer, Time, until } from "./harness.ts";

export interface Cluster {
  readonly nodes: readonly Server[];
  /** Every address, for --master or a client. */
  readonly urls: string;
  /** A client that connects to another node when its own ends. */
  connect(): Promise<NatsConnection>;
  /** The node with this name. */
  node(name: string): Server;
  /** Restarts a node without its routes: it is cut off from the others. */
  cutOff(node: Server): Promise<void>;
  /** Restarts it with its routes. */
  rejoin(node: Server): Promise<void>;
  /** The leader of a stream. */
  leader(nc: NatsConnection, stream: string): Promise<Server>;
  stop(): Promise<void>;
}

/** Starts three nats-servers that form one cluster, and waits until JetStream answers. */
export async function startCluster(): Promise<Cluster> {
  const ports = [await freePort(), await freePort(), await freePort()];
  const routes = ports.map((port) => `"nats://127.0.0.1:${port}"`).join(", ");
  const lines = (i: number, port: number | undefined, routes: string) => `server_name: node-${i}
cluster { name: "zester", listen: "127.0.0.1:${port}", routes: [${routes}] }`;
  const nodes = await Promise.all(ports.map((port, i) => startServer(lines(i, port, routes))));
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  const open = () =>
    connect({
      servers: addresses,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
      ignoreClusterUpdates: true,
    });
  const nc = await open();
  // Wait until the three have elected a leader.
  await until("a JetStream leader", async () => (await nc.jetstreamManager()).getAccountInfo());
  await nc.close();
  const node = (name: string) => nodes[Number(name.slice("node-".length))] as Server;
  return {
    nodes,
    urls: nodes.map(({ url }) => url).join(","),
    connect: open,
    node,
    async cutOff(node) {
      await node.kill();
      await node.revive(lines(nodes.indexOf(node), await freePort(), '"nats://127.0.0.1:1"'));
    },
    async rejoin(node) {
      const i = nodes.indexOf(node);
      await node.kill();
      await node.revive(lines(i, ports[i], routes));
    },
    async leader(client, stream) {
      const jsm = await client.jetstreamManager({ checkAPI: false });
      const info = async () => (await jsm.streams.info(stream)).cluster?.leader;
      return node(await until(`a leader of ${stream}`, info));
    },
    async stop() {
      for (const node of nodes) await node.stop();
    },
  };
}

/** Number of jobs in a filled cluster. */
export const JOBS = 300;

/** A cluster with jobs in streams with replicas on all nodes, and a client. */
export async function fillCluster() {
  const cluster = await startCluster();
  const nc = await cluster.connect();
  const buckets = await createBuckets(nc, { replicas: 3 });
  const { jobs } = buckets;
  // Some 6 MB, so that a scan takes many pulls.
  const args = { text: "x".repeat(20_000) };
  const seed = (_: unknown, i: number) =>
    jobs.put(`job-${i}`, encode(jobRecord(`job-${i}`, { status: i % 3 ? "complete" : "running", args })));
  await Promise.all(Array.from({ length: JOBS }, seed));
  await buckets.returns.put(
    "job-1.web-01",
    encode({ jid: "job-1", peel_id: "web-01", success: true, duration: 1n, timestamp: Time.now() }),
  );

  /** Stores a job's record; repeats while there is no leader. */
  const put = (jid: string, status: string) =>
    until(`a place for ${jid}`, async () => {
      await jobs.put(jid, encode(jobRecord(jid, { status, targets: ["a"] })));
      return true;
    });

  /** Waits until every node has the job: a replica may be a second behind, and may be the one that answers. */
  async function everywhere(jid: string): Promise<void> {
    for (const node of cluster.nodes) {
      const client = await node.connect();
      await until(`${jid} on ${node.url}`, async () => {
        const { headers } = await client.request(`$JS.API.DIRECT.GET.KV_jobs.$KV.jobs.${jid}`);
        return !headers || headers.code < 400;
      });
      await client.close();
    }
  }

  /** Waits until all replicas of all streams are current. */
  const healthy = () =>
    until("a healthy cluster", async () => {
      const jsm = await nc.jetstreamManager({ checkAPI: false });
      for (const name of ["KV_jobs", "KV_job-returns", "job-events"]) {
        const { cluster: peers } = await jsm.streams.info(name);
        if (!peers?.leader || peers.replicas?.length !== 2 || !peers.replicas.every((one) => one.current)) return false;
      }
      return true;
    });

  /** The names of a stream's consumers. More than names takes nats-server 2.9 seconds while a node is dead. */
  const named = async (stream: string) =>
    (await nc.request(`$JS.API.CONSUMER.NAMES.${stream}`, "{}")).json<{ consumers?: string[] }>().consumers ?? [];

  const others = (...nodes: Server[]) => cluster.nodes.filter((node) => !nodes.includes(node));

  /** Waits until the streams have no consumers. */
  async function withoutConsumers(): Promise<void> {
    // nats-server 2.9 keeps the names of consumers that it gave to a node that was dead, and never answers for them: seen on
    // 2.9.10 for more than 90 seconds, also after the node was back. There, those that answer are what counts.
    const keepsNames = nc.info?.version.startsWith("2.9.") === true;
    const jsm = await nc.jetstreamManager({ checkAPI: false, timeout: 1000 });
    const answers = (stream: string, name: string) =>
      jsm.consumers.info(stream, name).then(
        () => true,
        () => false,
      );
    // The server drops those that could not be deleted after 30 seconds.
    const gone = async () => {
      for (const stream of ["KV_jobs", "KV_job-returns", "job-events"]) {
        const names = await named(stream);
        if (!keepsNames && names.length > 0) return false;
        const living = await Promise.all(names.map((name) => answers(stream, name)));
        if (living.includes(true)) return false;
      }
      return true;
    };
    await until("streams without consumers", gone, 90_000);
  }

  await healthy();
  return {
    cluster,
    nc,
    put,
    everywhere,
    healthy,
    named,
    others,
    withoutConsumers,
    async stop() {
      await nc.close();
      await cluster.stop();
    },
  };
}
