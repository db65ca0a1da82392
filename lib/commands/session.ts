// What every job command starts with: settings, a connection, and an end that leaves nothing on the server.

import { Timestamp } from "../codec/value.ts";
import { EXIT, UserError } from "../errors.ts";
import type { Reopenable } from "../jobs/follow.ts";
import type { NatsStore } from "../nats/store.ts";
import type { LiveStore, Store } from "../store.ts";
import type { Terminal } from "../terminal/terminal.ts";
import type { Limit } from "./limit.ts";
import { connecting, type GlobalArgs } from "./shared.ts";
import { type Format, type Formats, refuseFiles, surroundings } from "./surroundings.ts";

export interface Session {
  readonly store: Store;
  readonly terminal: Terminal;
  readonly format: Format;
  readonly env: NodeJS.ProcessEnv;
}

export interface LiveSession extends Session, Reopenable {
  readonly store: LiveStore;
  /** The name of the context that the settings are from; undefined for none. */
  readonly context: string | undefined;
}

export type Output = Pick<Session, "terminal" | "format">;

// 128 + the signal's number is what shells report; Ctrl-C has its own documented code.
const SIGNALS = { SIGINT: EXIT.interrupted, SIGTERM: 143, SIGHUP: 129 } as const;
// How long to wait for the server to drop our consumers; it does so by itself later. After an error the server may be
// silent, and has had its timeout already.
const GOODBYE_MS = { done: 500, failed: 50 };

export interface SessionOptions extends Formats {
  /** The most that the command waits: the server may not stay silent for longer than that, whatever the settings say. */
  readonly limit?: Limit | undefined;
  /** Called when a signal ends the process: the place to leave the terminal as it was. */
  readonly onSignal?: () => void;
}

/**
 * Runs `work` on an open store; its result is the command's exit code, none means 0. Whatever happens, also Ctrl-C, the
 * store is closed before the process ends.
 */
export async function withSession(
  flags: GlobalArgs,
  work: (session: LiveSession) => Promise<number | undefined>,
  { limit, onSignal, ...formats }: SessionOptions = {},
): Promise<number | undefined> {
  const { terminal, format, env } = surroundings(flags, formats);
  refuseFiles(flags);
  if (limit?.note !== undefined) terminal.warn(limit.note);
  // With a note the limit was given by --timeout, which is then no setting of the connection.
  const ofConnection = limit?.note === undefined ? flags : { ...flags, timeout: undefined };
  // Loaded here, and the connection below: help and usage errors need neither.
  const { resolveSettings } = await import("../settings/resolve.ts");
  const { settings: loaded, file } = await resolveSettings(ofConnection, env, terminal.warn, terminal.note);
  const settings = { ...loaded, timeoutMs: Math.min(loaded.timeoutMs, limit?.ms ?? loaded.timeoutMs) };
  let store: NatsStore | undefined;
  const open = async () => {
    const [{ openConnection }, { NatsStore }] = await Promise.all([
      import("../nats/connect.ts"),
      import("../nats/store.ts"),
    ]);
    store = new NatsStore(await openConnection(settings, terminal.warn, store?.connection), store);
  };
  let reopening: Promise<void> | undefined;
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
    const working = work({
      get store() {
        return store as NatsStore;
      },
      get ending() {
        return ending;
      },
      terminal,
      format,
      env,
      context: file?.kind === "context" ? file.name : undefined,
      reopen() {
        if (reopening) return reopening;
        void store?.connection.nc.close().catch(() => {});
        reopening = open().finally(() => {
          reopening = undefined;
        });
        return reopening;
      },
    });
    const exitCode = await working.catch((error) => {
      if (!ending) throw error;
      // The connection is closed under it: the signal is why the command ends, and says with which code.
      return new Promise<never>(() => {});
    });
    wait = GOODBYE_MS.done;
    return exitCode;
  } finally {
    await goodbye(wait);
  }
}

/** The same on a server, or on the files of --from: nothing of the settings counts there. */
export async function withReading(
  flags: GlobalArgs,
  work: (session: Session) => Promise<number | undefined>,
  formats: Formats = {},
): Promise<number | undefined> {
  if (!flags.from) return withSession(flags, work, formats);
  const session = surroundings(flags, formats);
  const other = Object.keys(connecting).find((name) => name !== "from" && name in flags && flags[name as "master"]);
  if (other)
    throw new UserError(
      `--from and --${other} cannot be used together.`,
      "Use one of them: --from reads files, not a server.",
    );
  const { openArchive } = await import("../archive/store.ts");
  const store = await openArchive(flags.from);
  session.terminal.note(
    `reading ${store.name}, exported ${Timestamp.at(store.nowNs())}: relative times start at the export time.`,
  );
  return work({ ...session, store });
}
