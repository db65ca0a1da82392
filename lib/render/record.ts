// `show` without other flags: the record and its returns. Pure.

import { toJson } from "../codec/json.ts";
import { mapOf, type Value, type ValueMap } from "../codec/value.ts";
import { displayPeel } from "../model/peel.ts";
import { hasNotReturned } from "../model/peel-state.ts";
import type { Peel } from "../model/returns.ts";
import { safe } from "../text.ts";
import { keyed, type LongDocument, returnDocument } from "./document.ts";
import { renderReturns } from "./peels.ts";
import type { Look } from "./table.ts";

/** The record as JSON, then a table of its returns. @param selected peels to show; undefined: all that returned */
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
  return `${toJson(job, 0, 0, 0, look.columns)}\n${table}${names && `\nNo return:\n${names}`}`;
}

/** @param withMissing adds peels without a return */
export function recordDocument(
  jid: string,
  job: ValueMap,
  peels: readonly Peel[],
  withMissing?: boolean,
): LongDocument {
  const returns = function* () {
    for (const { returned, foreign } of peels) {
      if (!returned) continue;
      const document = returnDocument(jid, returned);
      yield foreign ? new Map(document).set("target", false) : document;
    }
  };
  const missing = peels.filter(({ state }) => hasNotReturned(state)).map(({ peel }) => peel);
  return mapOf<Value | typeof returns>({
    job: keyed(job, { jid }),
    returns,
    missing: withMissing ? missing : undefined,
  });
}
