// What `zester help <topic>` says: what several commands have in common.
import type { Topic } from "../cli/command.ts";
import { WHEN } from "../model/when.ts";
import { answering, conditions, connecting, peels } from "./shared.ts";

export const topics: Readonly<Record<string, Topic>> = {
  connection: {
    description: "Flags that say which server to ask, and as whom.",
    details:
      "Every command has these flags. A setting comes from its flag, else from the environment, else from the config file or NATS context, else it is the default. `zester config` shows which. A user with a password, or a token, comes from $NATS_USER and $NATS_PASSWORD, or $NATS_TOKEN, from the address, or from a context.",
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
      ["--state claimed", "a master took the job and has not sent it yet"],
      ["--state active", "pending, claimed, running"],
      ["--state terminal", "complete, failed, partial, timeout, canceled"],
      ["--state bad", "failed, partial, timeout, canceled, unreadable"],
    ],
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
};
