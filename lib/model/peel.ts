// Peel IDs: stored as one NATS token, with the dots of a host name as `_` (wire.md).

import type { Value } from "../codec/value.ts";

/** Peel IDs of a list field; undefined when the field is no list. Elements that are no text are left out. */
export function peelList(value: Value | undefined): string[] | undefined {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : undefined;
}

/** A stored peel ID as operators know it: inner `_` become dots; leading and trailing ones stay. */
export function displayPeel(id: string): string {
  if (!id.includes("_")) return id;
  return id.replace(
    /^(_*)(.*?)(_*)$/s,
    (_, head: string, inner: string, tail: string) => head + inner.replaceAll("_", ".") + tail,
  );
}

export const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

export function sortedByPeel<T extends { readonly peel: string }>(items: readonly T[]): T[] {
  // The shown form is made once for each, not for each comparison; many come in their order already.
  const keys = items.map(({ peel }) => displayPeel(peel));
  if (keys.every((key, i) => i === 0 || (keys[i - 1] as string) <= key)) return [...items];
  const keyed = items.map((item, i) => ({ key: keys[i] as string, item }));
  return keyed.sort((a, b) => compareText(a.key, b.key)).map(({ item }) => item);
}
