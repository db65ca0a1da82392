// zester job show
import { decode, decodeRecord, Undecodable } from "../decode.ts";
import { UserError } from "../errors.ts";
import { jobNotFound, parseJid } from "../jid.ts";
import { byPeel, type Return, toReturn } from "../job.ts";
import { writeDocument } from "../jobs.ts";
import { toJson } from "../json.ts";
import { displayPeel } from "../peel.ts";
import { type GlobalFlags, withSession } from "../session.ts";
import { NoBucket, type Store } from "../store.ts";
import { renderReturns } from "../tables.ts";
import { asText, type Value, type ValueMap } from "../value.ts";

/** The record of a job. @throws UserError when there is none, or when it can't be decoded */
export async function readJob(store: Store, jid: string): Promise<ValueMap> {
  const bytes = await store.job(jid);
  if (!bytes) throw jobNotFound(jid);
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

/** A job's returns, both layouts merged (on the same peel the per-peel key wins), sorted by peel. */
async function readReturns(store: Store, jid: string, warn: (text: string) => void): Promise<Return[]> {
  const { list, peels } = await store.returns(jid);
  const returns = new Map<string, Return>();
  const take = async (what: string, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Undecodable)) throw error;
      warn(`${what} cannot be decoded: ${error.message}`);
    }
  };
  if (list) {
    await take(`the list of returns of job ${jid}`, async () => {
      const value = await decode(list);
      if (!Array.isArray(value)) throw new Undecodable("not a list");
      value.forEach((record, i) => {
        const peel = record instanceof Map ? asText(record.get("peel_id")) : undefined;
        if (record instanceof Map && peel !== undefined) returns.set(peel, toReturn(peel, record));
        else warn(`return ${i + 1} in the list of job ${jid} is no record of a peel.`);
      });
    });
  }
  for (const [key, bytes] of peels) {
    await take(
      `the return of ${displayPeel(key)}`,
      async () => void returns.set(key, toReturn(key, await decodeRecord(bytes))),
    );
  }
  return [...returns.values()].sort(byPeel);
}

export async function run(flags: GlobalFlags & { jid: string }): Promise<void> {
  const jid = parseJid(flags.jid);
  await withSession(flags, async ({ store, terminal, format }) => {
    const pending = readReturns(store, jid, terminal.warn).catch((error) => {
      if (!(error instanceof NoBucket)) throw error;
      return error;
    });
    // Whichever fails first is handled by the await below it, not as an unhandled rejection.
    pending.catch(() => {});
    const job = await readJob(store, jid);
    const found = await pending;
    const returns = found instanceof NoBucket ? [] : found;
    if (format === "text") {
      const table = returns.length > 0 ? `\nReturns:\n${renderReturns(returns, terminal)}` : "";
      terminal.write(`${toJson(job)}\n${table}`);
    } else
      await writeDocument(
        new Map<string, Value>([
          ["job", job],
          ["returns", returns.map((item) => item.record)],
        ]),
        format,
        terminal,
      );
    if (found instanceof NoBucket) terminal.warn(`${found.message} The returns are not shown.`);
  });
}
