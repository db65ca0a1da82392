// zester job status
import type { ArgsDef } from "citty";
import { defineCommand, type Flags } from "../cli/command.ts";
import { EXIT } from "../errors.ts";
import { fleetStatus, readFleet } from "../jobs/status.ts";
import { parseSelection, type Selection } from "../model/selection.ts";
import { concernsOf } from "../model/status.ts";
import { futureWords } from "../render/clock.ts";
import { statusView } from "../render/status.ts";
import { progressOn } from "../terminal/progress.ts";
import { selectionByServer } from "./clock.ts";
import { unreadableWarning } from "./output.ts";
import type { Session } from "./session.ts";
import { conditions, formats, globals } from "./shared.ts";
import { type Answer, answerWith, type Form, outputForm } from "./write-answer.ts";

const args = {
  ...globals,
  since: { ...conditions.since, description: "count failed jobs created at or after (default 1h)" },
  check: { type: "boolean", description: "exit code 2 if there is a problem" },
  format: formats("text|json|yaml|openmetrics"),
} as const satisfies ArgsDef;

interface StatusRequest {
  readonly selection: Selection;
  /** --since as a word of a shell. */
  readonly since: string;
  readonly check: boolean;
  readonly form: Form;
}

function parse({ since = "1h", check = false }: Flags<typeof args>, now: Date): StatusRequest {
  const selection = parseSelection({ since }, now);
  return { selection, since: since.includes(" ") ? `'${since}'` : since, check, form: outputForm({}) };
}

async function answerOf({ selection, since, check }: StatusRequest, session: Session): Promise<Answer> {
  const { store, terminal, format } = session;
  // First, because its answers have the server's clock.
  const fleet = await readFleet(store, progressOn(terminal));
  const { since: sinceNs = 0n } = await selectionByServer(selection, session);
  const status = await fleetStatus(store, fleet, sinceNs, terminal.warn);
  return {
    shown: statusView(status, since, format === "openmetrics"),
    warnings: [futureWords(fleet.read.jobs, status.nowNs), unreadableWarning(fleet.read.unreadable)],
    code: check && concernsOf(status).length > 0 ? EXIT.trouble : EXIT.done,
  };
}

export default defineCommand({
  meta: {
    description: "show what is wrong in the fleet, worst first",
    group: "Inspect",
    details:
      "Problems: masters without heartbeat, stuck jobs, failed jobs, overdue schedules, peels without heartbeat. Each line ends with a command for details. One line if there is no problem.",
    notes:
      "`masters`, `stuck`, `failed`, `overdue` and `peels` are problems: with --check the exit code is 2. `active` and `unknown` (heartbeats cannot be read) are not. `peels` compares the peels that jobs of the last 24 hours targeted with the heartbeats.",
    exitCodes: "0 done, 1 error; with --check 2 if there is a problem",
    example: "zester job status --since today",
  },
  args,
  run: ({ args }) => answerWith(args, parse(args, new Date()), answerOf),
});
