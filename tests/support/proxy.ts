// A TCP proxy that fails on cue: at the first bytes of the client that contain a text.
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

/** Forwards to `port` both ways, each chunk half of `roundTripMs` later: a server that is far away. */
export async function startFarLink(port: number, roundTripMs: number): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = dial(port, "127.0.0.1");
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on("error", () => {});
      from.on("data", (chunk) => void setTimeout(() => to.destroyed || to.write(chunk), roundTripMs / 2));
      from.on("close", () => to.destroy());
    }
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

/** A link that works until it is told to fail. */
export interface FaultyLink extends Proxy {
  /** Messages that the server has sent to clients, including status messages of JetStream. */
  readonly messages: number;
  /** Ends every open connection. */
  cut(): void;
  /** The open connections carry nothing more in either direction, without an error on either side. */
  hang(): void;
  /** Drops one message of the server, after this many others. */
  lose(after: number): void;
  /** Until `heal`: answers arrive at this many bytes per second. */
  slow(bytesPerSecond: number): void;
  /** Until `heal`: everything arrives later, both ways. */
  delay(ms: number): void;
  /** New connections work, and so do the open ones, unless they hang. */
  heal(): void;
}

/** Passes on each protocol line of a NATS server, with its payload if it has one. */
function* frames(state: { rest: Buffer }, chunk: Buffer): Generator<{ bytes: Buffer; message: boolean }> {
  let bytes = state.rest.length > 0 ? Buffer.concat([state.rest, chunk]) : chunk;
  for (;;) {
    const line = bytes.indexOf("\r\n");
    if (line < 0) break;
    const words = bytes.toString("latin1", 0, line).split(" ");
    const message = words[0] === "MSG" || words[0] === "HMSG";
    const end = line + 2 + (message ? Number(words.at(-1)) + 2 : 0);
    if (bytes.length < end) break;
    yield { bytes: bytes.subarray(0, end), message };
    bytes = bytes.subarray(end);
  }
  state.rest = bytes;
}

/** Forwards to `port`, message by message, with the faults that the test sets. */
export async function startFaultyLink(port: number): Promise<FaultyLink> {
  const links = new Set<{ hung: boolean; end: () => void }>();
  const fault = { delayMs: 0, bytesPerSecond: 0, loseAfter: -1 };
  let messages = 0;
  const server = createServer((client) => {
    const upstream = dial(port, "127.0.0.1");
    const later = (work: () => void) => (fault.delayMs > 0 ? setTimeout(work, fault.delayMs) : work());
    const queue: Buffer[] = [];
    const state = { rest: Buffer.alloc(0) };
    const link = {
      hung: false,
      end() {
        clearInterval(timer);
        links.delete(link);
        client.destroy();
        upstream.destroy();
      },
    };
    links.add(link);
    const drain = () => {
      let budget = fault.bytesPerSecond === 0 ? Infinity : Math.ceil((fault.bytesPerSecond * TICK_MS) / 1000);
      while (queue.length > 0 && budget > 0) {
        const first = queue[0] as Buffer;
        const part = first.subarray(0, Math.min(budget, first.length));
        if (part.length === first.length) queue.shift();
        else queue[0] = first.subarray(part.length);
        budget -= part.length;
        client.write(part);
      }
    };
    const timer = setInterval(drain, TICK_MS);
    client.on("data", (chunk: Buffer) => void (link.hung || later(() => upstream.write(chunk))));
    upstream.on("data", (chunk: Buffer) => {
      if (link.hung) return;
      for (const { bytes, message } of frames(state, chunk)) {
        if (message) messages++;
        if (message && fault.loseAfter >= 0 && fault.loseAfter-- === 0) continue;
        later(() => {
          queue.push(bytes);
          if (fault.bytesPerSecond === 0) drain();
        });
      }
    });
    for (const socket of [client, upstream]) {
      socket.on("error", () => {});
      socket.on("close", () => void (link.hung || later(link.end)));
    }
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const cut = () => {
    for (const link of [...links]) link.end();
  };
  return {
    url: `nats://127.0.0.1:${(server.address() as { port: number }).port}`,
    get messages() {
      return messages;
    },
    cut,
    hang() {
      for (const link of links) link.hung = true;
    },
    lose(after) {
      fault.loseAfter = after;
    },
    slow(bytesPerSecond) {
      fault.bytesPerSecond = bytesPerSecond;
    },
    delay(ms) {
      fault.delayMs = ms;
    },
    heal() {
      Object.assign(fault, { delayMs: 0, bytesPerSecond: 0, loseAfter: -1 });
    },
    stop() {
      cut();
      server.close();
    },
  };
}
