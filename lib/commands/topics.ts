// Help topics: what several commands have in common.
import type { Topic } from "../cli/command.ts";
import { WHEN } from "../model/when.ts";
import { answering, conditions, connecting, peels } from "./shared.ts";

export const topics: Readonly<Record<string, Topic>> = {
  connection: {
    description: "flags that select the server and the user",
    details:
      "All commands have these flags. The first of these counts: the flag, the environment variable, the config file or NATS context, the default. `zester config` shows which one did. User and password, or a token, come from $NATS_USER and $NATS_PASSWORD, or $NATS_TOKEN, from the URL, or from a context.",
    flags: connecting,
    values: [
      ["default --config", "/etc/zester/master.yaml, else ~/.zester/config.yaml"],
      ["default --context", "the selected context, if there is no config file"],
      ["default --master", "nats://localhost:4222"],
      ["default --timeout", "5s"],
    ],
  },
  output: {
    description: "flags that control the output",
    details:
      "All commands have these flags. The default format is text; a command without the format of $ZESTER_FORMAT has its default. Data goes to stdout, warnings and errors go to stderr. --force-color overrides $NO_COLOR and TERM=dumb.",
    flags: answering,
  },
  selection: {
    description: "flags that select jobs, and forms of <jid>",
    details:
      'Different flags combine with "and", several values of one flag with "or"; a comma separates values too, except for --target and --user. Globs have *, ? and [a-z]. wait, kill and export take these flags instead of a <jid>. wait, kill, export and watch also take --function, --target and --user with @last and the like: they narrow which job that is.',
    heading: "Select jobs:",
    flags: conditions,
    values: [
      ["<jid>", "ID of a job, or a prefix of at least 4 characters"],
      ["@last, @last~2", "the newest job, two before it"],
      ["@last-bad, @last-bad~2", "the same among bad jobs"],
      ["--state claimed", "taken by a master, not sent yet"],
      ["--state active", "pending, claimed, running"],
      ["--state terminal", "complete, failed, partial, timeout, canceled"],
      ["--state bad", "failed, partial, timeout, canceled, unreadable"],
    ],
  },
  peels: {
    description: "flags that select the peels of a job",
    details:
      'These flags combine with "or"; --peel, which may be repeated, and --slower-than narrow the result. --missing selects queued, executing, silent, offline, unfinished and missing peels. Without these flags, show selects all peels, retry those of --bad; retry does not accept --late and --slower-than. Similar errors share a row: they differ only in numbers, addresses, names of peels and temporary paths; the most common one is shown.',
    heading: "Select peels:",
    flags: peels,
  },
  states: {
    description: "states of jobs and of peels",
    details: "First the states of jobs, then those of peels, worst first; either can be unreadable.",
    values: [
      ["pending", "no master has taken the job"],
      ["claimed", "a master has taken it, and not sent it yet"],
      ["running", "sent to the peels"],
      ["complete", "all peels returned with success"],
      ["failed", "all peels returned or are unreachable, some are not ok"],
      ["partial", "the deadline passed after some peels returned"],
      ["timeout", "the deadline passed, and no peel returned"],
      ["canceled", "canceled before all peels returned"],
      ["peel: failed", "returned an error"],
      ["unreadable", "returned, and the return cannot be decoded"],
      ["unreachable", "the master had no ack within 10s; may have run the job"],
      ["late", "returned after that, or after the job ended"],
      ["offline", "is silent and has no heartbeat"],
      ["silent", "has not accepted the job"],
      ["unfinished", "accepted the job, which ended without its return"],
      ["missing", "has not returned; whether it accepted is unknown"],
      ["queued", "accepted the job, and has not returned an earlier one"],
      ["executing", "accepted the job and has not returned"],
      ["ok", "returned with success"],
    ],
  },
  time: {
    description: "times in --since and --until, and in the output",
    details:
      "A terminal shows local times, with an age; pipes and all formats have UTC, as stored. Days and times that you type are local too; with --utc, or TZ=UTC, all are UTC. A time that occurs twice, when clocks are put back, is the first of the two; 02:15 alone is the last one that has passed. A time that is skipped, when clocks are put forward, counts as if they had not been: 02:30 is then 03:30. Times of day count from the server's clock.",
    values: WHEN,
  },
  "exit-codes": {
    description: "exit codes of all commands",
    details: "wait stands for wait, watch <jid> and retry --wait; of several jobs the highest code counts.",
    values: [
      ["0", "done; also if nothing matches"],
      ["1", "error; with --fail-if-empty also if nothing matches"],
      ["2", "wait: a peel failed; diff: a peel became worse; grep: not found; --check: there is a problem"],
      ["3", "wait: a peel was unreachable or did not return"],
      ["4", "wait: both 2 and 3"],
      ["5", "wait: canceled"],
      ["6", "kill --wait: a job ended otherwise than canceled"],
      ["124", "--for expired"],
      ["129, 130, 143", "ended by a signal: hangup, Ctrl-C, termination"],
    ],
  },
};
