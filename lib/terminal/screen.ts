// Pictures on a terminal: a whole screen that gives back what was there before, and one line that changes at the bottom.
import type { Terminal } from "./terminal.ts";

const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";

/** Draws at most every `PAUSE_MS`, so that a busy fleet doesn't flood a slow line. */
const PAUSE_MS = 50;
/** Times go on between changes. */
const TICK_MS = 1_000;

/** The alternate screen of a terminal. */
export class Screen {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #tick: ReturnType<typeof setInterval> | undefined;
  #open = false;

  /** @param picture the lines to show, none wider than the terminal; `failed` gets what writing throws */
  constructor(
    readonly terminal: Terminal,
    readonly picture: () => readonly string[],
    readonly failed: (error: unknown) => void,
  ) {}

  open(): void {
    this.#open = true;
    this.terminal.write(ENTER);
    this.terminal.onResize(() => this.change());
    this.#tick = setInterval(() => this.change(), TICK_MS);
    this.change();
  }

  /** Something changed: draws soon. */
  change(): void {
    if (!this.#open) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      try {
        // Each line is overwritten in place and its rest cleared, so that nothing flickers.
        this.terminal.write(`\x1b[H${this.picture().join("\x1b[K\r\n")}\x1b[K\x1b[J`);
      } catch (error) {
        this.failed(error);
      }
    }, PAUSE_MS);
  }

  /** Gives the terminal back. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    clearTimeout(this.#timer);
    clearInterval(this.#tick);
    try {
      this.terminal.write(LEAVE);
    } catch {} // a terminal that is gone needs nothing back
  }
}

/** A line at the bottom that changes, below lines that stay. Writes nothing but those when stdout is no terminal. */
export class StatusLine {
  #shown = "";

  constructor(readonly terminal: Terminal) {}

  /** Replaces the line; it must fit on one. */
  set(text: string): void {
    if (!this.terminal.isTty || text === this.#shown) return;
    this.terminal.write(`\r\x1b[K${text}`);
    this.#shown = text;
  }

  /** Text that stays, ended by a newline. */
  print(text: string): void {
    const status = this.#shown;
    this.set("");
    this.terminal.write(text);
    this.set(status);
  }
}
