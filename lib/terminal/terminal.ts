// The edge to the terminal: stdout, stderr, and what is known about them, decided once.
import { fstatSync, writeSync } from "node:fs";
import { paint, useColors } from "../colors.ts";
import { OutputClosed, UserError } from "../errors.ts";
import { namedMessage } from "../program.ts";
import { oneLine, paragraph, safe } from "../text.ts";
import { inForeground, onSuspend } from "./job-control.ts";

/** True for a file or a pipe: no terminal. */
function isFileOrPipe(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isFile() || stat.isFIFO();
  } catch {
    return false; // it may be closed
  }
}

/** `node:tty` brings the network modules, 3 ms: it is loaded only where a terminal can be. */
const isatty = (fd: number): boolean =>
  !isFileOrPipe(fd) && (require("node:tty") as typeof import("node:tty")).isatty(fd);

/** Standard output and error, and the terminal behind them. */
export interface Terminal {
  /** stdout is a terminal that a person looks at. */
  readonly isTty: boolean;
  /** Columns of that terminal; undefined when stdout is no terminal. */
  readonly columns: number | undefined;
  /** Lines of that terminal; undefined when stdout is no terminal. */
  readonly rows: number | undefined;
  readonly color: boolean;
  /** The locale's characters are those of UTF-8. */
  readonly utf8: boolean;
  /** It has a second screen, which gives back what was there before. */
  readonly hasScreens: boolean;
  /** The shell has not put this process into the background, where nothing may be drawn. */
  readonly inForeground: boolean;
  /** Calls `leave` before Ctrl-Z stops the process, and `back` when it continues. @returns what ends that */
  onSuspend(leave: () => void, back: () => void): () => void;
  /** Calls `redraw` whenever the terminal's size changed. */
  onResize(redraw: () => void): void;
  /** Writes data to stdout; complete when it returns. */
  write(text: string): void;
  /** The same for data that comes in many pieces: they are written in large ones. */
  writeAll(pieces: Iterable<string>): void;
  /** A warning, to stderr; control characters are escaped. */
  warn(message: string): void;
  /** A note about a command that succeeds, to stderr; control characters are escaped. */
  note(message: string): void;
  /** An error that does not end the command, to stderr as well. */
  error(message: string): void;
  /** One line about progress, to stderr, without a label; control characters are escaped. */
  say(line: string): void;
  /** Safe text for a person, to stderr as it is. False when it can't be written: that alone stops no command. */
  tell(text: string): boolean;
  /** True when stderr is a terminal. */
  readonly canTell: boolean;
  /** True when a person can answer: stdin and stderr are terminals. */
  readonly canAsk: boolean;
  /** Asks a person; true for y or yes. */
  ask(question: string): Promise<boolean>;
}

/**
 * Writes all of `text` to the file descriptor. Synchronous, because Bun's stream for stdout costs 5 ms to set up and
 * loses what is queued when the process exits.
 * @throws OutputClosed when the reader went away, UserError for any other reason (a full disk)
 */
export function writeAll(fd: number, text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at, Math.min(bytes.length - at, 1 << 20));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "EAGAIN")
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2); // a pause of 2 ms
      else if (code === "EPIPE") throw new OutputClosed();
      else if (code !== "EINTR") {
        throw new UserError(
          `cannot write the output: ${code ?? error}`,
          "Check the disk, or the file that stdout goes to.",
        );
      }
    }
  }
}

/** Columns of the terminal that stderr is; undefined when it is none. */
const errorColumns = (): number | undefined => (isatty(2) ? process.stderr.columns || 80 : undefined);

/** What stands before a message, and its colour; consola calls a note "info". */
const LABELS = { info: ["note:", "active"], warn: ["warning:", "attention"], error: ["error:", "bad"] } as const;

/**
 * A message to stderr, through consola; when it can't be written, there is no other place for it. consola is loaded on the
 * first message, since most calls have none, and its reporter is ours, since its own loses what is queued at exit.
 */
function message(level: keyof typeof LABELS, text: string, color: boolean): void {
  const { createConsola } = require("consola/core") as typeof import("consola/core");
  const reporter = {
    log: ({ args }: { args: unknown[] }) => {
      const [label, meaning] = LABELS[level];
      const columns = errorColumns();
      const lines = `${label} ${namedMessage(args.join(" "))}`
        .split("\n")
        .map((line) => paragraph(safe(line), columns));
      const text = lines.join("").slice(label.length);
      writeStderr(`${color ? paint(meaning, label) : label}${text}`);
    },
  };
  createConsola({ reporters: [reporter], throttle: 0 })[level](text);
}

/** Characters that are written at once. */
const CHUNK = 256 << 10;

async function askPerson(question: string): Promise<boolean> {
  const { createInterface } = await import("node:readline/promises");
  // Without line editing the terminal keeps its settings, and Ctrl-C stays a signal.
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
  const closed = new Promise<undefined>((done) => lines.once("close", () => done(undefined)));
  const text = `${paragraph(question.trim(), errorColumns()).trim()} `;
  // What the shell wrote meanwhile stands between the question and the answer.
  const off = onSuspend(undefined, () => void (inForeground() && writeStderr(text)));
  const answer = await Promise.race([lines.question(text), closed]);
  off();
  lines.close();
  if (answer !== undefined) return /^y(es)?$/i.test(answer.trim());
  writeStderr("\n"); // the end of input leaves the cursor behind the question
  return false;
}

