// zester job show

import { toJson } from "../codec/json.ts";
import type { Value, ValueMap } from "../codec/value.ts";
import { UserError } from "../errors.ts";
import { orNoBucket, readReturns, resolveJob } from "../jobs/lookup.ts";
import { writeDocument } from "../jobs/read-jobs.ts";
import { peelCounts } from "../model/ending.ts";
import { parseJid } from "../model/jid.ts";
import { jobRow, RETURN_FIELDS } from "../model/job.ts";
import { displayPeel } from "../model/peel.ts";
import { type Peel, peelSelection, peelsOf, worstFirst } from "../model/returns.ts";
import { NoBucket } from "../nats/store.ts";
import { keyed, returnDocument } from "../render/document.ts";
import { type Look, renderReturns } from "../render/jobs.ts";
import { renderOutput } from "../render/output.ts";
import { renderSummary } from "../render/summary.ts";
import { plural, safe } from "../text.ts";
import type { ShowArgs } from "./flags.ts";
import { isPlainPeel, writeIds } from "./ids.ts";
import { type Format, withSession } from "./session.ts";

/** Rows of the table that a person reads on a terminal; piped, and with --all-peels, there is no limit. */
const ROWS = 40;

/** The table of returns; a long one on a terminal shows the worst, and what the rest is. */
function returnsTable(peels: readonly Peel[], look: Look, all: boolean): string {
  const returned = peels.filter((peel) => peel.returned);
  if (returned.length === 0) return "";
  const limited = look.columns !== undefined && !all && returned.length > ROWS;
  const sorted = limited ? worstFirst(returned) : returned;
  const shown = limited ? sorted.slice(0, ROWS) : sorted;
  const rest = sorted.slice(shown.length);
  const more =
    rest.length === 0
      ? ""
      : `… and ${plural(rest.length, "peel")} more: ${peelCounts(rest)} (--all-peels shows them)\n`;
  return `\nReturns:\n${renderReturns(
    shown.flatMap((peel) => peel.returned ?? []),
    look,
  )}${more}`;
}

/** The text form: the record as it is stored, its own `jid` included, and its returns. The reference page has it so. */
function renderRecord(
  job: ValueMap,
  peels: readonly Peel[],
  selected: readonly Peel[] | undefined,
  look: Look,
  all: boolean,
): string {
  const missing = (selected ?? [])
    .filter((peel) => peel.state === "missing")
    .map((peel) => safe(displayPeel(peel.peel)));
  const table = returnsTable(selected ?? peels, look, all);
  return `${toJson(job)}\n${table}${missing.length > 0 ? `\nMissing:\n${missing.join("\n")}\n` : ""}`;
}

function checkForms(flags: ShowArgs, format: Format): void {
  const given = (["summary", "output", "quiet"] as const).filter((name) => flags[name]);
  if (given.length > 1)
    throw new UserError(`--${given[0]} and --${given[1]} exclude each other.`, "Give one of them.");
  if (given.length > 0 && format !== "text")
    throw new UserError(
      `--${given[0]} and --format ${format} exclude each other.`,
      `--format ${format} has everything.`,
    );
}

export async function run(flags: ShowArgs): Promise<void> {
  const text = parseJid(flags.jid);
  const selection = peelSelection(flags);
  await withSession(flags, async ({ store, terminal, format }) => {
    checkForms(flags, format);
    const fields = format === "text" && !flags.output ? RETURN_FIELDS : undefined;
    const returnsOf = (jid: string) => readReturns(store, jid, terminal.warn, fields).catch(orNoBucket);
    const early = returnsOf(text);
    // Whichever fails first is handled by the awaits below, not as an unhandled rejection.
    early.catch(() => {});
    const { jid, job } = await resolveJob(store, text);
    const found = await (jid === text ? early : returnsOf(jid));
    // Without the returns nobody can say which peels are missing.
    if (found instanceof NoBucket && (selection || flags.summary || flags.output || flags.quiet)) throw found;
    const peels = peelsOf(job, found instanceof NoBucket ? [] : found);
    const selected = selection && peels.filter(selection);
    const chosen = selected ?? peels;
    const allPeels = flags["all-peels"] === true;
    const ids = chosen.map(({ peel }) => displayPeel(peel));
    if (flags.quiet) writeIds(ids, isPlainPeel, "peel id", terminal);
    else if (format !== "text") {
      const document = new Map<string, Value>([
        ["job", keyed(job, { jid })],
        ["returns", chosen.flatMap(({ returned }) => (returned ? returnDocument(jid, returned) : []))],
      ]);
      if (flags.missing)
        document.set(
          "missing",
          chosen.filter((peel) => peel.state === "missing").map((peel) => peel.peel),
        );
      await writeDocument(document, format, terminal);
    } else if (flags.output) terminal.writeAll(renderOutput(chosen, terminal.color));
    else if (flags.summary) {
      const options = { now: new Date(), allPeels };
      terminal.write(renderSummary(job, jobRow(jid, job), peels, chosen, terminal, options));
    } else terminal.write(renderRecord(job, peels, selected, terminal, allPeels));
    if (found instanceof NoBucket) terminal.warn(`${found.message} The returns are not shown.`);
  });
}
