// How the NATS library reaches a server: over Bun's own sockets. The library's transport for Node needs the network modules
// of Node, which take longer to load than the answer to a small list; it does what needs TLS, and is loaded only for that.
import type { ConnectionOptions, Server } from "nats/lib/nats-base-client/core.js";
import { setTransportFactory, type Transport } from "nats/lib/nats-base-client/transport.js";
import { version } from "nats/package.json" with { type: "json" };
import { safe, shorten } from "../text.ts";

/** What is asked of the library's own transport beside what its type tells. */
type NodeTransport = Transport & { readonly socket?: { getProtocol?(): string | null } };

/** Characters of what a server said that are kept for a message. */
const SAID = 60;

/** What a server said first that is not what a NATS server says. */
export class NoGreeting extends Error {
  readonly said: string;

  constructor(line: string) {
    super("unexpected response from server");
    this.said = shorten(safe(line.slice(0, 2 * SAID)), SAID);
  }
}

/** The fields of a server's first line; undefined when that is no greeting. */
function greetingOf(line: string): Record<string, unknown> | undefined {
  const info = /^INFO\s+(.+)$/i.exec(line)?.[1];
  if (info === undefined) return undefined;
  try {
    const fields = JSON.parse(info);
    return typeof fields === "object" && fields !== null && !Array.isArray(fields) ? fields : undefined;
  } catch {
    return undefined;
  }
}

/** One connection; the library makes another for each attempt. */
class SocketTransport implements Transport {
  readonly lang = "nats.js";
  readonly version = version;
  /** What does the work where TLS is needed. */
  #tls: NodeTransport | undefined;
  #socket: Bun.Socket | undefined;
  #connected = false;
  #done = false;
  #error: Error | undefined;
  /** What came and was not taken yet. */
  #frames: Uint8Array[] = [];
  #wake = () => {};
  /** What the system did not take yet. */
  #unsent: Uint8Array[] = [];
  readonly #ended = Promise.withResolvers<undefined | Error>();

  get isClosed(): boolean {
    return this.#tls?.isClosed ?? this.#done;
  }

  get closeError(): Error | undefined {
    return this.#tls?.closeError ?? this.#error;
  }

  get socket(): NodeTransport["socket"] {
    return this.#tls?.socket;
  }

  /** @throws what the system says, with its code, or what the library's transport throws */
  async connect(server: Server, options: ConnectionOptions): Promise<void> {
    if (options.tls || !(await this.#connectPlain(server))) await this.#connectTls(server, options);
  }

  /** False when the server wants TLS, or offers it: nothing was sent then. */
  async #connectPlain({ hostname, port }: Server): Promise<boolean> {
    const greeted = Promise.withResolvers<void>();
    greeted.promise.catch(() => {}); // it may fail before it is waited for
    const socket = await Bun.connect({
      hostname: hostname.replace(/^\[|\]$/g, ""),
      port,
      socket: {
        data: (_, frame) => {
          // Not as a Buffer, whose `slice` is no copy: a value that is kept would keep all that came with it.
          this.#frames.push(new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength));
          if (this.#connected) this.#wake();
          else if (frame.includes(10)) greeted.resolve();
        },
        drain: () => this.#flush(),
        error: (_, error) => {
          this.#error = error;
        },
        close: () => {
          greeted.reject(this.#error ?? new Error(""));
          this.#close();
        },
      },
    });
    this.#socket = socket;
    if (this.#done) socket.terminate(); // the library gave this attempt up before it came about
    socket.setNoDelay(true);
    await greeted.promise;
    const [line = ""] = Buffer.concat(this.#frames).toString().split("\r\n");
    const info = greetingOf(line);
    if (info === undefined) {
      socket.terminate();
      throw new NoGreeting(line);
    }
    const { tls_required, tls_available } = info;
    if (tls_required || tls_available) {
      socket.terminate();
      return false;
    }
    this.#connected = true;
    return true;
  }

  async #connectTls(server: Server, options: ConnectionOptions): Promise<void> {
    const { NodeTransport } = await import("nats/lib/src/node_transport.js");
    this.#tls = new NodeTransport() as unknown as NodeTransport;
    void this.#tls.closed().then((error) => this.#ended.resolve(error as undefined | Error));
    await this.#tls.connect(server, options);
  }

  async *[Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array> {
    if (this.#tls) return yield* this.#tls;
    while (!this.#done) {
      const frames = this.#frames;
      this.#frames = [];
      yield* frames;
      if (this.#frames.length > 0) continue;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  isEncrypted(): boolean {
    return this.#tls?.isEncrypted() ?? false;
  }

  send(frame: Uint8Array): void {
    if (this.#tls) this.#tls.send(frame);
    else if (!this.#done && this.#unsent.push(frame) === 1) this.#flush();
  }

  #flush(): void {
    for (let frame = this.#unsent[0]; frame; frame = this.#unsent[0]) {
      const sent = this.#socket?.write(frame) ?? 0;
      if (sent < frame.length) {
        this.#unsent[0] = frame.subarray(Math.max(0, sent));
        return;
      }
      this.#unsent.shift();
    }
  }

  async close(error?: Error): Promise<void> {
    if (this.#tls) return this.#tls.close(error);
    this.#error = error;
    this.#socket?.end();
    this.#close();
  }

  disconnect(): void {
    if (this.#tls) this.#tls.disconnect();
    else void this.close();
  }

  #close(): void {
    if (this.#done) return;
    this.#done = true;
    this.#wake();
    if (this.#connected) this.#ended.resolve(this.#error);
  }

  /** Asked for before `connect`; stays open when that fails. */
  closed(): Promise<undefined | Error> {
    return this.#ended.promise;
  }

  discard(): void {} // nothing holds the server back here
}

setTransportFactory({ factory: () => new SocketTransport() });
