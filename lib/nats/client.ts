// The NATS library's connect with three guards: only our own writer reaches stdout and stderr; a server that breaks the protocol
// ends the connection at once, with the reason; a server that sends without end before the login cannot fill the memory.
//
// The library has no option for the last two. `guard` gives a connection frames.ts as its reader; the library calls `prepare` before
// it reads, so that method of its prototype is wrapped, once, at the end of this file. Without `guard` all works, unguarded.
import { connect as Connect } from "nats";
import { ProtocolHandler } from "nats/lib/nats-base-client/protocol.js";
import { safe, shorten } from "../text.ts";
import { Frames, type LineParser, LONGEST_LINE, type Receiver } from "./frames.ts";

/** A server broke the protocol; the message says how. */
export class BrokenProtocol extends Error {}

/** The first line does not come from a NATS server; `said` is its beginning. */
export class NoGreeting extends Error {
  readonly said: string;

  constructor(bytes: Uint8Array) {
    super("unexpected response from server");
    const [line = ""] = Buffer.from(bytes.subarray(0, 2 * SHOWN.said))
      .toString()
      .split("\r\n");
    this.said = shorten(safe(line), SHOWN.said);
  }
}

/** Characters: read of a library error, shown of it, shown of a greeting. */
const SHOWN = { most: 300, columns: 100, said: 60 } as const;

/** The largest message to read, in bytes, whatever limit a server announces. */
const LARGEST = 256 << 20;

/** The private parts of the library that this file uses: a connection's reader, and its transport. */
interface Inside extends Receiver {
  readonly connected: boolean;
  readonly transport: Transport;
  parser: LineParser;
  prepare(): unknown;
  _close(reason: Error): Promise<void>;
}

interface Transport {
  readonly options: { readonly timeout?: number };
  readonly socket: import("node:net").Socket;
  /** The bytes received so far. */
  readonly yields: readonly Uint8Array[];
  peekInfo(): Promise<unknown>;
}

/** Waits for the server's first line. @throws NoGreeting when it is not that of a NATS server, or does not end */
async function greeting(transport: Transport, peekInfo: () => Promise<unknown>): Promise<unknown> {
  const { socket, yields, options } = transport;
  // After this time the library gives up, and leaves the socket open.
  socket.setTimeout(options.timeout ?? 0, () => socket.destroy());
  let bytes = 0;
  socket.on("data", (piece) => {
    bytes += piece.length;
    if (bytes > LONGEST_LINE) socket.destroy(new NoGreeting(Buffer.concat(yields)));
  });
  const info = await peekInfo.call(transport).catch((error) => {
    throw bytes > 0 && !socket.destroyed ? new NoGreeting(Buffer.concat(yields)) : error;
  });
  if (typeof info !== "object" || info === null || Array.isArray(info)) throw new NoGreeting(Buffer.concat(yields));
  return info;
}

function guard(connection: Inside): void {
  const { transport } = connection;
  const { peekInfo } = transport;
  transport.peekInfo = () => greeting(transport, peekInfo);
  // Before the login no message is expected.
  const largest = () => (connection.connected ? LARGEST : LONGEST_LINE);
  const frames = new Frames(connection.parser, connection, largest);
  let isBroken = false;
  const parse = (bytes: Uint8Array) => {
    if (isBroken) return;
    try {
      frames.parse(bytes);
    } catch (error) {
      // Otherwise the library writes it to stdout and waits forever.
      isBroken = true;
      const text = String((error as Error).message).slice(0, SHOWN.most);
      void connection._close(new BrokenProtocol(shorten(safe(text), SHOWN.columns)));
    }
  };
  connection.parser = { parse };
}

// The only place that changes the library.
const inside = ProtocolHandler.prototype as unknown as Inside;
const { prepare } = inside;
inside.prepare = function (this: Inside) {
  const prepared = prepare.call(this);
  guard(this);
  return prepared;
};

/** The library's connect. @throws also BrokenProtocol and NoGreeting */
export const connect: typeof Connect = (options) => {
  for (const method of ["log", "info", "warn", "error", "debug", "trace"] as const) console[method] = () => {};
  return Connect(options);
};
