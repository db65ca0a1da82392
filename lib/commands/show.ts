// zester job show

import type { Value } from "../codec/value.ts";
import { UserError } from "../errors.ts";
import { orNoBucket, readReturns, resolveJob } from "../jobs/lookup.ts";
import { parseJid } from "../model/jid.ts";
import { jobRow } from "../model/job.ts";
import { displayPeel } from "../model/peel.ts";
import { isPlainPeel } from "../model/plain-id.ts";
import { peelSelection, peelsOf, RETURN_FIELDS } from "../model/returns.ts";
import { NoBucket } from "../nats/store.ts";
import { keyed, returnDocument } from "../render/document.ts";
import { renderOutput } from "../render/output.ts";
import { renderRecord } from "../render/record.ts";
import { renderSummary } from "../render/summary.ts";
import type { ShowArgs } from "./flags.ts";
import { writeIds } from "./ids.ts";
import { writeDocument } from "./output.ts";
import { type Format, withSession } from "./session.ts";

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
    // Without the returns it is not known which peels are missing.
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
