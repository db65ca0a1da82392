// A TCP proxy that fails on cue: at the first bytes of the client that hold a text.
import { createServer, connect as dial, type Socket } from "node:net";

export interface Proxy {
  readonly url: string;
  stop(): void;
}

/**
 * Forwards to `port` until the client sends `cue`; then `cut` drops the connection, `stall` keeps it open and forwards
 * nothing more, `deaf` still forwards what the client sends but no answers.
 */
export async function startProxy(port: number, cue: string, fault: "cut" | "stall" | "deaf"): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = dial(port, "127.0.0.1");
    let failed = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
    }
    client.on("data", (chunk) => {
      if (chunk.includes(cue)) failed = true;
      if (failed && fault === "cut") {
        client.destroy();
        upstream.destroy();
      } else if (!failed || fault === "deaf") upstream.write(chunk);
    });
    upstream.on("data", (chunk) => void (failed || client.write(chunk)));
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `nats://127.0.0.1:${(server.address() as { port: number }).port}`,
    stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

const TICK_MS = 10;

/** Forwards to `port` what the client sends at once, and the answers at so many bytes a second. */
export async function startSlowLink(port: number, bytesPerSecond: number): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = dial(port, "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
    }
    client.on("data", (chunk) => void upstream.write(chunk));
    const timer = setInterval(() => {
      const chunk = upstream.read(Math.min(upstream.readableLength, (bytesPerSecond * TICK_MS) / 1000));
      if (chunk) client.write(chunk);
    }, TICK_MS);
    upstream.on("readable", () => {}); // paused: read by the timer alone
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => {
      clearInterval(timer);
      client.destroy();
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `nats://127.0.0.1:${(server.address() as { port: number }).port}`,
    stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
