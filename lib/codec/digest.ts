// Equality of values by a short text.
import { scalar } from "./json.ts";
import type { Value } from "./value.ts";

/** Equal for equal values only (SHA-256). Ignores the order of keys: the maps of masters and peels have none. */
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
  // UTF-8 has no lone surrogates. Only in UTF-16 the second byte is 0, so the two cannot be equal.
  const bytes = text.isWellFormed() ? text : Buffer.from(text, "utf16le");
  return Bun.CryptoHasher.hash("sha256", bytes, "base64");
}
