// Help topics: what several commands have in common.
import type { Topic } from "../cli/command.ts";
import { WHEN } from "../model/when.ts";
import { answering, conditions, connecting, peels } from "./shared.ts";

/** The first words to know. */
export const TERMS = [
  ["job", "one call of a function on peels, with an ID (JID)"],
  ["peel", "agent on a host: runs functions, sends returns"],
  ["master", "program that sends jobs to peels and collects returns"],
] as const;

export const topics: Readonly<Record<string, Topic>> = {
  connection: {
    description: "flags that select the server and the user",
    details:
      "Commands that connect have these flags. Priority: flag, environment variable, config file or NATS context, default; but --context overrides $NATS_URL. `zester config` shows the source of each setting. User and password, or a token, come from $NATS_USER and $NATS_PASSWORD, or $NATS_TOKEN, from the URL, or from a context.",
    flags: connecting,
    values: [
      ["default --config", "/etc/zester/master.yaml, else ~/.zester/config.yaml"],
      ["default --context", "the selected context, if no file and no server is set"],
      ["default --master", "nats://localhost:4222"],
      ["default --timeout", "5s"],
    ],
  },
  output: {
    description: "flags that control the output",
    details:
      "Most commands have these flags. The default format is text; a command that does not have the format of $ZESTER_FORMAT uses its default. Data goes to stdout, warnings and errors go to stderr. --force-color overrides $NO_COLOR and TERM=dumb.",
    flags: answering,
  },
  selection: {
    description: "flags that select jobs, and forms of <jid>",
    details:
      'Different flags combine with "and", several values of one flag with "or"; a comma separates values too, except for --target and --user. Globs have *, ? and [a-z], or are folded names such as web-[08-12]. Without a <jid>, wait, kill and export take all these flags. With @last, wait, kill, export and watch take only --function, --target and --user: `@last --user ops` is the newest job of ops.',
    heading: "Select jobs:",
    flags: conditions,
    values: [
      ["<jid>", "ID of a job, or a prefix of at least 4 characters"],
      ["@last", "the newest job"],
      ["@last~2", "the third newest job"],
      ["@last-bad", "the newest bad job; @last-bad~2 is the third newest"],
      ["--state claimed", "taken by a master, not sent yet"],
      ["--state active", "pending, claimed, running"],
      ["--state terminal", "complete, failed, partial, timeout, canceled"],
      ["--state bad", "failed, partial, timeout, canceled, unreadable"],
    ],
  },
  peels: {
    description: "flags that select the peels of a job",
    details:
      'These flags combine with "or". --peel (repeatable) and --slower-than restrict the selection further; --peel also accepts the output of show --as-target and --fold. --missing selects all peels without a return that are not unreachable: offline, silent, unfinished, queued, executing, or in the state missing. --late also selects returns after the end of the job. Without these flags, show prints the stored returns, retry selects the peels of --bad; retry does not accept --late and --slower-than. Similar errors share a row: they differ only in numbers, addresses, names of peels and temporary paths; the most common one is shown.',
    heading: "Select peels:",
    flags: peels,
  },
  states: {
    description: "states of jobs and of peels",
    details:
      "First the states of jobs, then those of peels, worst first; either can be unreadable. In counts, `8 late (6 stopped; 1 failed)` means that a cancel signal stopped 6 of these peels, and that 1 other failed.",
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
      ["unreachable", "the master had no ack after about 10s; may have run"],
      ["late", "returned after it was marked unreachable, or after the job ended"],
      ["offline", "has not accepted the job, and has no heartbeat"],
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
      "A terminal shows local times, with an age; pipes and all formats have UTC, as stored. Days and times that you type are local too; with --utc, or TZ=UTC, all are UTC. When clocks go back, 02:15 occurs twice: with a date it means the first, without a date the most recent. When clocks go forward, 02:30 does not exist: it means 03:30. Times of day use the server's clock.",
    values: WHEN,
  },
  terms: {
    description: "terms in help, messages and output",
    values: [
      ...TERMS,
      ["dispatch", "a master sends a job to its peels"],
      ["ack", "a peel's message that it accepted a job"],
      ["return", "what a peel sent when it was done with a job"],
      ["result", "how one state or call of a job ended on a peel"],
      ["duration", "of a job: from creation to end; of a peel (also TOOK): run time"],
      ["target", "expression that selects the peels of a job, such as web*"],
      ["state", "of a job: running, failed, …; of a peel in a job: ok, failed, …"],
      ["bad", "job: failed, partial, timeout, canceled, unreadable; peel: did not return ok"],
      ["owner", "master that sends a job and watches it until it ends"],
      ["deadline", "time when the master ends a job that is not complete"],
      ["stuck", "job whose deadline has passed, or that no master watches"],
      ["overdue", "job: its deadline has passed; schedule: it did not run"],
      ["source", "origin of a job: operator, schedule or reactor"],
      ["schedule", "calls that a peel starts by itself, at intervals"],
      ["reactor", "rules of a master that start jobs when events occur"],
      ["heartbeat", "message of a master or a peel at intervals: it is alive"],
      ["event", "stored message about a job: dispatch, ack, return, end"],
      ["record", "stored data of a job: function, arguments, targets, state"],
      ["bucket", "table in NATS with records, returns or heartbeats"],
    ],
  },
  "exit-codes": {
    description: "exit codes of all commands",
    details:
      '"wait" below means wait, watch <jid>, trace --follow and retry --wait. With several jobs: the highest code.',
    values: [
      ["0", "done; also if nothing matches"],
      ["1", "error, or you answered no; with --fail-if-empty and stats --check also if nothing matches"],
      ["2", "wait: a peel failed; diff: a peel became worse; grep: not found; --check: there is a problem"],
      ["3", "wait: a peel was unreachable or did not return"],
      ["4", "wait: both 2 and 3"],
      ["5", "wait: canceled"],
      ["6", "kill --wait: a job ended in another way after the signal was sent"],
      ["124", "--for expires"],
      ["129, 130, 143", "ended by a signal: hangup, Ctrl-C, termination"],
    ],
  },
};
