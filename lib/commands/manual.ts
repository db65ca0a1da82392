// What help and the man page say of commands beside the one line in the tree: their group, details, examples and exit codes.
import { WHEN } from "../model/when.ts";
import { answering, conditions, connecting, peels } from "./shared.ts";

export const root = {
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
  topics: {
    connection: {
      description: "Flags that say which server to ask, and as whom.",
      details:
        "Every command has these flags. A setting comes from its flag, else from the environment, else from the config file or NATS context, else it is the default. `zester config` shows which.",
      flags: connecting,
    },
    output: {
      description: "Flags that say what the answer looks like.",
      details:
        "Every command has these flags; its own help names the formats that it has beside text. Data goes to stdout, warnings and errors go to stderr.",
      flags: answering,
    },
    selection: {
      description: "Flags that select jobs, and what a <jid> may be.",
      details:
        'Conditions combine with "and", the values of a repeated flag with "or"; a comma separates values too, except for --target and --user. Globs have *, ? and [a-z]. wait and kill take them in place of a <jid>; beside @last and the like, --function, --target and --user narrow which job that is.',
      purpose: "which jobs",
      flags: conditions,
      values: [
        ["<jid>", "a job's id, or its first characters (at least 4)"],
        ["@last, @last~2", "the newest job, the second before it"],
        ["@last-bad, @last-bad~2", "the same of jobs that are bad"],
        ["--state active", "pending, claimed, running"],
        ["--state terminal", "complete, failed, partial, timeout, canceled"],
        ["--state bad", "failed, partial, timeout, canceled, unreadable"],
      ] as const,
    },
    peels: {
      description: "Flags that select the peels of a job.",
      details:
        'They combine with "or"; --peel, which may be repeated, and --slower-than narrow what the others select. --missing has peels that are queued, executing, silent, offline, unfinished or missing. Without any of these flags, show has every peel, and retry those of --bad. Where peels or jobs with like errors are one row, the errors differ only in numbers, addresses, names of peels and temporary paths; the most common one is shown.',
      purpose: "which peels",
      flags: peels,
    },
    time: {
      description: "Times: what --since and --until take, and what is shown.",
      details:
        "On a terminal times are those of this machine's zone, with an age; piped, and in every format, they are UTC as stored. Typed days and times are of this machine's zone too; with --utc, or TZ=UTC, all are UTC. Of a time that comes twice when clocks are put back, the first is meant, by 02:15 alone the last that has been; one that is skipped when they are put forward is read as if they had not been: 02:30 is then 03:30. What depends on the time of day counts from the server's clock.",
      values: WHEN,
    },
  },
};

/** The groups of the commands, in the order in which help has them: a command names its own. */
const [SEE, FOLLOW, STEER, ASK] = ["See", "Follow", "Steer", "Ask"] as const;

export const job = {
  description: "List, show, follow, cancel and retry the jobs of the fleet.",
  groups: [SEE, FOLLOW, STEER, ASK],
  terms: [
    ["job", "one call of a function on peels; its id, the JID, may be shortened"],
    ["peel", "the agent on a host, which runs functions and returns what came out"],
    ["master", "a server that takes jobs, sends them to peels and collects returns"],
    ["target", "the peels of a job: an expression such as 'web*', or their names"],
    ["claimed", "the state of a job that a master took and has not sent yet"],
  ],
  elsewhere: {
    cancel: ["kill"],
    stop: ["kill"],
    rerun: ["retry"],
    relaunch: ["retry"],
    ls: ["list"],
    get: ["list", "show"],
    describe: ["show"],
    status: ["active", "show --summary"],
    ps: ["active"],
    top: ["watch"],
    tail: ["watch"],
    follow: ["watch"],
    logs: ["show --output"],
    output: ["show --output"],
  },
} as const;

