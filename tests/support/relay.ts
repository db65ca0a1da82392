// A TCP relay that can change what a server sends, and servers that send what no NATS server does.
import { createServer, connect as dial, type Server as Listener, type Socket } from "node:net";

export interface Relay {
  readonly url: string;
  stop(): void;
}

/** A plain TCP server. */
export async function listen(onSocket: (socket: Socket) => void): Promise<Relay> {
  const sockets = new Set<Socket>();
  const server: Listener = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    onSocket(socket);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  server.unref();
  return {
    url: `nats://127.0.0.1:${(server.address() as { port: number }).port}`,
    stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** Forwards to `port`; each chunk of the server's goes through `change`, bytes as latin1. */
export function startRelay(port: number, change: (text: string) => string): Promise<Relay> {
  return listen((client) => {
    const upstream = dial(port, "127.0.0.1");
    upstream.on("error", () => {});
    client.on("data", (chunk) => void upstream.write(chunk));
    upstream.on("data", (chunk) => void client.write(Buffer.from(change(chunk.toString("latin1")), "latin1")));
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
  });
}

/** Forwards to `port` each chunk of the client's for which `pass` is true, one after the other. */
export const startGate = (port: number, pass: (chunk: Buffer) => boolean | Promise<boolean>): Promise<Relay> =>
  listen((client) => {
    const upstream = dial(port, "127.0.0.1").on("error", () => {});
    upstream.pipe(client);
    client.on("data", async (chunk: Buffer) => {
      client.pause();
      if (await pass(chunk)) upstream.write(chunk);
      client.resume();
    });
    client.on("close", () => upstream.destroy());
  });

const INFO = { server_id: "x", version: "2.10.0", proto: 1, headers: true, max_payload: 1 << 20 };

/**
 * A server that accepts logins and answers pings until bytes with `cue` arrive, then sends `words`, and does not answer anything
 * else.
 */
export function startImpostor(cue: string, words: string | Uint8Array): Promise<Relay> {
  return listen((socket) => {
    let said = false;
    socket.write(`INFO ${JSON.stringify(INFO)}\r\n`);
    socket.on("data", (chunk) => {
      const text = chunk.toString("latin1");
      if (said) return;
      if (text.includes(cue)) {
        said = true;
        socket.write(words);
      } else if (text.includes("PING")) socket.write("PONG\r\n");
    });
  });
}
