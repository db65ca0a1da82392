// What every job command starts with: settings, a connection, and an end that leaves nothing on the server.

import { parseDuration } from "../duration.ts";
import { EXIT, type UserError } from "../errors.ts";
import type { Reopenable } from "../jobs/follow.ts";
import { openConnection } from "../nats/connect.ts";
import { Store } from "../nats/store.ts";
import { loadSettings } from "../settings/resolve.ts";
import type { Terminal } from "../terminal/terminal.ts";
import type { GlobalArgs } from "./flags.ts";
import { type Format, surroundings } from "./surroundings.ts";

export interface Session extends Reopenable {
  readonly terminal: Terminal;
  readonly format: Format;
}

// 128 + the signal's number is what shells report; Ctrl-C has its own documented code.
const SIGNALS = { SIGINT: EXIT.interrupted, SIGTERM: 143, SIGHUP: 129 } as const;
// How long to wait for the server to drop our consumers; it does so by itself later. After an error the server may be
// silent, and has had its timeout already.
const GOODBYE_MS = { done: 500, failed: 50 };

/** What only some commands need. */
export interface SessionOptions {
  /** The formats that the command knows; text, json and yaml when not given. */
  readonly formats?: readonly Format[];
  /** The most that the server may stay silent, in ms, whatever the settings say. */
  readonly limitMs?: number | undefined;
  /** Called when a signal ends the process: the place to leave the terminal as it was. */
  readonly onSignal?: () => void;
}

/**
 * Runs `work` on an open store; its result is the command's exit code, none means 0. Whatever happens, also Ctrl-C, the
 * store is closed before the process ends.
 */
export async function withSession(
  flags: GlobalArgs,
  work: (session: Session) => Promise<number | undefined>,
  { formats, limitMs, onSignal }: SessionOptions = {},
): Promise<number | undefined> {
  const { terminal, format, env } = surroundings(flags, formats);
  const loaded = await loadSettings(flags, env, terminal.warn);
  const settings = { ...loaded, timeoutMs: Math.min(loaded.timeoutMs, limitMs ?? loaded.timeoutMs) };
  let store: Store | undefined;
  const open = async () => {
    store = new Store(await openConnection(settings, terminal.warn), store);
  };
  let ending = false;
  const goodbye = (ms: number) => {
    ending = true;
    return Promise.race([store?.close(), new Promise((done) => setTimeout(done, ms))]);
  };
  for (const [signal, code] of Object.entries(SIGNALS)) {
    process.once(signal, () => {
      onSignal?.();
      void goodbye(GOODBYE_MS.failed).finally(() => process.exit(code));
    });
  }
  await open();
  let wait = GOODBYE_MS.failed;
  try {
    const exitCode = await work({
      get store() {
        return store as Store;
      },
      get ending() {
        return ending;
      },
      terminal,
      format,
      async reopen() {
        void store?.connection.nc.close().catch(() => {});
        await open();
      },
    });
    wait = GOODBYE_MS.done;
    return exitCode;
  } finally {
    await goodbye(wait);
  }
}

/** The limit of the whole wait in ms, and the flags without it: how long the server may stay silent is not its matter. */
export function waitLimit<T extends GlobalArgs>(flags: T): { limitMs: number | undefined; rest: T } {
  const limitMs = flags.timeout === undefined ? undefined : parseDuration(flags.timeout, "--timeout");
  return { limitMs, rest: { ...flags, timeout: undefined } };
}

/** What `work` gives. @throws what `missed` makes, when that takes longer than `ms`; undefined: as long as it takes */
export async function within<T>(
  ms: number | undefined,
  work: Promise<T>,
  missed: () => UserError,
): Promise<T> {
  if (ms === undefined) return work;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(missed()), ms);
  });
  // What is under way fails when the connection closes; by then that is no failure of the command.
  work.catch(() => {});
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
