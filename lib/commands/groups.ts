// Help on the commands that have commands of their own.
import type { Manual } from "../cli/command.ts";
import { TERMS, topics } from "./topics.ts";

export const root: Manual = {
  description: "inspect and control the jobs of a Zester fleet",
  example: "zester job show @last-bad --summary",
  terms: TERMS,
  flagsElsewhere: {
    o: ["--format"],
    output: ["--format"],
    json: ["--format json"],
    jsonl: ["--format jsonl"],
    yaml: ["--format yaml"],
    csv: ["--format csv"],
    w: ["--follow", "--wait", "zester job watch"],
    watch: ["--follow", "--wait", "zester job watch"],
    follow: ["zester job watch"],
    failed: ["--state bad"],
    bad: ["--state bad"],
    peel: ["--target"],
  },
  topics,
};

/** Each command has one of these groups; help lists them in this order. */
export const job: Manual = {
  description: "list, show, follow, cancel and retry jobs",
  example: "zester job list --state bad --since 1h",
  groups: ["Inspect", "Follow", "Control", "Analyze"],
  elsewhere: {
    cancel: ["kill"],
    stop: ["kill"],
    rerun: ["retry"],
    relaunch: ["retry"],
    ls: ["list"],
    get: ["list", "show --summary"],
    describe: ["show --summary"],
    ps: ["active"],
    top: ["watch"],
    tail: ["watch"],
    follow: ["watch"],
    logs: ["show --output"],
    output: ["show --output"],
  },
};

export const config: Manual = {
  description: "show and check the connection settings",
  example: "zester config check",
  elsewhere: { get: ["show"], view: ["show"], list: ["show"] },
};
