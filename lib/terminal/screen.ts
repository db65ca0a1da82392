// A full screen of the terminal. When it closes, the terminal shows its earlier content.
import type { Keyboard } from "./keyboard.ts";
import type { Terminal } from "./terminal.ts";

const HIDE = "\x1b[?25l";
const SHOW = "\x1b[?25h";
/** Enters the alternate screen; a terminal without one is cleared. */
const ENTER = { own: "\x1b[?1049h", only: "\x1b[H\x1b[J" };
const LEAVE = { own: "\x1b[?1049l", only: "\x1b[H\x1b[J" };

/** The size, or 80 by 24 where the terminal does not report it. */
export const screenSize = ({ columns = 80, rows = 24 }: Terminal) => ({ columns, rows });

/** A busy fleet must not flood a slow line. */
const DRAW_PAUSE_MS = 50;
/** Times grow without a change. */
const TICK_MS = 1_000;

/** Ctrl-Z gives the terminal back until the process continues. */
export class Screen {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #tick: ReturnType<typeof setInterval> | undefined;
  #unhook = () => {};
  #open = false;
  #shown = false;

  /** @param picture the lines to show, none wider than the terminal @param failed receives errors of writing */
  constructor(
    readonly terminal: Terminal,
    readonly picture: () => readonly string[],
    readonly failed: (error: unknown) => void,
    readonly keys?: Pick<Keyboard, "open" | "close">,
  ) {}

  open(): void {
    this.#open = true;
    process.on("exit", this.#leave);
    this.#enter();
    this.terminal.onResize(() => this.change());
    this.#unhook = this.terminal.onSuspend(this.#leave, () => {
      // A shell may have changed the terminal's mode while the process was stopped without notice.
      if (this.terminal.inForeground) this.#leave();
      this.change();
    });
    this.#tick = setInterval(() => this.change(), TICK_MS);
    this.change();
  }

  /** Draws soon. */
  change(): void {
    if (!this.#open) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (!this.terminal.inForeground) return;
      try {
        this.#enter();
        // Each line is overwritten in place and its rest cleared, without flicker.
        this.terminal.write(`\x1b[H${this.picture().join("\x1b[K\r\n")}\x1b[K\x1b[J`);
      } catch (error) {
        this.failed(error);
      }
    }, DRAW_PAUSE_MS);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#unhook();
    clearTimeout(this.#timer);
    clearInterval(this.#tick);
    this.#leave();
    process.off("exit", this.#leave);
  }

  #enter(): void {
    if (this.#shown) return;
    this.#shown = true;
    this.terminal.write((this.terminal.hasScreens ? ENTER.own : ENTER.only) + HIDE);
    this.keys?.open();
  }

  readonly #leave = (): void => {
    if (!this.#shown) return;
    this.#shown = false;
    // Each may fail when the terminal is gone.
    try {
      this.keys?.close();
    } catch {}
    try {
      this.terminal.write(SHOW + (this.terminal.hasScreens ? LEAVE.own : LEAVE.only));
    } catch {}
  };
}
