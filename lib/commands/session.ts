// What a command runs in: the terminal, the format of the output, and a store, of a server or of files.
import type { ArgsDef } from "citty";
import { type Definition, defineCommand, type Tree } from "../cli/command.ts";
import { Timestamp } from "../codec/value.ts";
import { EXIT, Transient, UserError } from "../errors.ts";
import type { Reopenable } from "../jobs/follow.ts";
import type { NatsStore } from "../nats/store.ts";
import { oneOf } from "../nearest.ts";
import { readFrom } from "../program.ts";
import type { LiveStore, Store } from "../store.ts";
import { reportError, systemTerminal, type Terminal } from "../terminal/terminal.ts";
import { connecting, type GlobalArgs } from "./shared.ts";

const FORMATS = ["text", "json", "jsonl", "yaml", "csv", "openmetrics", "html", "markdown"] as const;
export type Format = (typeof FORMATS)[number];

export interface Surroundings {
  readonly terminal: Terminal;
  readonly format: Format;
  readonly isText: boolean;
  /** JSON Lines. */
  readonly isLines: boolean;
  /** CSV. */
  readonly isSheet: boolean;
  readonly isMetrics: boolean;
  readonly env: NodeJS.ProcessEnv;
}

export interface Session extends Surroundings {
  readonly store: Store;
}

/** What a signal that ends the process does first. */
export interface Interruption {
  /** Leaves the terminal as it was. */
  clear(): void;
  /** An error that says what was done; undefined while nothing was sent, and once all is reported. */
  words?: (() => string) | undefined;
}

export interface LiveSession extends Session, Reopenable {
  readonly store: LiveStore;
  /** The name of the context that the settings are from. */
  readonly context: string | undefined;
  readonly interruption: Interruption;
}

/** How long a command waits for jobs in all: --for. */
export interface WaitLimit {
  readonly ms: number;
  /** As typed. */
  readonly text: string;
  /** It was given by --timeout, which is then no setting of the connection. */
  readonly byTimeout: boolean;
}

interface Options {
  /** Its text is a screen, where the terminal can show one. */
  readonly isDrawn?: boolean | undefined;
  /** Flags that only some formats support, by name. */
  readonly only?: Readonly<Record<string, readonly Format[]>> | undefined;
  /** The server must not be silent for longer than that. */
  readonly waitLimit?: WaitLimit | undefined;
}

/** Ignores a default from the environment that the command does not support with these flags. */
function formatOf(flags: GlobalArgs, env: NodeJS.ProcessEnv, only: Options["only"] = {}): Format {
  const given = flags as Readonly<Record<string, unknown>>;
  const limits = Object.entries(only).filter(([flag]) => given[flag]);
  if (flags.format !== undefined) {
    const format = flags.format as Format; // which has been checked
    for (const [flag, able] of limits)
      if (!able.includes(format))
        throw new UserError(
          `--${flag} and --format ${format} cannot be used together.`,
          `Use --${flag} with one of: ${able.join(", ")}.`,
        );
    return format;
  }
  if (!env.ZESTER_FORMAT) return "text";
  const wish = oneOf(FORMATS, env.ZESTER_FORMAT, "$ZESTER_FORMAT", "format");
  return flags.formats.includes(wish) && limits.every(([, able]) => able.includes(wish)) ? wish : "text";
}

/** @throws UserError for a flag that the format does not support */
export function surroundings(flags: GlobalArgs, { isDrawn, only }: Options = {}): Surroundings {
  const { env } = process;
  const format = formatOf(flags, env, only);
  const terminal = systemTerminal({ color: flags.color, forceColor: flags["force-color"], isDrawnOn: isDrawn });
  if (flags.direct) terminal.note("--direct does nothing here: jobs are read from the server.");
  if (flags.test) terminal.note("--test does nothing here: nothing is changed.");
  return {
    terminal,
    format,
    isText: format === "text",
    isLines: format === "jsonl",
    isSheet: format === "csv",
    isMetrics: format === "openmetrics",
    env,
  };
}

/** @throws UserError for --from */
export function refuseFiles(flags: GlobalArgs): void {
  if (flags.from) throw new UserError("--from cannot be used here: this command needs a server.", "Omit --from.");
}

