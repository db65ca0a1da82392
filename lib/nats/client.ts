// The NATS library's connect, and what the library would print. It writes to stdout when it can't go on, with a stack trace
// and the bytes that the server sent; nothing but our own writer may do that.
import type { connect as Connect, NatsConnection } from "nats";
// Not the whole package: the parts that nothing here uses take longer to load than the rest.
import { NatsConnectionImpl } from "nats/lib/nats-base-client/nats.js";
import { safe, shorten } from "../text.ts";
import { Frames, type LineParser, type Parser, type Receiver } from "./frames.ts";
import "./transport.ts";

/** The library can't read what the server sends; the message says what it choked on. */
export class BrokenProtocol extends Error {}

const SHOWN = { most: 300, columns: 100 } as const;

const listeners = new Set<(why: BrokenProtocol) => void>();
/** What the library last complained of since the newest connection was begun. */
let complaint: BrokenProtocol | undefined;
let silenced = false;

/** What stands in for each method of `console`. A complaint comes with the error that ended the library's reading. */
function collect(...words: unknown[]): void {
  const error = words.find((word) => word instanceof Error);
  if (!(error instanceof Error)) return;
  complaint = new BrokenProtocol(shorten(safe(error.message.slice(0, SHOWN.most)), SHOWN.columns));
  for (const listener of [...listeners]) listener(complaint);
}

/** Takes `console` away from all code of this process. What Bun writes when it crashes does not go through it. */
function silence(): void {
  if (silenced) return;
  silenced = true;
  const methods = console as unknown as Record<string, unknown>;
  // By their names: a look at what they are would make the streams among them, which takes 15 ms.
  for (const name of Object.getOwnPropertyNames(methods)) methods[name] = collect;
}

/**
 * Calls `listener` when the library can't read on, now or earlier on the newest connection: it then hears nothing any
 * more, and does not say so. The result ends that.
 */
export function onBrokenProtocol(listener: (why: BrokenProtocol) => void): () => void {
  listeners.add(listener);
  if (complaint) listener(complaint);
  return () => void listeners.delete(listener);
}

/** What may come beside a value, in bytes: its headers, or the server's own answers, which list up to 100,000 subjects. */
const BESIDE = 32 << 20;
/** No value that is worth reading is larger, whatever a server says that it takes. */
const LARGEST = 256 << 20;

/** Reads what comes by frames.ts, which keeps a server from filling the memory. */
function readByFrames(nc: NatsConnection): void {
  const { protocol } = nc as unknown as { protocol?: Receiver & { parser: Parser } };
  if (!protocol) return;
  const largest = Math.min(nc.info?.max_payload ?? 0, LARGEST) + BESIDE;
  protocol.parser = new Frames(protocol.parser as LineParser, protocol, largest);
}

/** The library's connect, on which a server that breaks the protocol fails at once. @throws BrokenProtocol as well */
export const connect: typeof Connect = async (options) => {
  silence();
  complaint = undefined;
  const broken = Promise.withResolvers<never>();
  const stop = onBrokenProtocol(broken.reject);
  const opening = NatsConnectionImpl.connect(options);
  try {
    const nc = await Promise.race([opening, broken.promise]);
    readByFrames(nc);
    return nc;
  } catch (error) {
    // Should it come about all the same, it would stay open.
    if (error instanceof BrokenProtocol)
      opening.then(
        (nc) => nc.close(),
        () => {},
      );
    throw error;
  } finally {
    stop();
  }
};
