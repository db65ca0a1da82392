// zester job history
import type { ArgsDef } from "citty";
import { defineCommand, type Flags } from "../cli/command.ts";
import { UserError } from "../errors.ts";
import { isAlive, readHistory, targetedPeels } from "../jobs/history.ts";
import { type HistoryEntry, newestFirst, parseResults } from "../model/history.ts";
import { quoted, tokenFault } from "../model/jid.ts";
import { displayPeel } from "../model/peel.ts";
import { parseCount, parseSelection, typed } from "../model/selection.ts";
import type { Store } from "../nats/store.ts";
import { nearest } from "../nearest.ts";
import { csvText } from "../render/csv.ts";
import { entryCells, entryDocument, HISTORY_TITLES, renderHistory } from "../render/history.ts";
import { progressOn } from "../terminal/progress.ts";
import { count, safe } from "../text.ts";
import { selectionByServer } from "./clock.ts";
import { warnUnreadable, writeList } from "./output.ts";
import { failIfEmpty, writeNone } from "./selecting.ts";
import { type Session, withSession } from "./session.ts";
import { conditions, globals, header, listFormat, repeated, scripted } from "./shared.ts";
import { LIST_FORMATS } from "./surroundings.ts";

const args = {
  ...globals,
  peel: { type: "positional", required: true, description: "peel id, in either form" },
  function: conditions.function,
  state: {
    ...repeated,
    valueHint: "result",
    description: "states of the peel's result, or bad; separated by commas",
  },
  changed: { type: "boolean", description: "only results that changed something" },
  since: conditions.since,
  until: conditions.until,
  limit: { ...conditions.limit, description: "only the newest N results (on a terminal 20)" },
  format: listFormat,
  header,
  ...scripted("no result matches"),
} as const satisfies ArgsDef;

type HistoryArgs = Flags<typeof args>;

/** Entries that a person reads on a terminal. */
const MOST = 20;
/** Peels that are suggested. */
const SUGGESTED = 3;

/** The stored form of a peel's id, which may be given in either form. @throws UserError when it can't be one */
function parsePeel(text: string): string {
  const id = text.replaceAll(".", "_");
  const fault = tokenFault(id);
  if (fault === undefined) return id;
  throw new UserError(
    text === "" ? "the peel id is empty." : `${quoted(text)} is not a peel id: ${fault}.`,
    "Give the id of one peel, as `zester job show <jid>` shows it.",
  );
}

/** ` Did you mean web-388?`: the peels whose ids begin with the text, else the nearest one. */
function suggestion(text: string, peels: ReadonlySet<string>): string {
  const longer = [...peels].filter((peel) => peel.startsWith(text)).sort();
  if (longer.length === 0) return nearest(text, [...peels]);
  const more = longer.length > SUGGESTED ? ", …" : "";
  return ` Did you mean ${longer.slice(0, SUGGESTED).join(", ")}${more}?`;
}

/** @throws UserError when there is no such peel, as far as the buckets tell */
async function requirePeel(store: Store, peel: string): Promise<void> {
  const shown = displayPeel(peel);
  const [peels, alive] = await Promise.all([targetedPeels(store), isAlive(store, peel)]);
  if (alive || peels.has(shown)) return;
  throw new UserError(
    `no job was meant for a peel ${safe(shown)}, and it returned nothing.${suggestion(shown, peels)}`,
    "Jobs and returns are kept for 7 days.",
  );
}

/** What is said when there is nothing to show. */
function noneWords(peel: string, flags: HistoryArgs, all: number): string {
  const conditions = [typed(flags, ["function", "state", "since", "until"]), flags.changed ? "--changed" : ""];
  const text = conditions.filter(Boolean).join(" ");
  const matching = text === "" ? "" : ` match ${safe(text)}${all === 0 ? "" : ` (of ${count(all)})`}`;
  return `No results of ${safe(displayPeel(peel))}${matching}.`;
}

/** What is made of each entry, when it is its turn: all at once would fill the memory. */
function* each<T>(entries: readonly HistoryEntry[], of: (entry: HistoryEntry) => T): Generator<T> {
  for (const entry of entries) yield of(entry);
}

async function write(
  peel: string,
  entries: readonly HistoryEntry[],
  all: readonly HistoryEntry[],
  flags: HistoryArgs,
  session: Session,
): Promise<void> {
  const { terminal, format, store } = session;
  const inTable = format === "text" && terminal.isTty ? MOST : Number.POSITIVE_INFINITY;
  const most = flags.limit === undefined ? inTable : parseCount(flags.limit, "--limit");
  const shown = entries.slice(0, most);
  const header = flags.header !== false;
  if (format === "csv") terminal.writeAll(csvText(HISTORY_TITLES, each(shown, entryCells), header));
  else if (format !== "text")
    await writeList(
      each(shown, (entry) => entryDocument(peel, entry)),
      format,
      terminal,
    );
  else if (entries.length === 0) writeNone(noneWords(peel, flags, all.length), flags, terminal);
  else {
    const { color, columns } = terminal;
    terminal.write(renderHistory(entries, all, most, { color, columns, header }, store.now()));
  }
}

async function run(flags: HistoryArgs): Promise<void> {
  const peel = parsePeel(flags.peel);
  const states = flags.state === undefined ? undefined : parseResults(flags.state);
  if (flags.limit !== undefined) parseCount(flags.limit, "--limit");
  // The state is that of the peel's result, and the limit counts results.
  const conditions = { function: flags.function, since: flags.since, until: flags.until };
  parseSelection(conditions, new Date());
  await withSession(
    flags,
    async (session) => {
      const { store, terminal } = session;
      const selection = await selectionByServer(conditions, session);
      const progress = progressOn(terminal);
      const history = await readHistory(store, peel, selection, { warn: terminal.warn, progress });
      const all = newestFirst(history.entries);
      if (all.length === 0) await requirePeel(store, peel);
      const entries = all.filter(
        ({ state, changed }) => (states?.has(state) ?? true) && (!flags.changed || (changed?.some ?? 0) > 0),
      );
      await write(peel, entries, all, flags, session);
      history.notes.forEach(terminal.warn);
      warnUnreadable(history.unreadable, terminal);
      failIfEmpty(flags, entries.length, noneWords(peel, flags, all.length));
    },
    { formats: LIST_FORMATS },
  );
}

export default defineCommand({
  meta: {
    description: "Show what one peel did in each job, newest first.",
    group: "Ask",
    details:
      "Jobs that go on come first, with what the peel is doing. The last lines say since when a call has gone wrong, or when it went well again.",
    notes:
      "--state takes the states of peels, such as failed or unreachable. Where the bucket has no return of the peel itself, the events are read (late, unfinished).",
    examples: [
      "zester job history web-388 --since 3d",
      "zester job history db.eu.example --function 'state.*' --state bad",
      "zester job history web-388 --changed --format csv",
    ],
  },
  args,
  run: ({ args }) => run(args),
});
