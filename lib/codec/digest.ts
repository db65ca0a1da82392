// Whether values are equal, told by a short text: for values that are too large to be kept. Pure.
import { scalar } from "./json.ts";
import type { Value } from "./value.ts";

/**
 * A text that is the same for equal values, and for no others that can be found (SHA-256). The order of a map's keys makes no
 * difference: masters and peels write the maps of their language, which have none.
 */
export function digest(value: Value): string {
  let text = "";
  const walk = (item: Value): void => {
    if (typeof item === "string") text += `${item.length}s${item}`;
    else if (Array.isArray(item)) {
      text += `${item.length}l`;
      item.forEach(walk);
    } else if (item instanceof Map) {
      text += `${item.size}m`;
      for (const key of [...item.keys()].sort()) {
        walk(key);
        walk(item.get(key) as Value);
      }
    } else {
      const written = scalar(item);
      text += `${written.length}v${written}`;
    }
  };
  walk(value);
  // UTF-8 has no half pairs of surrogates. The second byte is 0 in UTF-16 alone, so no text of one is like one of the other.
  const bytes = text.isWellFormed() ? text : Buffer.from(text, "utf16le");
  return Bun.CryptoHasher.hash("sha256", bytes, "base64");
}
