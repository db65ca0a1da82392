// What every job command starts with: settings, a connection, and an end that leaves nothing on the server.
import { openConnection } from "./connection.ts";
import { EXIT, UserError } from "./errors.ts";
import { nearest } from "./nearest.ts";
import { type ConnectionFlags, loadSettings } from "./settings.ts";
import { Store } from "./store.ts";
import { systemTerminal, type Terminal } from "./terminal.ts";
import { safe } from "./text.ts";

/** The flags that every command takes, as citty hands them over. */
export interface GlobalFlags extends ConnectionFlags {
  readonly format?: string | undefined;
  readonly color?: boolean | undefined;
  readonly "force-color"?: boolean | undefined;
}

export type Format = "text" | "json" | "yaml" | "jsonl";
const EVERYWHERE: readonly Format[] = ["text", "json", "yaml"];

/**
 * @param extra formats that only some commands know
 * @throws UserError that lists the formats
 */
export function parseFormat(text: string | undefined, extra: readonly Format[] = []): Format {
  const formats = [...EVERYWHERE, ...extra];
  const format = formats.find((name) => name === (text ?? "text"));
  if (format) return format;
  throw new UserError(
    `--format: "${safe(text ?? "")}" is not a format here.${nearest(text ?? "", formats)}`,
    `Formats: ${formats.join(", ")}.`,
  );
}

export interface Session {
  readonly store: Store;
  readonly terminal: Terminal;
  readonly format: Format;
}

// 128 + the signal's number is what shells report; Ctrl-C has its own documented code.
const SIGNALS = { SIGINT: EXIT.interrupted, SIGTERM: 143, SIGHUP: 129 } as const;
// How long to wait for the server to drop our consumers; it does so by itself later. After an error the server may be
// silent, and has had its timeout already.
const GOODBYE_MS = { done: 500, failed: 50 };

/**
 * Runs `work` on an open store. Whatever happens, also Ctrl-C, the store is closed before the process
 * ends. `extra` are formats that this command knows beside those that all do.
 */
export async function withSession(
  flags: GlobalFlags,
  work: (session: Session) => Promise<void>,
  extra: readonly Format[] = [],
): Promise<void> {
  const format = parseFormat(flags.format ?? (process.env.ZESTER_FORMAT || undefined), extra);
  const terminal = systemTerminal({
    ...(flags.color === false && { color: false }),
    ...(flags["force-color"] && { forceColor: true }),
  });
  const settings = await loadSettings(flags, process.env, terminal.warn);
  let store: Store | undefined;
  const goodbye = (ms: number) => Promise.race([store?.close(), new Promise((done) => setTimeout(done, ms))]);
  for (const [signal, code] of Object.entries(SIGNALS)) {
    process.once(signal, () => void goodbye(GOODBYE_MS.failed).finally(() => process.exit(code)));
  }
  store = new Store(await openConnection(settings, terminal.warn));
  let wait = GOODBYE_MS.failed;
  try {
    await work({ store, terminal, format });
    wait = GOODBYE_MS.done;
  } finally {
    await goodbye(wait);
  }
}
