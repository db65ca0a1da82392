// IDs, or only a number, in place of rows. Pure.
import { isPlainJid } from "../model/jid.ts";
import { plural, safe } from "../text.ts";
import type { View, Viewer } from "./view.ts";

interface Ids {
  readonly size: number;
  /** As they are stored. */
  readonly ids: Iterable<string>;
  /** Its name in messages. */
  readonly noun: string;
  /** Title in CSV. */
  readonly title: string;
  /** True for an ID that stays one word in a script. */
  readonly isPlain: (id: string) => boolean;
  readonly display?: (id: string) => string;
  /** Makes one line of all, for people. */
  readonly line?: ((ids: readonly string[]) => string) | undefined;
}

/** The plain IDs; a warning counts the rest. */
function* plainOnes(ids: Iterable<string>, { isPlain, noun }: Ids, warn: Viewer["warn"]): Generator<string> {
  let left = 0;
  for (const id of ids) {
    if (isPlain(id)) yield id;
    else left++;
  }
  if (left > 0)
    warn?.(
      `${plural(left, noun)} left out: a shell or a terminal could take ${left === 1 ? "it" : "them"} for something else. \`--format json\` has all.`,
    );
}

/** One per line: a terminal gets all, escaped, a pipe and a single line the plain ones. Programs get all. */
export const idsView = (list: Ids): View => ({
  size: list.size,
  text({ columns, warn }) {
    const shown = Iterator.from(list.ids).map(list.display ?? String);
    if (list.line) {
      const plain = [...plainOnes(shown, list, warn)];
      return plain.length > 0 ? [`${list.line(plain)}\n`] : [];
    }
    const lines = columns === undefined ? Iterator.from(plainOnes(shown, list, warn)) : shown.map(safe);
    return lines.map((id) => `${id}\n`);
  },
  isOne: true,
  documents: () => [[...list.ids]],
  sheet: () => ({ titles: [list.title], rows: Iterator.from(list.ids).map((id) => [id]) }),
});

export const jidsView = (size: number, ids: Iterable<string>): View =>
  idsView({ size, ids, noun: "job ID", title: "jid", isPlain: isPlainJid });

export const countView = (n: number): View => ({
  size: n,
  isOne: true,
  text: () => [`${n}\n`],
  documents: () => [n],
  sheet: () => ({ titles: ["count"], rows: [[String(n)]] }),
});
