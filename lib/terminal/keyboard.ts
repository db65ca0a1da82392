// The keys that a person presses while a screen has the terminal.
import { emitKeypressEvents, type Interface } from "node:readline";

/** The rest of a sequence must follow Esc within this many ms. */
const ESCAPE_MS = 100;

const [ESCAPE, DELETE] = ["\x1b", "\x7f"];

/** The keys that are signals in a terminal's usual mode. */
const KEY_SIGNALS: Readonly<Record<string, NodeJS.Signals>> = { "ctrl-c": "SIGINT", "ctrl-z": "SIGTSTP" };

/** Sends a signal as the terminal itself would: to all processes in its foreground. */
function raise(signal: NodeJS.Signals): void {
  if (process.platform !== "win32") process.kill(0, signal);
  else if (signal === "SIGINT") process.emit(signal);
}

interface Keypress {
  readonly name?: string;
  readonly ctrl: boolean;
  readonly sequence?: string;
}

/** The characters that a key types, or its name: `j`, `?`, `up`, `return`, `ctrl-u`. Esc and a key soon after it are two. */
function namesOf({ name = "", ctrl, sequence = "" }: Keypress): string[] {
  if (ctrl) return [`ctrl-${name}`];
  const isPair = sequence.length === 2 && sequence[0] === ESCAPE && name !== "escape";
  const text = isPair ? sequence.slice(1) : sequence;
  const key = text >= " " && text !== DELETE && !text.startsWith(ESCAPE) ? text : name;
  return isPair ? ["escape", key] : [key];
}

/** Reads keys between `open` and `close`, without echo. */
export class Keyboard {
  readonly #onKey = (_: unknown, key: Keypress) => {
    for (const name of namesOf(key)) {
      const signal = KEY_SIGNALS[name];
      if (signal) raise(signal);
      else if (this.#open) this.pressed(name);
    }
  };
  /** The terminal is gone. */
  readonly #onEnd = () => process.emit("SIGHUP");
  #open = false;

  constructor(readonly pressed: (key: string) => void) {}

  open(): void {
    const stdin = process.stdin;
    if (this.#open || !stdin.isTTY) return;
    this.#open = true;
    emitKeypressEvents(stdin, { escapeCodeTimeout: ESCAPE_MS } as unknown as Interface);
    stdin.on("keypress", this.#onKey).on("end", this.#onEnd).on("error", this.#onEnd);
    stdin.setRawMode(true);
    stdin.resume();
  }

  /** Restores the terminal's usual mode. A background process that still read would be stopped. */
  close(): void {
    const stdin = process.stdin;
    if (!this.#open) return;
    this.#open = false;
    stdin.off("keypress", this.#onKey).off("end", this.#onEnd).off("error", this.#onEnd);
    stdin.pause();
    stdin.setRawMode(false);
  }
}
