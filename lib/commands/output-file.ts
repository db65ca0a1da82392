// --output: a file that appears when it is complete, and that only its owner can read.
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { fileFault, UserError } from "../errors.ts";
import { type Terminal, writeAll } from "../terminal/terminal.ts";
import { count } from "../text.ts";

/** Values of --output in other tools. */
const FORMAT_NAME = /^(html|markdown|md|json|jsonl|yaml|csv|text|wide)$/;

/**
 * Undefined for stdout, which `-` is too.
 * @throws UserError for a format instead of a file, --force without a file, or a file that must not be replaced
 */
export function outputOf(flags: {
  readonly output: string | undefined;
  readonly force: boolean | undefined;
}): OutputFile | undefined {
  const { output: path, force = false } = flags;
  if (path === undefined && force) throw new UserError("--force needs --output.", "Add --output, or omit --force.");
  if (path !== undefined && FORMAT_NAME.test(path))
    throw new UserError(
      `--output needs a file: "${path}" is a format.`,
      `To write to this file, use --output ./${path}.`,
    );
  return path === undefined || path === "-" ? undefined : new OutputFile(path, force);
}

export class OutputFile {
  readonly #part: string;
  #fd: number | undefined;

  /** @throws UserError when the file exists and must not be replaced */
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

  /** Gives the file its name, and notes it for a person. */
  finish({ canTell, note }: Terminal): void {
    const fd = this.#fd as number;
    this.#check();
    this.#attempt(() => {
      fsyncSync(fd);
      closeSync(fd);
      renameSync(this.#part, this.path);
    });
    this.#fd = undefined;
    if (canTell) note(`wrote ${this.path} (${count(statSync(this.path).size)} bytes).`);
  }

  /** Removes an incomplete file. */
  discard(): void {
    if (this.#fd === undefined) return;
    this.#fd = undefined;
    rmSync(this.#part, { force: true });
  }
}
