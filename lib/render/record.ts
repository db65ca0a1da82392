// `show` without other flags: the record and its returns. Pure.

import { toJson } from "../codec/json.ts";
import type { Value, ValueMap } from "../codec/value.ts";
import { displayPeel } from "../model/peel.ts";
import { hasNotReturned } from "../model/peel-state.ts";
import type { Peel } from "../model/returns.ts";
import { safe } from "../text.ts";
import { keyed, returnDocument } from "./document.ts";
import { renderReturns } from "./peels.ts";
import type { Look } from "./table.ts";

/**
 * The stored record, including its own `jid`, and its returns, in the format of the reference page.
 * @param selected peels to show; undefined for all that returned
 */
export function renderRecord(
  job: ValueMap,
  peels: readonly Peel[],
  selected: readonly Peel[] | undefined,
  look: Look,
  allPeels: boolean,
): string {
  const returned = (selected ?? peels).filter((peel) => peel.returned);
  const missing = (selected ?? []).filter((peel) => hasNotReturned(peel.state));
  const table = returned.length > 0 ? `\nReturns:\n${renderReturns(returned, look, allPeels)}` : "";
  const names = missing.map(({ peel }) => `${safe(displayPeel(peel))}\n`).join("");
  return `${toJson(job)}\n${table}${names && `\nMissing:\n${names}`}`;
}

/** The record for programs. @param withMissing adds the list of peels that have not returned */
export function recordDocument(jid: string, job: ValueMap, peels: readonly Peel[], withMissing: boolean): ValueMap {
  const document = new Map<string, Value>([
    ["job", keyed(job, { jid })],
    [
      "returns",
      peels.flatMap(({ returned, foreign }) => {
        if (!returned) return [];
        const document = returnDocument(jid, returned);
        return foreign ? new Map(document).set("target", false) : document;
      }),
    ],
  ]);
  const missing = peels.filter(({ state }) => hasNotReturned(state)).map(({ peel }) => peel);
  return withMissing ? document.set("missing", missing) : document;
}
