// The NATS library's connect, guarded: nothing but our own writer reaches stdout or stderr, a server that breaks the protocol
// ends the connection at once and with the reason, and one that never comes to the login fills no memory.
import { connect as Connect } from "nats";
import { ProtocolHandler } from "nats/lib/nats-base-client/protocol.js";
import { safe, shorten } from "../text.ts";
import { Frames, type LineParser, LONGEST_LINE, type Receiver } from "./frames.ts";

/** What a server sends can't be read; the message says why. */
export class BrokenProtocol extends Error {}

/** What a server said first that is not what a NATS server says. */
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

/** Characters that are read, and shown, of what the library complains of, and shown of a greeting. */
const SHOWN = { most: 300, columns: 100, said: 60 } as const;

/** No message that is worth reading is larger, whatever a server says that it takes. */
const LARGEST = 256 << 20;

/** What is used of the inside of the library: what reads a connection, and its way to the server. */
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
  /** What came so far. */
  readonly yields: readonly Uint8Array[];
  /** Waits for the first line of the server, however long it is. */
  peekInfo(): Promise<unknown>;
}

/** Waits for the server's first line. @throws NoGreeting when it is not that of a NATS server, or has no end */
async function greeting(transport: Transport, peekInfo: () => Promise<unknown>): Promise<unknown> {
  const { socket, yields, options } = transport;
  // The library gives an attempt up by then, and leaves its socket open.
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

/** Reads a connection by frames.ts, from its first byte on. */
function guard(connection: Inside): void {
  const { transport } = connection;
  const { peekInfo } = transport;
  transport.peekInfo = () => greeting(transport, peekInfo);
  // No message comes before the login.
  const largest = () => (connection.connected ? LARGEST : LONGEST_LINE);
  const frames = new Frames(connection.parser, connection, largest);
  let isBroken = false;
  const parse = (bytes: Uint8Array) => {
    if (isBroken) return;
    try {
      frames.parse(bytes);
    } catch (error) {
      // The library would write it to stdout, and wait for ever.
      isBroken = true;
      const text = String((error as Error).message).slice(0, SHOWN.most);
      void connection._close(new BrokenProtocol(shorten(safe(text), SHOWN.columns)));
    }
  };
  connection.parser = { parse };
}

const inside = ProtocolHandler.prototype as unknown as Inside;
const { prepare } = inside;
inside.prepare = function (this: Inside) {
  const prepared = prepare.call(this);
  guard(this);
  return prepared;
};

/** The library's connect. @throws BrokenProtocol and NoGreeting as well */
export const connect: typeof Connect = (options) => {
  for (const method of ["log", "info", "warn", "error", "debug", "trace"] as const) console[method] = () => {};
  return Connect(options);
};
