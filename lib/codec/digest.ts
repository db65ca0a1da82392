// Whether values are equal, told by a short text: for values that are too large to be kept. Pure.
import { scalar } from "./json.ts";
import type { Value } from "./value.ts";

/** Characters that are put together before they are hashed, so that small values cost little. */
const HASHED_AT_ONCE = 4 << 10;

/**
 * A text that is the same for equal values, and for no others that can be found (SHA-256). The order of a map's keys makes no
 * difference: masters and peels write the maps of their language, which have none.
 */
export function digest(value: Value): string {
  let hasher: Bun.CryptoHasher | undefined;
  let pending = "";
  const flush = (): Bun.CryptoHasher => {
    hasher ??= new Bun.CryptoHasher("sha256");
    if (pending !== "") hasher.update(pending);
    pending = "";
    return hasher;
  };
  const add = (text: string) => {
    pending += text;
    if (pending.length >= HASHED_AT_ONCE) flush();
  };
  const addText = (text: string) => {
    const wellFormed = text.isWellFormed();
    add(`${text.length}${wellFormed ? "s" : "u"}`);
    if (wellFormed && text.length < HASHED_AT_ONCE) return add(text);
    // Half a pair of surrogates has no form in UTF-8 of its own.
    flush().update(wellFormed ? text : Buffer.from(text, "utf16le"));
  };
  const walk = (item: Value): void => {
    if (typeof item === "string") addText(item);
    else if (Array.isArray(item)) {
      add(`${item.length}l`);
      item.forEach(walk);
    } else if (item instanceof Map) {
      add(`${item.size}m`);
      for (const key of [...item.keys()].sort()) {
        addText(key);
        walk(item.get(key) as Value);
      }
    } else {
      const text = scalar(item);
      add(`${text.length}v${text}`);
    }
  };
  walk(value);
  return hasher ? flush().digest("base64") : Bun.CryptoHasher.hash("sha256", pending, "base64");
}
