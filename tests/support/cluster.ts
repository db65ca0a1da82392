// Three nats-servers in one cluster.
import { connect, type NatsConnection } from "nats";
import { freePort, type Server, startServer, until } from "./harness.ts";

export interface Cluster {
  readonly nodes: readonly Server[];
  /** Every address, for --master or a client. */
  readonly urls: string;
  /** A client that moves on to another node when its own goes away. */
  connect(): Promise<NatsConnection>;
  /** The node that calls itself so. */
  node(name: string): Server;
  /** The node that leads a stream. */
  leader(nc: NatsConnection, stream: string): Promise<Server>;
  stop(): Promise<void>;
}

/** Starts three nats-servers that form one cluster, and waits until JetStream answers. */
export async function startCluster(): Promise<Cluster> {
  const ports = [await freePort(), await freePort(), await freePort()];
  const routes = ports.map((port) => `"nats://127.0.0.1:${port}"`).join(", ");
  const nodes = await Promise.all(
    ports.map((port, i) =>
      startServer(`server_name: node-${i}
cluster { name: "zester", listen: "127.0.0.1:${port}", routes: [${routes}] }`),
    ),
  );
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  const open = () =>
    connect({
      servers: addresses,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
      ignoreClusterUpdates: true,
    });
  const nc = await open();
  // Not before the three have elected a leader.
  await until("a JetStream leader", async () => (await nc.jetstreamManager()).getAccountInfo());
  await nc.close();
  const node = (name: string) => nodes[Number(name.slice("node-".length))] as Server;
  return {
    nodes,
    urls: nodes.map(({ url }) => url).join(","),
    connect: open,
    node,
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