// 128 + the signal's number is what shells report; Ctrl-C has its own documented code.
const SIGNALS = { SIGINT: EXIT.interrupted, SIGTERM: 143, SIGHUP: 129 } as const;
// How long to wait for the server to drop our consumers; it does so by itself later. After an error the server may be
// silent, and has had its timeout already.
const GOODBYE_MS = { done: 500, failed: 50 };

/**
 * Runs `work` on the store of a server; its result is the exit code. The store is closed before the process ends, also by a
 * signal.
 */
export async function withSession(
  flags: GlobalArgs,
  work: (session: LiveSession) => Promise<number | undefined>,
  options: Options = {},
): Promise<number | undefined> {
  const { waitLimit } = options;
  const around = surroundings(flags, options);
  const { terminal, env } = around;
  refuseFiles(flags);
  if (waitLimit?.byTimeout) terminal.warn("--timeout limits the wait here; use --for.");
  const ofConnection = waitLimit?.byTimeout ? { ...flags, timeout: undefined } : flags;
  // Loaded here, and the connection below: help and usage errors need neither.
  const { resolveSettings } = await import("../settings/resolve.ts");
  const { settings: loaded, file } = await resolveSettings(ofConnection, env, terminal.warn, terminal.note);
  const settings = { ...loaded, timeoutMs: Math.min(loaded.timeoutMs, waitLimit?.ms ?? loaded.timeoutMs) };
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
  const interruption: Interruption = { clear() {} };
  for (const [signal, code] of Object.entries(SIGNALS)) {
    process.once(signal, () => {
      interruption.clear();
      if (interruption.words) reportError(interruption.words(), {});
      void goodbye(GOODBYE_MS.failed).finally(() => process.exit(code));
    });
  }
  const beganMs = Date.now();
  /** An error of the server or the way to it, after the time of --for. */
  const expired = (error: unknown): never => {
    if (!waitLimit || !(error instanceof Transient) || Date.now() - beganMs < waitLimit.ms) throw error;
    throw new UserError(
      `timed out after ${waitLimit.text}: ${error.message}`,
      "Wait longer with --for.",
      EXIT.timedOut,
    );
  };
  await open().catch(expired);
  let wait = GOODBYE_MS.failed;
  try {
    const working = work({
      ...around,
      get store() {
        return store as NatsStore;
      },
      get ending() {
        return ending;
      },
      context: file?.kind === "context" ? file.name : undefined,
      interruption,
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
      if (!ending) return expired(error);
      // The signal has closed the connection, and it decides the exit code.
      return new Promise<never>(() => {});
    });
    wait = GOODBYE_MS.done;
    return exitCode;
  } finally {
    await goodbye(wait);
  }
}

/** The same on a server, or on the files of --from, for which no setting counts. */
export async function withReading(
  flags: GlobalArgs,
  work: (session: Session) => Promise<number | undefined>,
  options: Options = {},
): Promise<number | undefined> {
  if (!flags.from) return withSession(flags, work, options);
  const around = surroundings(flags, options);
  const names = Object.keys(connecting) as (keyof typeof connecting)[];
  const other = names.find((name) => name !== "from" && name in flags && flags[name]);
  if (other)
    throw new UserError(
      `--from and --${other} cannot be used together.`,
      "Use one of them: --from reads files, not a server.",
    );
  readFrom(flags.from);
  const { openArchive } = await import("../archive/store.ts");
  const store = await openArchive(flags.from);
  around.terminal.note(
    `reading ${store.name}, exported ${Timestamp.at(store.nowNs())}: relative times start at the export time.`,
  );
  return work({ ...around, store });
}

/** A command that acts on jobs, or follows them; its result is the exit code, by default 0. */
export const liveCommand = <const T extends ArgsDef, R>({
  run,
  waitLimit,
  isDrawn,
  ...command
}: Definition<T, R> & {
  readonly run: (request: R, session: LiveSession) => Promise<number | undefined>;
  /** Bounds also how long the server may be silent. */
  readonly waitLimit?: (request: R) => WaitLimit | undefined;
  readonly isDrawn?: boolean;
}): Tree =>
  defineCommand({
    ...command,
    run: (request, flags: GlobalArgs) =>
      withSession(flags, (session) => run(request, session), { waitLimit: waitLimit?.(request), isDrawn }),
  });
