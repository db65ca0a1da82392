// zester job grep
import type { ArgsDef } from "citty";
import { defineCommand, type Flags } from "../cli/command.ts";
import { toJsonLine } from "../codec/json.ts";
import { EXIT, UserError } from "../errors.ts";
import { grepReturns } from "../jobs/grep.ts";
import { readSelected } from "../jobs/recent.ts";
import type { Hit } from "../model/hits.ts";
import { regexSearch, type Search, textSearch } from "../model/search.ts";
import { parseSelection } from "../model/selection.ts";
import { futureWords } from "../render/clock.ts";
import { csvText } from "../render/csv.ts";
import { HIT_TITLES, hitCells, hitDocument, renderHits } from "../render/hits.ts";
import { progressOn } from "../terminal/progress.ts";
import { count, plural } from "../text.ts";
import { ofLastDay, selectionByServer } from "./clock.ts";
import { JOB_IDS, writeIds } from "./ids.ts";
import { amongWords, warnUnreadable, writeList } from "./output.ts";
import { type Session, withSession } from "./session.ts";
import { conditions, globals, header, listFormat } from "./shared.ts";
import { LIST_FORMATS } from "./surroundings.ts";

const args = {
  ...globals,
  text: { type: "positional", required: false, description: "what is searched for, as it is" },
  regexp: { type: "string", alias: "e", valueHint: "regex", description: "in place of <text>: a regular expression" },
  ...conditions,
  jids: { type: "boolean", alias: "l", description: "only the ids of the jobs, one a line" },
  quiet: { type: "boolean", alias: "q", description: "only the exit code" },
  format: listFormat,
  header,
} as const satisfies ArgsDef;

type GrepArgs = Flags<typeof args>;

async function searchOf({ text, regexp }: GrepArgs): Promise<Search> {
  if (text !== undefined && regexp !== undefined)
    throw new UserError("a text and -e exclude each other.", "Give one of them.");
  if (regexp !== undefined) return regexSearch(regexp);
  if (text !== undefined) return textSearch(text);
  throw new UserError(
    "zester job grep needs a text, or a regular expression with -e.",
    "Usage: zester job grep <text> [flags]",
  );
}

/** Takes what was found, job by job, and writes it: as it comes where that can be. */
class Output {
  readonly #peels = new Set<string>();
  readonly #found: { readonly jid: string; readonly hits: readonly Hit[] }[] = [];
  #jobs = 0;
  #titled: boolean;

  constructor(
    readonly flags: GrepArgs,
    readonly search: Search,
    readonly session: Session,
  ) {
    this.#titled = flags.header === false;
  }

  get found(): boolean {
    return this.#jobs > 0;
  }

  /** `2 jobs, 3 peels`. */
  get words(): string {
    return `${plural(this.#jobs, "job")}, ${plural(this.#peels.size, "peel")}`;
  }

  add(jid: string, hits: readonly Hit[]): void {
    const { flags, search } = this;
    const { terminal, format } = this.session;
    this.#jobs++;
    for (const { peel } of hits) this.#peels.add(peel);
    if (flags.quiet) return;
    if (flags.jids) this.#found.push({ jid, hits: [] });
    else if (format === "text") terminal.write(renderHits(jid, hits, search, terminal));
    else if (format === "jsonl") terminal.write(hits.map((hit) => `${toJsonLine(hitDocument(jid, hit))}\n`).join(""));
    else if (format === "csv") {
      terminal.writeAll(
        csvText(
          HIT_TITLES,
          hits.map((hit) => hitCells(jid, hit)),
          !this.#titled,
        ),
      );
      this.#titled = true;
    } else this.#found.push({ jid, hits });
  }

  /** Writes what needs all of it. */
  async end(): Promise<void> {
    const { flags } = this;
    const { terminal, format } = this.session;
    const found = this.#found;
    if (flags.quiet) return;
    if (flags.jids) {
      const jids = found.map(({ jid }) => jid);
      return writeIds(jids, JOB_IDS, this.session, flags.header !== false);
    }
    if (format === "csv" && !this.#titled) terminal.writeAll(csvText(HIT_TITLES, [], true));
    if (format !== "json" && format !== "yaml") return;
    const documents = function* () {
      for (const { jid, hits } of found) for (const hit of hits) yield hitDocument(jid, hit);
    };
    await writeList(documents(), format, terminal);
  }
}

async function search(flags: GrepArgs, wanted: Search, session: Session): Promise<number> {
  const { store, terminal } = session;
  const selection = await selectionByServer(ofLastDay(flags), session);
  const read = await readSelected(store, selection, selection.matches, progressOn(terminal));
  const jobs = selection.arrange(read.jobs);
  const output = new Output(flags, wanted, session);
  const progress = progressOn(terminal, "returns");
  const { sinceNs } = read;
  const searched = await grepReturns(store, { jobs, sinceNs }, wanted, ({ jid }, hits) => output.add(jid, hits), {
    any: flags.quiet === true,
    progress,
    warn: terminal.warn,
  });
  await output.end();
  if (flags.quiet !== true) {
    const from = output.found
      ? `${output.words}, of ${count(searched.returns)} returns read`
      : `not found in ${plural(searched.returns, "return")} of ${plural(jobs.length, "job")} that match ${selection.text} (${amongWords(read)})`;
    terminal.note(`${from}.`);
    if (searched.unreadable > 0)
      terminal.warn(`${plural(searched.unreadable, "return")} cannot be decoded, and could not be searched.`);
    const future = futureWords(read.jobs, store.nowNs());
    if (future !== undefined) terminal.warn(future);
  }
  warnUnreadable(read.unreadable, terminal);
  return output.found ? EXIT.done : EXIT.trouble;
}

async function run(flags: GrepArgs): Promise<number | undefined> {
  const wanted = await searchOf(flags);
  parseSelection(ofLastDay(flags), new Date());
  if (flags.quiet && flags.jids) throw new UserError("--quiet and --jids exclude each other.", "Give one of them.");
  return withSession(flags, async (session) => search(flags, wanted, session), { formats: LIST_FORMATS });
}

export default defineCommand({
  meta: {
    description: "Search what the peels of many jobs returned.",
    group: "Ask",
    details:
      "Searches the errors, names of results, outputs, diffs and other texts that peels returned, line by line, in the jobs that match, of the last 24 hours without --since or --until. Case counts when <text> has upper case.",
    notes:
      "The newest job comes first; equal lines of the peels of a job are one. -e takes regular expressions in the syntax of RE2, without look-around and back references. Not searched: IDs, names of fields, numbers, and the job's arguments.",
    exitCodes: "0 found, 2 not found, 1 an error.",
    examples: [
      "zester job grep 'no space left' --since 3d",
      "zester job grep -e 'E: .*lock' --function 'pkg.*' -l",
      "zester job grep OOM -q && echo found",
    ],
  },
  args,
  run: ({ args }) => run(args),
});
