// How far a long read is, for the person who waits for it.
import { bar, count } from "../text.ts";
import type { Terminal } from "./terminal.ts";

/** A read that takes less than this, in ms, needs no words. */
const PATIENCE_MS = 500;
const REDRAW_MS = 100;
/** The clock is looked at once for so many entries. */
const EVERY = 512;
const BAR = 20;

/** A bar on stderr that is gone in the end; undefined when no person looks at it. `of` names what is counted, as a plural. */
export function progressOn(terminal: Terminal, of = "jobs") {
  if (!terminal.canTell) return undefined;
  const began = Date.now();
  let total = 0;
  let seen = 0;
  let drawn = began + PATIENCE_MS - REDRAW_MS;
  let visible = false;
  return {
    begin(entries: number, come = 0) {
      total = entries;
      seen = come;
    },
    step() {
      if (++seen % EVERY !== 0 || Date.now() - drawn < REDRAW_MS) return;
      drawn = Date.now();
      visible = true;
      terminal.tell(`\r\x1b[K${bar(seen, total, BAR)} ${count(seen)} of ${count(Math.max(seen, total))} ${of}`);
    },
    end() {
      if (visible) terminal.tell("\r\x1b[K");
    },
  };
}
