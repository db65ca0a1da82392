// A KV bucket: its entries are the messages of one stream, and a key is the end of a subject.
import type { Msg } from "nats";
import { UserError } from "../errors.ts";
import { type Follow, isDeletion } from "../store.ts";
import { safe } from "../text.ts";
import type { JetStream } from "./jetstream.ts";
import { type Keys, type ScanOptions, scanNewest } from "./scan.ts";
import { Stream } from "./stream.ts";

export const isTombstone = ({ headers }: Msg): boolean =>
  headers !== undefined && isDeletion((name) => headers.get(name));

/** The value of an entry; undefined for a tombstone. */
export const valueIn = (msg: Msg): Uint8Array | undefined => (isTombstone(msg) ? undefined : msg.data);

/** A bucket by name. The caller makes keys safe with `token`. Every method throws NoBucket when there is none. */
export class Bucket extends Stream {
  /** The subject before a key, including its dot. */
  readonly prefix: string;

  constructor(
    js: JetStream,
    readonly title: string,
  ) {
    super(js, `KV_${title}`);
    this.prefix = `$KV.${title}.`;
  }

  keyOf(msg: Msg): string {
    return msg.subject.slice(this.prefix.length);
  }

  /** The newest value of a key; undefined for none. Without direct get, uses a consumer. @throws UserError for a refusal */
  async get(key: string): Promise<Uint8Array | undefined> {
    const msg = await this.directIfAllowed(this.prefix + key);
    if (msg === undefined) return (await this.entries(key, (_, bytes) => bytes.slice(), { narrow: true }))[0];
    const code = msg.headers?.code ?? 0;
    if (code === 404) return undefined;
    if (code >= 400)
      throw new UserError(
        `the server refused to read ${this.title}/${safe(key)}: ${safe(msg.headers?.description ?? "")} (${code}).`,
        "Run the command again; if it still fails, see the server's log.",
      );
    return valueIn(msg);
  }

  /** Passes the newest entry of every key that matches `filter` to `keys`: see `scanNewest`. */
  async scan(filter: string, keys: Keys, options?: ScanOptions): Promise<void> {
    await scanNewest(this, [this.prefix + filter], keys, options);
  }

  /** The result of `read` for each key that matches `filter` and has a value. `read` also receives values that are replaced later. */
  async entries<T>(filter: string, read: (key: string, bytes: Uint8Array) => T, options?: ScanOptions): Promise<T[]> {
    const numbers = new Map<string, number>();
    // By number of the key; undefined for a key without a value.
    const found: ({ readonly value: T } | undefined)[] = [];
    const keys = {
      take: (msg: Msg) => {
        const key = this.keyOf(msg);
        const number = numbers.getOrInsert(key, found.length);
        const bytes = valueIn(msg);
        found[number] = bytes && { value: read(key, bytes) };
        return number;
      },
      dropAllBut(kept: ReadonlySet<number>) {
        for (const number of found.keys()) if (!kept.has(number)) found[number] = undefined;
      },
    };
    await this.scan(filter, keys, options);
    return found.flatMap((entry) => (entry ? [entry.value] : []));
  }

  /** Follows the newest value of every key that matches `filter`, then every change; with `from` "new" only the changes. */
  async followKeys(
    filter: string,
    onEntry: (key: string, bytes: Uint8Array | undefined) => void,
    follow: Follow,
    from: "last_per_subject" | "new" = "last_per_subject",
  ): Promise<void> {
    const config = { deliver_policy: from, filter_subject: this.prefix + filter } as const;
    await this.follow(config, (msg) => onEntry(this.keyOf(msg), valueIn(msg)), follow);
  }
}
