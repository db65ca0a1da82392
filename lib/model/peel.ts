// Peel ids: stored as one NATS token, with the dots of a host name as `_` (wire.md).

/** A stored peel id as operators know it: inner `_` become dots; leading and trailing ones stay. */
export function displayPeel(id: string): string {
  if (!id.includes("_")) return id;
  return id.replace(
    /^(_*)(.*?)(_*)$/s,
    (_, head: string, inner: string, tail: string) => head + inner.replaceAll("_", ".") + tail,
  );
}
