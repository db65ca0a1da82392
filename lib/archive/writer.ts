// Writes an export, in pieces.
import type { StoredMessage } from "../store.ts";
import { type Header, headerLine, lastLine, messageLine } from "./format.ts";

/** Characters that are written at once. */
const BLOCK_CHARS = 256 << 10;

export class ExportWriter {
  readonly #hash = new Bun.CryptoHasher("sha256");
  #piece = "";
  messages = 0;

  constructor(
    readonly write: (text: string) => void,
    header: Header,
  ) {
    this.#add(headerLine(header));
  }

  #add(line: string): void {
    this.#piece += `${line}\n`;
    if (this.#piece.length >= BLOCK_CHARS) this.#flush();
  }

  #flush(): void {
    this.#hash.update(this.#piece);
    this.write(this.#piece);
    this.#piece = "";
  }

  add(message: StoredMessage): void {
    this.messages++;
    this.#add(messageLine(message));
  }

  /** Without it, the file counts as cut off. */
  end(): void {
    this.#flush();
    this.write(`${lastLine(this.messages, this.#hash.digest("hex"))}\n`);
  }
}
