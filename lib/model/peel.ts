// Peel IDs: one NATS token, which stores the dots of a host name as `_`.

import type { Value } from "../codec/value.ts";

/** IDs of a list field, texts only; undefined unless it is a list. */
export function peelList(value: Value | undefined): string[] | undefined {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : undefined;
}

/** The ID as operators know it: inner `_` become dots. */
export function displayPeel(id: string): string {
  if (!id.includes("_")) return id;
  return id.replace(
    /^(_*)(.*?)(_*)$/s,
    (_, head: string, inner: string, tail: string) => head + inner.replaceAll("_", ".") + tail,
  );
}

export const compare = <T extends string | bigint>(a: T, b: T) => (a < b ? -1 : a > b ? 1 : 0);

export function sortedByPeel<T extends { readonly peel: string }>(items: readonly T[]): T[] {
  // The shown form is made once per item; many lists are sorted already.
  const keys = items.map(({ peel }) => displayPeel(peel));
  if (keys.every((key, i) => i === 0 || (keys[i - 1] as string) <= key)) return [...items];
  const keyed = items.map((item, i) => ({ key: keys[i] as string, item }));
  return keyed.sort((a, b) => compare(a.key, b.key)).map(({ item }) => item);
}
