// A store whose records, returns and events have no secrets, for output that other people read.
import type { Store } from "../store.ts";
import { Redaction } from "./redact.ts";

export function redactedStore(store: Store): Store {
  const redaction = new Redaction();
  const redacted = (bytes: Uint8Array | undefined) => bytes && redaction.of(bytes);
  const own: Partial<Store> = {
    job: async (jid) => redacted(await store.job(jid)),
    events: (jid, onEvent, again) =>
      store.events(jid, (event) => onEvent({ ...event, bytes: redaction.of(event.bytes) }), again),
    returns: {
      of: async (jid, read) => {
        const { list, peels } = await store.returns.of(jid, (peel, bytes) => read(peel, redaction.of(bytes)));
        return { list: redacted(list), peels };
      },
      across: (of, entries) => store.returns.across(of, entries),
      keys: (...args) => store.returns.keys(...args),
    },
  };
  return new Proxy(store, {
    get(_, name) {
      const value = own[name as keyof Store] ?? store[name as keyof Store];
      return typeof value === "function" ? value.bind(store) : value;
    },
  });
}
