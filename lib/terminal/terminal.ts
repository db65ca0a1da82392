// stdout, stderr, and the properties of the terminal, decided once.
import { edenGC } from "bun:jsc";
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
    return false; // closed
  }
}

/** `node:tty` loads the network modules (3 ms), which a file or a pipe does not need. */
const isatty = (fd: number): boolean =>
  !isFileOrPipe(fd) && (require("node:tty") as typeof import("node:tty")).isatty(fd);

/**
 * Writes all of `text` to the file descriptor. Synchronous, because Bun's stream for stdout costs 5 ms to set up and
 * loses queued text when the process exits.
 * @throws OutputClosed when the reader closed it, UserError for any other reason (a full disk)
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

/** The label of a message, and its color; consola calls a note "info". */
const LABELS = { info: ["note:", "active"], warn: ["warning:", "attention"], error: ["error:", "bad"] } as const;

/**
 * Writes a message to stderr, through consola. It is loaded on the first message, since most calls have none, and has our own
 * reporter, since its own loses queued text at exit.
 */
function message(level: keyof typeof LABELS, text: string, flags: TerminalFlags): void {
  const { createConsola } = require("consola/core") as typeof import("consola/core");
  const reporter = {
    log: ({ args }: { args: unknown[] }) => {
      const [label, meaning] = LABELS[level];
      const columns = errorColumns();
      const lines = `${label} ${namedMessage(args.join(" "))}`
        .split("\n")
        .map((line) => paragraph(safe(line), columns));
      const text = lines.join("").slice(label.length);
      const color = colorWish(flags, process.env) ?? (isatty(2) && !PLAIN.test(process.env.TERM ?? ""));
      writeStderr(`${color ? paint(meaning, label) : label}${text}`);
    },
  };
  createConsola({ reporters: [reporter], throttle: 0 })[level](text);
}

/** Characters per write. */
const CHUNK = 256 << 10;
/** Chunks between two garbage collections: what was made for a chunk is garbage when it is written. */
const SWEPT_CHUNKS = 3;

/** Asks a person; true for y or yes. */
async function ask(question: string): Promise<boolean> {
  const { createInterface } = await import("node:readline/promises");
  // Without line editing the terminal keeps its settings, and Ctrl-C stays a signal.
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
  const closed = new Promise<undefined>((done) => lines.once("close", () => done(undefined)));
  const text = `${paragraph(question.trim(), errorColumns()).trim()} `;
  // The shell may have written after the question.
  const off = onSuspend(undefined, () => void (inForeground() && writeStderr(text)));
  const answer = await Promise.race([lines.question(text), closed]);
  off();
  lines.close();
  if (answer !== undefined) return /^y(es)?$/i.test(answer.trim());
  writeStderr("\n"); // the end of input leaves the cursor after the question
  return false;
}

/** Whether flags and variables ask for color; undefined if none does. */
function colorWish(flags: TerminalFlags, env: NodeJS.ProcessEnv): boolean | undefined {
  if (flags.color === false) return false;
  if (flags.forceColor) return true;
  if (env.NO_COLOR || env.TERM === "dumb") return false;
  return env.FORCE_COLOR ? !/^(0|false)$/i.test(env.FORCE_COLOR) : undefined;
}

/** Windows and macOS always use UTF-8. */
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

/** Terminals without colors. */
const PLAIN = /^vt\d/;
/** Terminals without an alternate screen. */
const ONE_SCREEN = /^(vt\d|linux|ansi|con\d|cons)/;
const MANY_COLORS = /256|direct|truecolor|24bit|kitty|alacritty|foot|ghostty|wezterm/;

/** True when the terminal has 256 colors. One without a name counts as such. */
const hasManyColors = ({ TERM, COLORTERM = "" }: NodeJS.ProcessEnv) =>
  !TERM || process.platform === "win32" || MANY_COLORS.test(`${TERM} ${COLORTERM}`);

interface TerminalFlags {
  /** False for `--no-color`. */
  readonly color?: boolean | undefined;
  readonly forceColor?: boolean | undefined;
  /** The command draws a screen: stdout counts as a terminal only where that is possible. */
  readonly isDrawnOn?: boolean | undefined;
}

export type Terminal = ReturnType<typeof systemTerminal>;

/** The terminal of this process. Control characters in messages are escaped. */
export function systemTerminal(flags: TerminalFlags) {
  const { env } = process;
  const isTty = isatty(1) && (!flags.isDrawnOn || (env.TERM !== "dumb" && isatty(0) && inForeground()));
  useColors(hasManyColors(env) ? 256 : 8);
  return {
    /** stdout is a terminal. */
    isTty,
    /** Undefined when stdout is not a terminal, as `rows`. */
    get columns(): number | undefined {
      return isTty ? process.stdout.columns || 80 : undefined;
    },
    get rows(): number | undefined {
      return isTty ? process.stdout.rows || 24 : undefined;
    },
    /** Of stderr; undefined when it is no terminal. */
    get errorColumns(): number | undefined {
      return errorColumns();
    },
    /** It has an alternate screen. */
    hasScreens: !ONE_SCREEN.test(env.TERM ?? ""),
    get inForeground() {
      return inForeground();
    },
    onSuspend,
    /** Calls `redraw` when the size of the terminal changes. */
    onResize: (redraw: () => void) => void (isTty && process.stdout.on("resize", redraw)),
    color: colorWish(flags, env) ?? (isTty && !PLAIN.test(env.TERM ?? "")),
    utf8: isUtf8(env),
    /** Writes to stdout; complete when it returns. */
    write: (text: string) => writeAll(1, text),
    /** As `write`, for many small pieces. */
    writeAll: (pieces: Iterable<string>) => {
      let chunk = "";
      let chunks = 0;
      for (const piece of pieces) {
        chunk += piece;
        if (chunk.length < CHUNK) continue;
        writeAll(1, chunk);
        chunk = "";
        if (++chunks % SWEPT_CHUNKS === 0) edenGC();
      }
      if (chunk) writeAll(1, chunk);
    },
    warn: (text: string) => message("warn", oneLine(text), flags),
    /** A note about a command that succeeds. */
    note: (text: string) => message("info", oneLine(text), flags),
    /** An error that does not end the command. */
    error: (text: string) => message("error", oneLine(text), flags),
    /** One line about progress, without a label. */
    say(line: string): void {
      writeStderr(paragraph(oneLine(line), errorColumns()));
    },
    /** Writes safe text to stderr. @returns false when that fails, which stops no command */
    tell: writeStderr,
    /** stderr is a terminal. */
    canTell: isatty(2) && env.TERM !== "dumb",
    /** A person can answer: stdin and stderr are terminals. */
    canAsk: isatty(0) && isatty(2),
    ask,
  };
}

/** The same terminal for a command that continues when a write to stdout fails, after calling `failed`, which may throw. */
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

/** The same terminal for a command whose exit code is an answer: it continues when the reader of stdout closes it. */
export function withoutReader(terminal: Terminal): Terminal {
  return enduring(terminal, (error) => {
    if (!(error instanceof OutputClosed)) throw error;
  });
}

/** Writes an error to stderr. Takes flags, not a terminal: it must work before anything else does. */
export function reportError(text: string, flags: TerminalFlags): void {
  useColors(hasManyColors(process.env) ? 256 : 8);
  message("error", text, flags);
}
