// The executable with a picture on a pseudo-terminal.
import { Running } from "./harness.ts";

/** Escape sequences of keys. */
export const KEYS = { up: "\x1b[A", down: "\x1b[B", escape: "\x1b", enter: "\r", pageDown: "\x1b[6~" } as const;

export class Pictured extends Running {
  /** The lines of the newest whole picture. */
  get lines(): string[] {
    return Bun.stripANSI(this.screen).split(/\r+\n/);
  }

  /** The newest whole picture, with its colours. */
  get screen(): string {
    const whole = this.out.slice(0, this.out.lastIndexOf("\x1b[K\x1b[J"));
    return whole.slice(whole.lastIndexOf("\x1b[H") + 3);
  }

  /** The line with the mark. */
  get marked(): string {
    return this.lines.find((line) => line.startsWith("> ")) ?? "";
  }

  /** Waits until the newest picture is as `test` says. @throws Error with the picture after `ms` */
  async shows(test: RegExp | ((picture: Pictured) => boolean), ms = 15_000): Promise<void> {
    const end = Date.now() + ms;
    const isSo = () => (test instanceof RegExp ? test.test(this.lines.join("\n")) : test(this));
    while (!isSo()) {
      if (Date.now() > end) throw new Error(`no ${test} in:\n${this.lines.join("\n")}`);
      await Bun.sleep(10);
    }
  }
}
