// Lines on stderr for a person who waits: how far a long read is, and what a command waits for.
import { bar, count, cut, safe } from "../text.ts";
import type { Terminal } from "./terminal.ts";

/** A read that takes less than this, in ms, shows no progress. */
const QUIET_MS = 500;
const REDRAW_MS = 100;
/** The clock is read once per this many entries. */
const EVERY = 512;
const PROGRESS_COLUMNS = 20;

/** A bar until the end, if stderr is a terminal. `of` names what is counted, as a plural. */
export function progressOn(terminal: Terminal, of = "jobs") {
  const status = statusOn(terminal);
  let total = 0;
  let seen = 0;
  let drawn = Date.now() + QUIET_MS - REDRAW_MS;
  return {
    begin(entries: number, come = 0) {
      total = entries;
      seen = come;
    },
    step() {
      if (++seen % EVERY !== 0 || Date.now() - drawn < REDRAW_MS) return;
      drawn = Date.now();
      const part = bar(seen, total, PROGRESS_COLUMNS, terminal.utf8);
      status.set(`${part} ${count(seen)} of ${count(Math.max(seen, total))} ${of}`);
    },
    end: status.end,
    /** Warns above the bar. */
    warn: status.terminal.warn,
  };
}

/** For a read of returns, which may warn. */
export function returnsProgress(terminal: Terminal) {
  const progress = progressOn(terminal, "returns");
  return { progress, warn: progress.warn };
}

/** A line on stderr that changes in place. */
export interface Status {
  /** The terminal for everything else: its messages on stderr appear above the line. */
  readonly terminal: Terminal;
  /** `text` may come from records. */
  set(text: string): void;
  end(): void;
}

/** Writes nothing when stderr is not a terminal. */
export function statusOn(terminal: Terminal): Status {
  if (!terminal.canTell) return { terminal, set() {}, end() {} };
  let shown = "";
  let over = false;
  const draw = (text: string) => {
    if (text === shown || !terminal.inForeground) return;
    terminal.tell(`\r\x1b[K${text}`);
    shown = text;
  };
  const above =
    (write: (text: string) => void) =>
    (text: string): void => {
      const line = shown;
      draw("");
      write(text);
      draw(line);
    };
  const { warn, note, error, say } = terminal;
  const off = terminal.onSuspend(
    () => draw(""),
    () => {},
  );
  return {
    terminal: Object.assign(Object.create(terminal) as Terminal, {
      warn: above(warn),
      note: above(note),
      error: above(error),
      say: above(say),
    }),
    set: (text) => void (over || draw(cut(safe(text), (terminal.errorColumns ?? 80) - 1))),
    end() {
      draw("");
      off();
      over = true;
    },
  };
}
