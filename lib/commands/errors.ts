// zester job errors
import type { ArgsDef } from "citty";
import { defineCommand, type Flags } from "../cli/command.ts";
import { readFailures } from "../jobs/failures.ts";
import { readSelected } from "../jobs/recent.ts";
import { type JobRow, mayHaveFailed } from "../model/job.ts";
import { parseCount, parseSelection, type Selection } from "../model/selection.ts";
import { futureWords } from "../render/clock.ts";
import { errorsView, failedJobsView, unreachableLine } from "../render/errors.ts";
import { progressOn } from "../terminal/progress.ts";
import { plural } from "../text.ts";
import { ofLastDay, selectionByServer } from "./clock.ts";
import { amongWords, unreadableWarning } from "./output.ts";
import type { Session } from "./session.ts";
import { conditions, globals, header, listFormat, scripted } from "./shared.ts";
import { type Answer, answerWith, type Form, outputForm } from "./write-answer.ts";

const args = {
  ...globals,
  ...conditions,
  limit: { ...conditions.limit, description: "only the first N rows" },
  by: { type: "string", valueHint: "error|job", description: "group by error (default) or job" },
  format: listFormat,
  header,
  ...scripted("no job matches"),
} as const satisfies ArgsDef;

type ErrorsArgs = Flags<typeof args>;

interface ErrorsRequest {
  readonly by: "error" | "job";
  readonly selection: Selection;
  readonly limit: number | undefined;
  readonly form: Form;
}

const parse = (flags: ErrorsArgs, now: Date): ErrorsRequest => ({
  selection: parseSelection(ofLastDay({ ...flags, limit: undefined }), now),
  by: flags.by ?? "error",
  limit: flags.limit === undefined ? undefined : parseCount(flags.limit, "--limit"),
  form: outputForm(flags),
});

async function answerOf({ by, selection: asked, limit, form }: ErrorsRequest, session: Session): Promise<Answer> {
  const { store, terminal } = session;
  const selection = await selectionByServer(asked, session);
  // A job may come again while all are read, and may not match any more.
  const matching = new Set<string>();
  const keep = (row: JobRow) => {
    const matches = selection.matches(row);
    if (form.failIfEmpty) matching[matches ? "add" : "delete"](row.jid);
    return matches && mayHaveFailed(row);
  };
  const read = await readSelected(store, selection, keep, progressOn(terminal));
  const { failures, unreachable } = await readFailures(store, read, progressOn(terminal, "returns"), terminal.warn);
  const found = { failures, unreachable: unreachable.groups()[0], jobAt: (number: number) => read.jobs.at(number).row };
  const { view, more } = by === "job" ? failedJobsView(found, limit) : errorsView(found, limit);
  const among = `match ${selection.text} (${amongWords(read)}).`;
  return {
    shown: view,
    none: `No peel failed in jobs that ${among}`,
    selected: { size: matching.size, none: `No jobs ${among}` },
    notes: {
      text: more > 0 ? `${plural(more, `more ${by}`)}; raise --limit.` : undefined,
      // A job has a row for what failed in it: unreachable peels have none.
      data:
        by === "job" ? unreachableLine(found.unreachable, { columns: undefined }).trimEnd() || undefined : undefined,
    },
    warnings: [futureWords(read.jobs, store.nowNs()), unreadableWarning(read.unreadable)],
  };
}

export default defineCommand({
  meta: {
    description: "show errors across jobs, most peels first",
    group: "Analyze",
    details:
      "Reads the returns of matching jobs; without --since or --until, of the last 24 hours. Similar errors share a row (see `zester help peels`). LAST: creation time of the newest job with this error.",
    flagsElsewhere: { peel: ["zester job history <peel>"] },
    example: "zester job errors --since 1h",
  },
  args,
  run: ({ args }) => answerWith(args, parse(args, new Date()), answerOf),
});
