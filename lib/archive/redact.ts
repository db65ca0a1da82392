// Removes from stored values what looks like a secret, for exports and reports that others read.
import { decode, Undecodable } from "../codec/decode.ts";
import { encode, Unencodable } from "../codec/encode.ts";
import type { Value } from "../codec/value.ts";
import { hideSecrets } from "../secrets.ts";
import type { Store } from "../store.ts";

const REDACTED = "[redacted]";
/** A value that cannot be decoded stays one. */
const UNREADABLE = Uint8Array.of(0xc1);

const NAME = "pass(?:word|wd|phrase)|secret|token|api[_-]?key|private[_-]?key|credential";
const IS_SECRET = new RegExp(NAME, "i");
/** `PASSWORD=x`, `--password x`, `"token": "x"`; and the password of an address. Every repetition is bounded: texts are long. */
const IN_TEXT = new RegExp(
  [
    String.raw`(?<name>(?:${NAME})[\w.-]{0,60}(?:\\?["'])?\s{0,4}(?:[=:]\s{0,4}|(?<=--[\w-]{1,80}\s{1,4})))(?:\\?"(?:[^"\\]|\\.){0,4096}"|'[^']{0,4096}'|[^\s,;&]+)`,
    String.raw`(?<user>://[^\s/:@]{0,100}:)[^\s/@]{1,400}(?=@)`,
  ].join("|"),
  "gi",
);

/** Removes secrets from values, and counts them. */
export class Redaction {
  count = 0;

  /** The value without secrets: the same bytes if it has none. An undecodable value may be a secret as a whole. */
  of(bytes: Uint8Array): Uint8Array {
    if (bytes.length === 0) return bytes;
    const before = this.count;
    try {
      const value = this.#value(decode(bytes));
      return this.count === before ? bytes : encode(value);
    } catch (error) {
      if (!(error instanceof Undecodable || error instanceof Unencodable)) throw error;
      this.count = before + 1;
      return UNREADABLE;
    }
  }

  #value(value: Value): Value {
    if (typeof value === "string") return this.#text(value);
    if (value instanceof Uint8Array) return Buffer.from(this.#text(Buffer.from(value).toString("latin1")), "latin1");
    if (Array.isArray(value)) return value.map((item) => this.#value(item));
    if (!(value instanceof Map)) return value;
    return new Map(
      Array.from(value, ([key, item]) => [key, IS_SECRET.test(key) ? this.#secret(item) : this.#value(item)]),
    );
  }

  #secret(value: Value): Value {
    if (value === null || value === "" || typeof value === "boolean") return value;
    this.count++;
    return REDACTED;
  }

  #text(text: string): string {
    const hidden = hideSecrets(text);
    if (hidden !== text) this.count++;
    return hidden.replace(IN_TEXT, (_, name?: string, user?: string) => {
      this.count++;
      return `${name ?? user}${REDACTED}`;
    });
  }
}

/** A store whose records, returns and events have no secrets. */
export function redactedStore(store: Store): Store {
  const redaction = new Redaction();
  const redacted = (bytes: Uint8Array | undefined) => bytes && redaction.of(bytes);
  const own: Partial<Store> = {
    job: async (jid) => redacted(await store.job(jid)),
    events: (jid, onEvent, again) =>
      store.events(jid, (event) => onEvent({ ...event, bytes: redaction.of(event.bytes) }), again),
    returns: {
      of: async (jid, read) => {
        const { list, peels } = await store.returns.of(jid, (peel, bytes) => read(peel, redaction.of(bytes)));
        return { list: redacted(list), peels };
      },
      across: (of, entries) => store.returns.across(of, entries),
      keys: (...args) => store.returns.keys(...args),
    },
  };
  return new Proxy(store, {
    get(_, name) {
      const value = own[name as keyof Store] ?? store[name as keyof Store];
      return typeof value === "function" ? value.bind(store) : value;
    },
  });
}