export const show = {
  description: "Show a job's record and its per-peel returns.",
  group: SEE,
  notes:
    "In --summary peels with the same state, the same changed results and like errors are one row. In --output peels with the same output are one group, whatever they took; the largest that is ok comes last.",
  examples: [
    "zester job show 20260115-001 --summary",
    "zester job list --state bad -q | xargs zester job show --output --peel 'web-*'",
  ],
};

export const watch = {
  description: "Watch the active jobs, or one job until it has ended.",
  group: FOLLOW,
  details:
    "On a terminal a table that changes in place, until Ctrl-C; piped, one line a change. With a <jid>: each return as it arrives, and on a terminal what the job waits for, below those that are not ok.",
  exitCodes: "with a <jid>, those of `zester job wait`; 124 when --for ran out.",
  examples: ["zester job watch", "zester job watch --target 'db*'", "zester job watch 20260115-002 --for 10m"],
};

export const wait = {
  description: "Wait until jobs have ended.",
  group: FOLLOW,
  details:
    "Says nothing until every job has ended, except on a terminal when one is stuck. Without <jid> it waits for the jobs that match and have not ended by now.",
  exitCodes:
    "0 complete, 2 some peel returned a failure, 3 some peel was unreachable or did not return, 4 both, 5 canceled, 1 an error, 124 --for ran out. Of several jobs the highest counts.",
  examples: ["zester job wait 20260115-001 --for 10m", "zester job wait --function 'pkg.*' --since 1h"],
};

export const trace = {
  description: "Show a job's life, and what each peel is doing.",
  group: FOLLOW,
  details:
    "Peels that have not returned are executing (they accepted the job) or silent (they never did). Times count from the dispatch, by the server's clock. With --follow on a terminal all of it is one picture that changes in place.",
  examples: ["zester job trace 20260115-002", "zester job trace 20260115-002 --follow"],
};

export const kill = {
  description: "Cancel running jobs.",
  group: STEER,
  details:
    "Publishes the cancel signal, on which masters and peels act as they can. Jobs that are selected by flags, a shortened id or @last are shown and asked about.",
  notes:
    "An operation that must not be interrupted, such as an installation of packages, ends first. After the end, --wait waits up to 10 seconds for the peels that had not returned.",
  exitCodes: "0 sent, 1 an error; with --wait 0 all were canceled, 6 one ended otherwise, 124 --for ran out.",
  examples: [
    "zester job kill 20260115-002 --wait --for 1m",
    "zester job kill --state running --function 'pkg.*' --since 1h --dry-run",
  ],
};

export const retry = {
  description: "Dispatch a job again, to the peels that need it.",
  group: STEER,
  details:
    "Dispatches a new job: the same function with the same arguments, on the peels that need it again. It is shown and asked about first.",
  notes: "Peels that may have run it already are named before it asks, and so are those that are offline now.",
  exitCodes: "0 done or nothing to do, 1 an error; --wait: as `zester job wait`.",
  examples: [
    "zester job retry @last-bad --dry-run",
    "zester job retry 20260115-001 --peel 'web-*' --yes --wait --for 10m",
  ],
};

const settings = "Show the connection settings and where each came from.";

export const config = {
  description: settings,
  examples: ["zester config", "zester config --context prod --format json", "zester config check"],
};

export const configShow = { description: settings };

export const configCheck = {
  description: "Connect, and say whether all is there that commands need.",
  details: "Leaves nothing on the server, and sends no cancel signal. Exit code 1 when a line says FAIL.",
  examples: ["zester config check", "zester config check --context prod"],
};

export const completion = {
  description: "Print the completion script of a shell.",
  details: "Completes commands, flags, their values, and the ids of jobs and peels as they are at that moment.",
  examples: [
    "source <(zester completion bash)   # in ~/.bashrc, or with zsh in ~/.zshrc",
    "zester completion fish > ~/.config/fish/completions/zester.fish",
  ],
};

export const version = {
  description: "Show version, commit, Bun version and platform.",
};
