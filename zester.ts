// The command tree. Each command is a file of lib/commands/, loaded when it runs.
import { defineCommand } from "citty";
import type { Tree } from "./lib/cli/command.ts";
import { main } from "./lib/cli/main.ts";
import * as groups from "./lib/commands/groups.ts";
import { globals } from "./lib/commands/shared.ts";
import { JOB_PROGRAM, programOf } from "./lib/program.ts";

const definition = (module: { default: Tree }) => module.default;

const jobs = {
  list: () => import("./lib/commands/list.ts").then(definition),
  show: () => import("./lib/commands/show.ts").then(definition),
  active: () => import("./lib/commands/active.ts").then(definition),
  status: () => import("./lib/commands/status.ts").then(definition),
  watch: () => import("./lib/commands/watch.ts").then(definition),
  wait: () => import("./lib/commands/wait.ts").then(definition),
  trace: () => import("./lib/commands/trace.ts").then(definition),
  errors: () => import("./lib/commands/errors.ts").then(definition),
  history: () => import("./lib/commands/history.ts").then(definition),
  diff: () => import("./lib/commands/diff.ts").then(definition),
  stats: () => import("./lib/commands/stats.ts").then(definition),
  grep: () => import("./lib/commands/grep.ts").then(definition),
  export: () => import("./lib/commands/export.ts").then(definition),
  report: () => import("./lib/commands/report.ts").then(definition),
  kill: () => import("./lib/commands/kill.ts").then(definition),
  retry: () => import("./lib/commands/retry.ts").then(definition),
};

const job = defineCommand({ meta: groups.job, args: globals, subCommands: jobs });

/** Not a `run` but a default: citty also runs a parent's `run` after its commands, so `config check` would print the settings too. */
const config = defineCommand({
  meta: groups.config,
  args: globals,
  default: "show",
  subCommands: {
    show: () => import("./lib/commands/config.ts").then(definition),
    check: () => import("./lib/commands/config-check.ts").then(definition),
  },
});

const completion = () => import("./lib/commands/completion.ts").then(definition);
const version = () => import("./lib/commands/version.ts").then(definition);

/** The whole tree. What is generated from it (completion, man page) knows nothing else. */
export const zester = defineCommand({
  meta: groups.root,
  args: globals,
  subCommands: { job, config, completion, version },
});

/** The same for a program that is called `zester-job`. */
export const zesterJob = defineCommand({
  meta: { ...groups.root, ...groups.job },
  args: globals,
  subCommands: { ...jobs, config, completion, version },
});

if (import.meta.main) {
  const program = programOf(process.argv0);
  void main(program === JOB_PROGRAM ? zesterJob : zester, process.argv.slice(2), program);
}
