// A KV bucket: its entries are the messages of one stream, and a key is the end of a subject.
import type { Msg } from "nats";
import { UserError } from "../errors.ts";
import type { Follow } from "../store.ts";
import { safe } from "../text.ts";
import { Picture } from "./consumer.ts";
import type { JetStream } from "./jetstream.ts";
import { type Keys, type ScanOptions, scanNewest } from "./scan.ts";
import { Stream } from "./stream.ts";

/**
 * True for a message that marks its key as deleted, purged or expired (wire.md, "Buckets"). Only the headers decide: an empty
 * value is a record that cannot be decoded.
 */
export function isTombstone(msg: Msg): boolean {
  const headers = msg.headers;
  if (!headers) return false;
  const operation = headers.get("KV-Operation");
  return operation === "DEL" || operation === "PURGE" || headers.get("Nats-Marker-Reason") !== "";
}

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

  /**
   * The newest value of a key; undefined for none. Uses a direct get where the bucket allows it, otherwise a consumer.
   * @throws UserError when the server refuses the read
   */
  async get(key: string): Promise<Uint8Array | undefined> {
    const msg = await this.directIfAllowed(this.prefix + key);
    if (msg === undefined) {
      let found: Uint8Array | undefined;
      const keys: Keys = {
        take(msg) {
          found = isTombstone(msg) ? undefined : msg.data.slice();
          return 0;
        },
        dropAllBut(kept) {
          if (kept.size === 0) found = undefined;
        },
      };
      await this.scan([key], keys, { narrow: true });
      return found;
    }
    const code = msg.headers?.code ?? 0;
    if (code === 404) return undefined;
    if (code >= 400) {
      throw new UserError(
        `the server refused to read ${this.title}/${safe(key)}: ${safe(msg.headers?.description ?? "")} (${code}).`,
        "Run the command again; if it still fails, see the server's log.",
      );
    }
    return isTombstone(msg) ? undefined : msg.data;
  }

  /** Passes the newest entry of every key that one of the filters covers to `keys`: see `scanNewest`. */
  async scan(filters: readonly string[], keys: Keys, options?: ScanOptions): Promise<void> {
    await scanNewest(
      this,
      filters.map((filter) => this.prefix + filter),
      keys,
      options,
    );
  }

  /** The keys that match `filter` and have a value. */
  async keys(filter: string): Promise<string[]> {
    const entries = new Map<string, { number: number; there: boolean }>();
    await this.scan([filter], {
      take: (msg) => {
        const key = this.keyOf(msg);
        const number = entries.get(key)?.number ?? entries.size;
        entries.set(key, { number, there: !isTombstone(msg) });
        return number;
      },
      dropAllBut(kept) {
        for (const entry of entries.values()) if (!kept.has(entry.number)) entry.there = false;
      },
    });
    return [...entries].flatMap(([key, { there }]) => (there ? [key] : []));
  }

  /**
   * Passes entries to `onEntry` until `follow.stop`: first the newest of every key that matches `filter`, then every change.
   * @param from "new" starts with the changes
   */
  async follow(
    filter: string,
    onEntry: (msg: Msg) => void,
    follow: Follow,
    from: "last_per_subject" | "new" = "last_per_subject",
  ): Promise<void> {
    const config = { deliver_policy: from, filter_subject: this.prefix + filter } as const;
    await this.consume(config, (consumer) => this.followConsumer(consumer, new Picture(consumer, onEntry), follow));
  }
}
