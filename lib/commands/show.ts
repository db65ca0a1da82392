// zester job show
import { decode, decodeRecord, Undecodable } from "../decode.ts";
import { UserError } from "../errors.ts";
import { ambiguousJid, JobNotFound, LEAST_PREFIX, parseJid } from "../jid.ts";
import { jobRow, type Return, toReturn, unreadableReturn } from "../job.ts";
import { writeDocument } from "../jobs.ts";
import { toJson } from "../json.ts";
import { displayPeel } from "../peel.ts";
import { type Peel, type PeelFlags, peelSelection, peelsOf } from "../peels.ts";
import { type GlobalFlags, withSession } from "../session.ts";
import { NoBucket, type Store } from "../store.ts";
import { renderSummary } from "../summary.ts";
import { type Look, renderReturns } from "../tables.ts";
import { safe } from "../text.ts";
import { asText, type Value, type ValueMap } from "../value.ts";

/** The record of a job. @throws UserError when there is none, or when it can't be decoded */
export async function readJob(store: Store, jid: string): Promise<ValueMap> {
  const bytes = await store.job(jid);
  if (!bytes) throw new JobNotFound(jid);
  try {
    return decodeRecord(bytes);
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
    throw new UserError(
      `job ${jid} cannot be decoded: ${error.message} (${bytes.length} bytes).`,
      `Look at the raw value with: nats kv get jobs ${jid} --raw`,
    );
  }
}

/** A job's returns, both layouts merged (on the same peel the per-peel key wins), in no order. */
async function readReturns(store: Store, jid: string, warn: (text: string) => void): Promise<Return[]> {
  const { list, peels } = await store.returns(jid);
  const returns = new Map<string, Return>();
  if (list) {
    try {
      const value = decode(list);
      if (!Array.isArray(value)) throw new Undecodable("not a list");
      value.forEach((record, i) => {
        const peel = record instanceof Map ? asText(record.get("peel_id")) : undefined;
        if (record instanceof Map && peel !== undefined) returns.set(peel, toReturn(peel, record));
        else warn(`return ${i + 1} in the list of job ${jid} is no record of a peel.`);
      });
    } catch (error) {
      if (!(error instanceof Undecodable)) throw error;
      warn(`the list of returns of job ${jid} cannot be decoded: ${error.message}`);
    }
  }
  for (const [key, bytes] of peels) {
    try {
      returns.set(key, toReturn(key, decodeRecord(bytes)));
    } catch (error) {
      if (!(error instanceof Undecodable)) throw error;
      returns.set(key, unreadableReturn(key, error.message));
      warn(`the return of ${displayPeel(key)} cannot be decoded: ${error.message}`);
    }
  }
  return [...returns.values()];
}

export interface ShowFlags extends GlobalFlags, PeelFlags {
  readonly jid: string;
  readonly summary?: boolean;
  readonly quiet?: boolean;
  readonly "all-peels"?: boolean;
}

/**
 * The job that `text` names: itself, or the only one that begins with it. An exact JID costs no scan.
 * @throws UserError when there is none, or several
 */
async function resolveJob(store: Store, text: string): Promise<{ jid: string; job: ValueMap }> {
  try {
    return { jid: text, job: await readJob(store, text) };
  } catch (error) {
    if (!(error instanceof JobNotFound) || text.length < LEAST_PREFIX) throw error;
    const jids = new Set<string>();
    await store.scanJobs((jid) => {
      if (jid.startsWith(text)) jids.add(jid);
    });
    const [jid] = jids;
    if (jid === undefined) throw error;
    if (jids.size > 1) throw ambiguousJid(text, [...jids]);
    return { jid, job: await readJob(store, jid) };
  }
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

/** A bucket of returns that is not there is told beside the job; any other failure stays one. */
function orNoBucket(error: unknown): NoBucket {
  if (error instanceof NoBucket) return error;
  throw error;
}
