// Peel ids: stored as one NATS token, with the dots of a host name as `_` (wire.md).

/** A stored peel id as operators know it: inner `_` become dots; leading and trailing ones stay. */
export function displayPeel(id: string): string {
  if (!id.includes("_")) return id;
  return id.replace(
    /^(_*)(.*?)(_*)$/s,
    (_, head: string, inner: string, tail: string) => head + inner.replaceAll("_", ".") + tail,
  );
}

/** The order of texts by their code units, for sort. */
export const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** The same items sorted by peel id, as shown. */
export function sortedByPeel<T extends { readonly peel: string }>(items: readonly T[]): T[] {
  // The shown form is made once for each, not for each comparison.
  const keyed = items.map((item) => ({ key: displayPeel(item.peel), item }));
  return keyed.sort((a, b) => compareText(a.key, b.key)).map(({ item }) => item);
}
