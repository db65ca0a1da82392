// Job control of the shell: which process has the terminal, and how a screen reacts to Ctrl-Z and `fg`.
import { readFileSync } from "node:fs";

/** How long an answer is valid, in ms: a shell does not notify a running job that moves to the foreground. */
const VALID_MS = 500;

let asked = Number.NEGATIVE_INFINITY;
let foreground = true;

/** The process group of this process, and the one that has its terminal: 0 or less for none. */
function groups(): readonly [own: number, holder: number] {
  if (process.platform === "win32") return [0, 0];
  if (process.platform === "linux") {
    const stat = readFileSync("/proc/self/stat", "utf8");
    // After the name of the program, which may contain anything: state, parent, group, session, terminal, holder.
    const [, , own, , , holder] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return [Number(own), Number(holder)];
  }
  const { spawnSync } = require("node:child_process") as typeof import("node:child_process");
  const { stdout } = spawnSync("ps", ["-o", "pgid=,tpgid=", "-p", String(process.pid)], { encoding: "utf8" });
  const [own = 0, holder = 0] = stdout.trim().split(/\s+/).map(Number);
  return [own, holder];
}

/** False for a job that a shell runs in the background, which must not draw. */
export function inForeground(): boolean {
  const now = performance.now();
  if (now - asked < VALID_MS) return foreground;
  asked = now;
  try {
    const [own, holder] = groups();
    foreground = !(holder > 0) || own === holder;
  } catch {} // unknown: no change
  return foreground;
}

/** Calls `leave` before Ctrl-Z stops the process, `back` when it continues. @returns removes the handlers */
export function onSuspend(leave: (() => void) | undefined, back: () => void): () => void {
  if (process.platform === "win32") return () => {};
  let over = false;
  const goOn = () => {
    asked = Number.NEGATIVE_INFINITY;
    back();
  };
  const stop = () => {
    leave?.();
    asked = Number.NEGATIVE_INFINITY;
    // Without a handler the signal stops the process, unless no shell could continue it.
    process.off("SIGTSTP", stop);
    process.kill(process.pid, "SIGTSTP");
    setTimeout(() => {
      if (over) return;
      process.on("SIGTSTP", stop);
      goOn();
    });
  };
  if (leave) process.on("SIGTSTP", stop);
  process.on("SIGCONT", goOn);
  return () => {
    over = true;
    process.off("SIGTSTP", stop);
    process.off("SIGCONT", goOn);
  };
}
