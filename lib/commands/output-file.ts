// --output: a file that is there when it is whole, and readable by its owner alone.
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { fileFault, UserError } from "../errors.ts";
import { writeAll } from "../terminal/terminal.ts";

export class OutputFile {
  readonly #part: string;
  #fd: number | undefined;

  /** @throws UserError when the file is there and is not to be replaced */
  constructor(
    readonly path: string,
    readonly force: boolean,
  ) {
    this.#part = `${path}.${process.pid}.part`;
    this.#check();
  }

  #check(): void {
    if (!this.force && existsSync(this.path))
      throw new UserError(`${this.path} already exists.`, "Use --force to replace it.");
  }

  /** @throws UserError when it cannot be written */
  #attempt<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      throw new UserError(
        `cannot write ${this.path}: ${fileFault(error)}.`,
        "Check the folder, its permissions and the disk.",
      );
    }
  }

  write(text: string): void {
    this.#fd ??= this.#attempt(() => openSync(this.#part, "wx", 0o600));
    writeAll(this.#fd, text);
  }

  /** Gives the file its name. */
  finish(): void {
    const fd = this.#fd as number;
    this.#check();
    this.#attempt(() => {
      fsyncSync(fd);
      closeSync(fd);
      renameSync(this.#part, this.path);
    });
    this.#fd = undefined;
  }

  /** Removes what is not whole. */
  discard(): void {
    if (this.#fd === undefined) return;
    this.#fd = undefined;
    rmSync(this.#part, { force: true });
  }
}
