// Jobs of a shell: who has the terminal, and what Ctrl-Z and `fg` mean for what is drawn on it.
import { readFileSync } from "node:fs";

/** How long an answer holds, in ms: a shell does not tell a job that runs already that it has come to the foreground. */
const HOLDS_MS = 500;

let asked = Number.NEGATIVE_INFINITY;
let foreground = true;

/** The process group of this process, and the one that its terminal belongs to; that is 0 or less where there is no such. */
function groups(): readonly [own: number, holder: number] {
  if (process.platform === "win32") return [0, 0];
  if (process.platform === "linux") {
    const stat = readFileSync("/proc/self/stat", "utf8");
    // Behind the name of the program, which may hold anything: state, parent, group, session, terminal, holder.
    const [, , own, , , holder] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return [Number(own), Number(holder)];
  }
  const { spawnSync } = require("node:child_process") as typeof import("node:child_process");
  const { stdout } = spawnSync("ps", ["-o", "pgid=,tpgid=", "-p", String(process.pid)], { encoding: "utf8" });
  const [own = 0, holder = 0] = stdout.trim().split(/\s+/).map(Number);
  return [own, holder];
}

/** False for a job that a shell runs in the background: what it draws would be in the way of others. */
export function inForeground(): boolean {
  const now = performance.now();
  if (now - asked < HOLDS_MS) return foreground;
  asked = now;
  try {
    const [own, holder] = groups();
    foreground = !(holder > 0) || own === holder;
  } catch {} // where it cannot be told, it stays as it was
  return foreground;
}

/**
 * Calls `back` when a stopped process goes on, and `leave` before Ctrl-Z stops it, if there is anything to leave.
 * @returns what ends that
 */
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
    // Without a handler the signal does what it does to any program: nothing where no shell could continue it.
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
