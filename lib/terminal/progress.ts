// How far a long read is, for the person who waits for it.
import { bar } from "../render/board.ts";
import { count } from "../text.ts";
import type { Terminal } from "./terminal.ts";

/** What a read tells while it goes on. */
export interface Progress {
  /** So many entries are to come. */
  begin(total: number): void;
  /** One has come. */
  step(): void;
  end(): void;
}

export const NO_PROGRESS: Progress = { begin() {}, step() {}, end() {} };

/** A read that takes less than this, in ms, needs no words. */
const PATIENCE_MS = 500;
const REDRAW_MS = 100;
/** The clock is looked at once for so many entries. */
const EVERY = 512;
const BAR = 20;

/** A bar on stderr, when a person looks at it, that is gone in the end. */
export function progressOn(terminal: Terminal): Progress {
  if (!terminal.canTell) return NO_PROGRESS;
  const began = Date.now();
  let total = 0;
  let seen = 0;
  let drawn = began + PATIENCE_MS - REDRAW_MS;
  let visible = false;
  return {
    begin(entries) {
      total = entries;
      seen = 0;
    },
    step() {
      if (++seen % EVERY !== 0 || Date.now() - drawn < REDRAW_MS) return;
      drawn = Date.now();
      visible = true;
      terminal.tell(
        `\r\x1b[K${bar(seen, total, BAR)} ${count(seen)} of ${count(Math.max(seen, total))} jobs`,
      );
    },
    end() {
      if (visible) terminal.tell("\r\x1b[K");
    },
  };
}
