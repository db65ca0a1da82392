// `show` without further flags: the record as it is stored, its own `jid` included, and its returns, as the reference page
// has them. Pure.

import { toJson } from "../codec/json.ts";
import type { ValueMap } from "../codec/value.ts";
import { displayPeel } from "../model/peel.ts";
import type { Peel } from "../model/returns.ts";
import { safe } from "../text.ts";
import { renderReturns } from "./peels.ts";
import type { Look } from "./table.ts";

/** @param selected the peels that were asked for; undefined: all that returned */
export function renderRecord(
  job: ValueMap,
  peels: readonly Peel[],
  selected: readonly Peel[] | undefined,
  look: Look,
  allPeels: boolean,
): string {
  const returned = (selected ?? peels).filter((peel) => peel.returned);
  const missing = (selected ?? []).filter((peel) => peel.state === "missing");
  const table = returned.length > 0 ? `\nReturns:\n${renderReturns(returned, look, allPeels)}` : "";
  const names = missing.map(({ peel }) => `${safe(displayPeel(peel))}\n`).join("");
  return `${toJson(job)}\n${table}${names && `\nMissing:\n${names}`}`;
}
