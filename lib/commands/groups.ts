// What help says of the commands that hold others.
import type { Manual } from "../cli/command.ts";
import { topics } from "./topics.ts";

export const root: Manual = {
  description: "See and steer the jobs of a Zester fleet over NATS.",
  examples: ["zester job list", "zester job show 20260115-001 --summary", "zester config check"],
  exitCodes: "0 done, 1 error, 130 interrupted.",
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
  },
  topics,
};

/** A command of these groups names its own; help lists them in this order. */
export const job: Manual = {
  description: "List, show, follow, cancel and retry the jobs of the fleet.",
  groups: ["See", "Follow", "Steer", "Ask"],
  terms: [
    ["job", "one call of a function on peels; its id, the JID, may be shortened"],
    ["peel", "the agent on a host, which runs functions and returns what came out"],
    ["master", "a server that takes jobs, sends them to peels and collects returns"],
  ],
  elsewhere: {
    cancel: ["kill"],
    stop: ["kill"],
    rerun: ["retry"],
    relaunch: ["retry"],
    ls: ["list"],
    get: ["list", "show"],
    describe: ["show"],
    ps: ["active"],
    top: ["watch"],
    tail: ["watch"],
    follow: ["watch"],
    logs: ["show --output"],
    output: ["show --output"],
  },
};

export const config: Manual = {
  description: "Show the connection settings and where each came from.",
  examples: ["zester config", "zester config --context prod --format json", "zester config check"],
};
