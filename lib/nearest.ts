// "Did you mean …": the nearest valid name.

/** Edits (insert, delete, replace, swap of neighbours) from `a` to `b`. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min(
        (previous[j] as number) + 1,
        (row[j - 1] as number) + 1,
        (previous[j - 1] as number) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (before[j - 2] as number) + 1);
      row.push(best);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length] as number;
}

/** ` Did you mean X?` for the nearest of `names`, or nothing when none is near. */
export function nearest(text: string, names: readonly string[]): string {
  if (text.length > 40) return "";
  let best: string | undefined;
  let least = Math.max(2, Math.floor(text.length / 3)) + 1;
  for (const name of names) {
    const d =
      text.length > 3 && (name.startsWith(text) || name === `--no-${text.slice(2)}`)
        ? 1
        : distance(text, name);
    if (d < least) [best, least] = [name, d];
  }
  return best === undefined ? "" : ` Did you mean ${best}?`;
}
