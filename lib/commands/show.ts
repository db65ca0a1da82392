// zester job show
import { UserError } from "../errors.ts";
import { parseJid } from "../jid.ts";
import { jobRow } from "../job.ts";
import { writeDocument } from "../jobs.ts";
import { toJson } from "../json.ts";
import { orNoBucket, readReturns, resolveJob } from "../lookup.ts";
import { displayPeel } from "../peel.ts";
import { type Peel, type PeelFlags, peelSelection, peelsOf } from "../peels.ts";
import { type GlobalFlags, withSession } from "../session.ts";
import { NoBucket } from "../store.ts";
import { renderSummary } from "../summary.ts";
import { type Look, renderReturns } from "../tables.ts";
import { safe } from "../text.ts";
import type { Value, ValueMap } from "../value.ts";

export interface ShowFlags extends GlobalFlags, PeelFlags {
  readonly jid: string;
  readonly summary?: boolean;
  readonly quiet?: boolean;
  readonly "all-peels"?: boolean;
}

/** The text form: the record and its returns, as the reference page has it. */
function renderRecord(
  job: ValueMap,
  peels: readonly Peel[],
  selected: readonly Peel[] | undefined,
  look: Look,
): string {
  const returns = peels.flatMap((peel) => peel.returned ?? []);
  if (!selected)
    return `${toJson(job)}\n${returns.length > 0 ? `\nReturns:\n${renderReturns(returns, look)}` : ""}`;
  const chosen = selected.flatMap((peel) => peel.returned ?? []);
  const missing = selected
    .filter((peel) => peel.state === "missing")
    .map((peel) => safe(displayPeel(peel.peel)));
  const table = chosen.length > 0 ? `\nReturns:\n${renderReturns(chosen, look)}` : "";
  return `${toJson(job)}\n${table}${missing.length > 0 ? `\nMissing:\n${missing.join("\n")}\n` : ""}`;
}

export async function run(flags: ShowFlags): Promise<void> {
  const text = parseJid(flags.jid);
  const selection = peelSelection(flags);
  if (flags.summary && flags.quiet)
    throw new UserError("--summary and --quiet exclude each other.", "Give one of them.");
  await withSession(flags, async ({ store, terminal, format }) => {
    const early = readReturns(store, text, terminal.warn).catch(orNoBucket);
    // Whichever fails first is handled by the awaits below, not as an unhandled rejection.
    early.catch(() => {});
    const { jid, job } = await resolveJob(store, text);
    const found = await (jid === text ? early : readReturns(store, jid, terminal.warn).catch(orNoBucket));
    // Without the returns nobody can say which peels are missing.
    if (found instanceof NoBucket && (selection || flags.summary || flags.quiet)) throw found;
    const peels = peelsOf(job, found instanceof NoBucket ? [] : found);
    const selected = selection && peels.filter(selection);
    const chosen = selected ?? peels;
    if (flags.quiet) terminal.write(chosen.map((peel) => `${safe(displayPeel(peel.peel))}\n`).join(""));
    else if (format !== "text") {
      const document = new Map<string, Value>([
        ["job", job],
        ["returns", chosen.flatMap((peel) => peel.returned?.record ?? [])],
      ]);
      if (flags.missing)
        document.set(
          "missing",
          chosen.filter((peel) => peel.state === "missing").map((peel) => peel.peel),
        );
      await writeDocument(document, format, terminal);
    } else if (flags.summary) {
      const options = { now: new Date(), allPeels: flags["all-peels"] === true };
      terminal.write(renderSummary(job, jobRow(jid, job), peels, chosen, terminal, options));
    } else terminal.write(renderRecord(job, peels, selected, terminal));
    if (found instanceof NoBucket) terminal.warn(`${found.message} The returns are not shown.`);
  });
}
