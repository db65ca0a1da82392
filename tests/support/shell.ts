// An interactive shell.
import { tempDir } from "./harness.ts";

/** Runs an interactive shell on a pseudo-terminal of its own, with `script` loaded. */
export class Shell {
  /** All output. */
  raw = "";
  readonly #process: Bun.Subprocess;
  constructor(argv: string[], env: Record<string, string>) {
    const data = (_: unknown, bytes: Uint8Array) => {
      this.raw += new TextDecoder().decode(bytes);
    };
    this.#process = Bun.spawn(argv, { env, cwd: tempDir(), terminal: { cols: 120, rows: 50, data } });
  }

  /** Waits until `test` is true for the output so far. */
  async until(test: (screen: string) => boolean): Promise<string> {
    for (let i = 0; i < 500; i++) {
      if (test(this.screen)) return this.screen;
      await Bun.sleep(20);
    }
    throw new Error(`the shell shows:\n${this.screen}`);
  }

  /** The output without escape sequences. */
  get screen(): string {
    return this.raw.replace(/\x1b(\[[0-9;?>=]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[()][A-Z0-9]|[=>78])/g, "");
  }

  press(text: string): void {
    this.#process.terminal?.write(text);
  }

  async close(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
    this.#process.terminal?.close();
  }
}
