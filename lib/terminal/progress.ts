// How far a long read is, and what is waited for: one line on stderr for the person who waits.
import { bar, count, cut, safe } from "../text.ts";
import type { Terminal } from "./terminal.ts";

/** A read that takes less than this, in ms, needs no words. */
const QUIET_MS = 500;
const REDRAW_MS = 100;
/** The clock is looked at once for so many entries. */
const EVERY = 512;
const PROGRESS_COLUMNS = 20;

/** A bar on stderr that is gone in the end; undefined when no person looks at it. `of` names what is counted, as a plural. */
export function progressOn(terminal: Terminal, of = "jobs") {
  if (!terminal.canTell) return undefined;
  const began = Date.now();
  let total = 0;
  let seen = 0;
  let drawn = began + QUIET_MS - REDRAW_MS;
  let visible = false;
  return {
    begin(entries: number, come = 0) {
      total = entries;
      seen = come;
    },
    step() {
      if (++seen % EVERY !== 0 || Date.now() - drawn < REDRAW_MS) return;
      drawn = Date.now();
      if (!terminal.inForeground) return;
      visible = true;
      terminal.tell(
        `\r\x1b[K${bar(seen, total, PROGRESS_COLUMNS, terminal.utf8)} ${count(seen)} of ${count(Math.max(seen, total))} ${of}`,
      );
    },
    end() {
      if (visible && terminal.inForeground) terminal.tell("\r\x1b[K");
    },
  };
}

/** A line on stderr that changes in place. */
export interface Status {
  /** The terminal for everything else: what it says on stderr stands above the line. */
  readonly terminal: Terminal;
  /** `text` as it comes from records is made safe, and cut to one line. */
  set(text: string): void;
  end(): void;
}

/** Such a line where a person looks at it; elsewhere nothing is written. */
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
    set: (text) => void (over || draw(cut(safe(text), (terminal.columns ?? 80) - 1))),
    end() {
      draw("");
      off();
      over = true;
    },
  };
}
