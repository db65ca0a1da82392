// What help and the man page say of commands beside the one line in the tree: details and examples.

export const root = {
  details:
    "Connection settings: flag, then environment, then config file or NATS context, then default.\nExit codes: 0 done, 1 error, 130 interrupted.",
};

export const list = {
  examples: [
    "zester job list",
    "zester job list --state bad --since 2h --target 'db*' --wide",
    "zester job list -n 20 --reverse",
    "zester job list --format jsonl | jq -r .jid",
  ],
};

export const show = {
  examples: [
    "zester job show 20260115-001",
    "zester job show 20260115-001 --summary",
    "zester job show 20260115-001 --output --peel 'web-*'",
    "zester job show 20260115-001 --missing -q",
  ],
};

export const watch = {
  details:
    "On a terminal a table that changes in place, until Ctrl-C; piped, one line a change. With a <jid>: each return as it\narrives; the exit codes are those of `zester job wait`.",
  examples: ["zester job watch", "zester job watch --target 'db*'", "zester job watch 20260115-002"],
};

export const wait = {
  details:
    "Says nothing until every job has ended. Exit codes: 0 complete, 2 some peel returned a failure, 3 some peel was\nunreachable or missing, 4 both, 5 canceled, 1 an error, 124 --for ran out. Of several jobs the highest counts.",
  examples: ["zester job wait 20260115-001 --for 10m"],
};

export const trace = {
  details:
    "Peels that have not returned are executing (they accepted the job) or silent (they never did). Times count from\nthe dispatch, by the server's clock.",
  examples: ["zester job trace 20260115-002", "zester job trace 20260115-002 --follow"],
};

export const active = {
  examples: ["zester job active", "zester job active --sort duration --wide"],
};

export const kill = {
  details:
    "Publishes the cancel signal. Masters and peels act on it as they can: an operation that must not be interrupted ends\nfirst. With --wait the exit code is 0 when every job was canceled, 6 when one ended otherwise before the signal took\neffect, 124 when --for ran out. Jobs that are selected by flags, or by a shortened id, are shown and asked about.",
  examples: [
    "zester job kill 20260115-002",
    "zester job kill 20260115-002 --wait --for 1m",
    "zester job kill --state running --function 'pkg.*' --since 1h --dry-run",
  ],
};

export const config = {
  examples: ["zester config", "zester config --context prod --format json", "zester config check"],
};

export const configCheck = {
  details: "Leaves nothing on the server, and sends no cancel signal. Exit code 1 when a line says FAIL.",
  examples: ["zester config check", "zester config check --context prod"],
};

export const completion = {
  details:
    "Completes commands, flags, their values, and the ids of jobs and peels as they are at that moment.",
  examples: [
    "source <(zester completion bash)   # in ~/.bashrc, or the same with zsh in ~/.zshrc",
    "zester completion fish > ~/.config/fish/completions/zester.fish",
  ],
};