/** `true`, `false` or undefined (left open) from the flags and variables about colour, strongest first. */
function colorWish(flags: TerminalFlags, env: NodeJS.ProcessEnv): boolean | undefined {
  if (flags.color === false) return false;
  if (flags.forceColor) return true;
  if (env.NO_COLOR || env.TERM === "dumb") return false;
  return env.FORCE_COLOR ? !/^(0|false)$/i.test(env.FORCE_COLOR) : undefined;
}

/** True where the locale says so; Windows and macOS have no other. */
function isUtf8({ LC_ALL, LC_CTYPE, LANG }: NodeJS.ProcessEnv): boolean {
  return process.platform !== "linux" || /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || "");
}

function writeStderr(text: string): boolean {
  try {
    writeAll(2, text);
    return true;
  } catch {
    return false;
  }
}

/** Terminals whose names say that they have no colours. */
const PLAIN = /^vt\d/;
/** Those that have one screen only. */
const ONE_SCREEN = /^(vt\d|linux|ansi|con\d|cons)/;
/** Those that have 256 colours. */
const MANY_COLORS = /256|direct|truecolor|24bit|kitty|alacritty|foot|ghostty|wezterm/;

/** True where the terminal has 256 colours; what has no name speaks against nothing. */
const hasManyColors = ({ TERM, COLORTERM = "" }: NodeJS.ProcessEnv) =>
  !TERM || process.platform === "win32" || MANY_COLORS.test(`${TERM} ${COLORTERM}`);

/** What flags say of a terminal; `isDrawnOn`: pictures that change. */
interface TerminalFlags {
  readonly color?: boolean | undefined;
  readonly forceColor?: boolean | undefined;
  readonly isDrawnOn?: boolean | undefined;
}

/**
 * The terminal of this process. For pictures, one on which they cannot be drawn is none: they are lines then, as in a pipe.
 * `flags` are `--no-color` (`color: false`) and `--force-color`.
 */
export function systemTerminal(flags: TerminalFlags): Terminal {
  const { env } = process;
  const isTty = isatty(1) && (!flags.isDrawnOn || (env.TERM !== "dumb" && isatty(0) && inForeground()));
  const wish = colorWish(flags, env);
  const isPlain = PLAIN.test(env.TERM ?? "");
  useColors(hasManyColors(env) ? 256 : 8);
  return {
    isTty,
    get columns() {
      return isTty ? process.stdout.columns || 80 : undefined;
    },
    get rows() {
      return isTty ? process.stdout.rows || 24 : undefined;
    },
    hasScreens: !ONE_SCREEN.test(env.TERM ?? ""),
    get inForeground() {
      return inForeground();
    },
    onSuspend,
    onResize: (redraw) => void (isTty && process.stdout.on("resize", redraw)),
    color: wish ?? (isTty && !isPlain),
    utf8: isUtf8(env),
    write: (text) => writeAll(1, text),
    writeAll: (pieces) => {
      let chunk = "";
      for (const piece of pieces) {
        chunk += piece;
        if (chunk.length < CHUNK) continue;
        writeAll(1, chunk);
        chunk = "";
      }
      if (chunk) writeAll(1, chunk);
    },
    warn: (text) => message("warn", oneLine(text), wish ?? (isatty(2) && !isPlain)),
    note: (text) => message("info", oneLine(text), wish ?? (isatty(2) && !isPlain)),
    error: (text) => message("error", oneLine(text), wish ?? (isatty(2) && !isPlain)),
    say: (line) => void writeStderr(paragraph(oneLine(line), errorColumns())),
    tell: writeStderr,
    canTell: isatty(2) && env.TERM !== "dumb",
    canAsk: isatty(0) && isatty(2),
    ask: askPerson,
  };
}

/**
 * The same terminal for a command that has more to do than to write: once a write to stdout fails, `failed` is told why,
 * and what comes later is not written. What `failed` throws, the write throws.
 */
export function enduring(terminal: Terminal, failed: (error: unknown) => void): Terminal {
  let open = true;
  const attempt = (write: () => void) => {
    if (!open) return;
    try {
      write();
    } catch (error) {
      open = false;
      failed(error);
    }
  };
  const { write, writeAll } = terminal;
  return Object.assign(Object.create(terminal) as Terminal, {
    write: (text: string) => attempt(() => write(text)),
    writeAll: (pieces: Iterable<string>) => attempt(() => writeAll(pieces)),
  });
}

/**
 * The same terminal for a command whose exit code is an answer of its own: when the reader of stdout goes away, the
 * command goes on to its end.
 */
export function withoutReader(terminal: Terminal): Terminal {
  return enduring(terminal, (error) => {
    if (!(error instanceof OutputClosed)) throw error;
  });
}

/** An error, to stderr. Takes flags, not a terminal: it must work before anything else does. */
export function reportError(text: string, flags: TerminalFlags): void {
  const { env } = process;
  useColors(hasManyColors(env) ? 256 : 8);
  message("error", text, colorWish(flags, env) ?? (isatty(2) && !PLAIN.test(env.TERM ?? "")));
}
