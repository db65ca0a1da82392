import { EXIT } from "../errors.ts";
import { fleetStatus, readFleet } from "../jobs/status.ts";
import { parseSelection } from "../model/selection.ts";
import { concernsOf } from "../model/status.ts";
import { statusView } from "../render/status.ts";
import { futureWords } from "../render/time.ts";
import { progressOn } from "../terminal/progress.ts";
import { question } from "./answer.ts";
import { selectionByServer, unreadableWarning } from "./selecting.ts";
import { conditions, formats, globals } from "./shared.ts";

export default question({
  meta: {
    description: "show what is wrong in the fleet, worst first",
    group: "Inspect",
    details:
      "Problems: masters without heartbeat, stuck jobs, failed jobs, overdue schedules, peels without heartbeat. Each line ends with a command for details. One line if there is no problem.",
    notes:
      "`masters`, `stuck`, `failed`, `overdue` and `peels` are problems: with --check the exit code is 2. `active` and `unknown` (heartbeats cannot be read) are not. `peels` compares the peels that jobs of the last 24 hours targeted with the heartbeats.",
    exitCodes: "0 done, 1 error; with --check 2 if there is a problem",
    surplus: "`zester job show <jid> --summary` shows one job.",
    example: "zester job status --since today",
  },
  args: {
    ...globals,
    since: { ...conditions.since, description: "count failed jobs created at or after (default 1h)" },
    check: { type: "boolean", description: "exit code 2 if there is a problem" },
    format: formats("text|json|yaml|openmetrics"),
  },
  parse: ({ since = "1h", check = false }, now) => ({
    selection: parseSelection({ since }, now),
    /** Quoted for a shell. */
    since: since.includes(" ") ? `'${since}'` : since,
    check,
  }),
  async answerOf({ selection, since, check }, session) {
    const { store, terminal, isMetrics } = session;
    // First, because its answers contain the server's clock.
    const fleet = await readFleet(store, progressOn(terminal));
    const { since: sinceNs = 0n } = await selectionByServer(selection, session);
    const status = await fleetStatus(store, fleet, sinceNs, terminal.warn);
    return {
      shown: statusView(status, since, isMetrics),
      warnings: [futureWords(fleet.read.jobs, status.nowNs), unreadableWarning(fleet.read.unreadable)],
      code: check && concernsOf(status).length > 0 ? EXIT.trouble : EXIT.done,
    };
  },
});
