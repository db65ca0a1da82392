// The command tree. What commands do is in lib/commands/, loaded when one runs.
import { group, leaf } from "./lib/cli/command.ts";
import { main } from "./lib/cli/main.ts";
import * as args from "./lib/commands/flags.ts";
import * as manual from "./lib/commands/manual.ts";
import { JOB_PROGRAM, programOf } from "./lib/program.ts";

const job = group(
  "List, show, follow, cancel and retry the jobs of the fleet.",
  args.globals,
  {
    list: leaf("List all recent jobs, oldest first.", args.list, () => import("./lib/commands/list.ts"), manual.list),
    show: leaf(
      "Show a job's record and its per-peel returns.",
      args.show,
      () => import("./lib/commands/show.ts"),
      manual.show,
    ),
    active: leaf(
      "List the jobs that are running or pending.",
      args.list,
      () => import("./lib/commands/active.ts"),
      manual.active,
    ),
    watch: leaf(
      "Watch the active jobs, or one job until it has ended.",
      args.watch,
      () => import("./lib/commands/watch.ts"),
      manual.watch,
    ),
    wait: leaf("Wait until jobs have ended.", args.wait, () => import("./lib/commands/wait.ts"), manual.wait),
    trace: leaf(
      "Show a job's life, and what each peel is doing.",
      args.trace,
      () => import("./lib/commands/trace.ts"),
      manual.trace,
    ),
    errors: leaf(
      "Show what failed across jobs: errors, most peels first.",
      args.errors,
      () => import("./lib/commands/errors.ts"),
      manual.errors,
    ),
    history: leaf(
      "Show what one peel did in each job, newest first.",
      args.history,
      () => import("./lib/commands/history.ts"),
      manual.history,
    ),
    diff: leaf(
      "Compare two runs: what became worse, better, slower.",
      args.diff,
      () => import("./lib/commands/diff.ts"),
      manual.diff,
    ),
    stats: leaf(
      "Count jobs, failures, times: by function, peel or schedule.",
      args.stats,
      () => import("./lib/commands/stats.ts"),
      manual.stats,
    ),
    grep: leaf(
      "Search what the peels of many jobs returned.",
      args.grep,
      () => import("./lib/commands/grep.ts"),
      manual.grep,
    ),
    kill: leaf("Cancel running jobs.", args.kill, () => import("./lib/commands/kill.ts"), manual.kill),
    retry: leaf(
      "Dispatch a job again, to the peels that need it.",
      args.retry,
      () => import("./lib/commands/retry.ts"),
      manual.retry,
    ),
  },
  manual.job,
);

const config = {
  ...leaf(
    "Show the connection settings and where each came from.",
    args.globals,
    () => import("./lib/commands/config.ts"),
    manual.config,
  ),
  subCommands: {
    check: leaf(
      "Connect, and say whether all is there that commands need.",
      args.globals,
      () => import("./lib/commands/config-check.ts"),
      manual.configCheck,
    ),
  },
};

const completion = leaf(
  "Print the completion script of a shell.",
  args.completion,
  () => import("./lib/commands/completion.ts"),
  manual.completion,
);

const version = leaf(
  "Show version, commit, Bun version and platform.",
  args.version,
  () => import("./lib/commands/version.ts"),
);

/** The whole tree. What is generated from it (completion, man page) knows nothing else. */
export const zester = group(
  "See and steer the jobs of a Zester fleet over NATS.",
  args.globals,
  { job, config, completion, version },
  manual.root,
);

/** The same for a program that is called `zester-job`. */
export const zesterJob = group(
  job.meta?.description ?? "",
  args.globals,
  { ...job.subCommands, config, completion, version },
  { ...manual.job, topics: manual.root.topics, exitCodes: manual.root.exitCodes },
);

if (import.meta.main) {
  const program = programOf(process.argv0);
  void main(program === JOB_PROGRAM ? zesterJob : zester, process.argv.slice(2), args.globalNames, program);
}
