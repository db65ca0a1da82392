import { UserError } from "../errors.ts";
import { isAlive, readHistory, targetedPeels } from "../jobs/history.ts";
import { type HistoryEntry, newestFirst, resultsIn } from "../model/history.ts";
import { quoted, tokenFault } from "../model/jid.ts";
import { displayPeel } from "../model/peel.ts";
import { conditionsText, parseCount, parseSelection } from "../model/selection.ts";
import { nearest } from "../nearest.ts";
import { readsFiles } from "../program.ts";
import { historyView } from "../render/history.ts";
import type { Store } from "../store.ts";
import { progressOn } from "../terminal/progress.ts";
import { count, firstOf, safe } from "../text.ts";
import { question } from "./answer.ts";
import { selectionByServer, unreadableWarning } from "./selecting.ts";
import { conditions, globals, header, listFormat, repeated, scripted } from "./shared.ts";

/** Maximum number of suggested peels. */
const SUGGESTED = 3;

/** The stored form of a peel ID. @throws UserError for an invalid one */
function parsePeel(text: string): string {
  const id = text.replaceAll(".", "_");
  if (/[*?]/.test(text))
    throw new UserError(
      `invalid peel ID ${quoted(text)}: a pattern is not possible here.`,
      `Use the ID of one peel. \`zester job list --target '${safe(text)}'\` lists the jobs of several.`,
    );
  const fault = tokenFault(id);
  if (fault === undefined) return id;
  throw new UserError(
    `invalid peel ID ${quoted(text)}: ${fault}.`,
    "Use the ID of one peel, as `zester job show <jid>` shows it.",
  );
}

/** ` Did you mean web-388?`: the peels with this prefix, else the nearest one. */
function suggestion(text: string, peels: ReadonlySet<string>): string {
  const longer = [...peels].filter((peel) => peel.startsWith(text)).sort();
  if (longer.length === 0) return nearest(text, [...peels]);
  return ` Did you mean ${firstOf(longer, SUGGESTED)}?`;
}

/** @throws UserError when the buckets show no such peel */
async function requirePeel(store: Store, peel: string): Promise<void> {
  const shown = displayPeel(peel);
  const [peels, alive] = await Promise.all([targetedPeels(store), isAlive(store, peel)]);
  if (alive || peels.has(shown)) return;
  throw new UserError(
    `no peel "${safe(shown)}": no ${readsFiles() ? "exported " : ""}job targeted it.${suggestion(shown, peels)}`,
    readsFiles() ? "The server may have jobs that were not exported." : "Jobs and returns are kept for 7 days.",
  );
}

export default question({
  meta: {
    description: "show what one peel did in each job, newest first",
    group: "Analyze",
    details:
      "Running jobs come first, with what the peel is doing. The last lines show when a call first failed, or when it became ok again; peels that a cancel signal stopped do not count.",
    notes:
      "--state takes states of peels, such as failed or unreachable. If the bucket has no return of the peel, the events are read (late, unfinished).",
    example: "zester job history web-388 --since 3d",
  },
  args: {
    ...globals,
    peel: { type: "positional", required: true, description: "peel ID (with dots or underscores)" },
    function: conditions.function,
    state: {
      ...repeated,
      valueHint: "peel state",
      description: "states of peels, or bad; separated by commas",
    },
    changed: { type: "boolean", description: "only jobs in which the peel changed something" },
    since: conditions.since,
    until: conditions.until,
    limit: { ...conditions.limit, description: "only the newest N jobs (default on a terminal: 20)" },
    format: listFormat,
    header,
    ...scripted("no job matches"),
  },
  parse(flags, now) {
    const peel = parsePeel(flags.peel);
    const isInState = flags.state === undefined ? undefined : resultsIn(flags.state);
    const limit = flags.limit === undefined ? undefined : parseCount(flags.limit, "--limit");
    const conditions = [
      conditionsText(flags, ["function", "state", "since", "until"]),
      flags.changed ? "--changed" : "",
    ];
    return {
      peel,
      // The state is that of the peel's result, and the limit counts results.
      selection: parseSelection({ function: flags.function, since: flags.since, until: flags.until }, now),
      text: conditions.filter(Boolean).join(" "),
      limit,
      matches: (entry: HistoryEntry) =>
        (isInState?.(entry) ?? true) && (!flags.changed || (entry.changed?.some ?? 0) > 0),
    };
  },
  async answerOf({ peel, selection, text, limit, matches }, session) {
    const { store, terminal } = session;
    const found = await selectionByServer(selection, session);
    const history = await readHistory(store, peel, found, { warn: terminal.warn, progress: progressOn(terminal) });
    const all = newestFirst(history.entries);
    if (all.length === 0) await requirePeel(store, peel);
    const matching = text === "" ? "" : ` match ${safe(text)}${all.length === 0 ? "" : ` (of ${count(all.length)})`}`;
    return {
      shown: historyView(peel, all.filter(matches), all, found, limit),
      none: `No jobs of ${safe(displayPeel(peel))}${matching}.`,
      warnings: [...history.notes, unreadableWarning(history.unreadable)],
    };
  },
});
