// The first lines of `trace` and `show --summary` for each recorded story, and the comparison of texts with times.

const CREATED = "Created   2026-01-15T09:30:00.123456789Z (AGO)";

/** The reason for the ends of Orphan and Twice. */
export const ORPHAN =
  "a cancel signal was sent while no master watched: 2 of 2 peels aborted, and the job ended as failed after a takeover by master-2hPwA1";
export const TWICE = "db-01 is a target twice and counts as two, so the job could not be complete";

/** By JID. */
export const FACTS = {
  "2hPxSFailed": `pkg.installed openssl on web* by ops, 2 peels
Job       2hPxSFailed
State     failed
Target    web*
User      ops
Owner     master-2hPwZ9
${CREATED}
Duration  2.0s
Peels     2: 1 failed, 1 ok
`,
  // The master heard one ack. The job is overdue: its deadline was in January, and its master is alive.
  "2hPxSForged": `cmd.run uptime on db* by root, 2 peels
Job       2hPxSForged
State     running
Target    db*
User      root
Owner     master-2hPwZ9
${CREATED}
Elapsed   T
Deadline  2026-01-15T09:31:00.123456789Z (AGO)
Stuck     T overdue
          \`zester job trace 2hPxSForged\` shows what it waits for, \`zester job kill 2hPxSForged\` cancels it.
Peels     0/2 done: 1 offline, 1 executing
3 messages ignored: evil-01 is not a target, db-01 sent a return as db-02
`,
  "2hPxSLate": `state.apply nginx on web* by ops, 2 peels
Job       2hPxSLate
State     failed
Target    web*
User      ops
Owner     master-2hPwZ9
${CREATED}
Duration  2.0s
Peels     2: 1 late, 1 ok
`,
  "2hPxSTest": `state.apply nginx on web-01 by ops, 1 peel
Dry run: nothing was changed
Job       2hPxSTest
State     complete
Args      state=nginx test=true
Target    web-01
User      ops
Owner     master-2hPwZ9
${CREATED}
Duration  2.0s
Peels     1: 1 ok
`,
  // db-02 had accepted the job when it ended.
  "2hPxSCut": `cmd.run "sleep 600" on db* by root, 2 peels
Job       2hPxSCut
State     canceled
Reason    cancelled by user
Target    db*
User      root
Owner     master-2hPwZ9
${CREATED}
Duration  2.0s
Peels     2: 1 unfinished, 1 ok
`,
  "2hPxSReclaim": `state.highstate on * by ops, 1 peel
Job       2hPxSReclaim
State     failed
Reason    reclaim limit exceeded: job reclaimed 4 times (max 3)
Target    *
User      ops
Owner     master-2hPwZ9
${CREATED}
Duration  1m
Peels     1: 1 unfinished
`,
  "2hPxSBusy": `cmd.run true on db-01 by root, 1 peel
Job       2hPxSBusy
State     failed
Target    db-01
User      root
Owner     master-2hPwZ9
${CREATED}
Duration  2.0s
Peels     1: 1 failed
`,
  // There was no dispatch, and the record was written at the end of the run: only the peel knows how long it took.
  "2hPxSSched": `state.highstate, 1 peel
Job       2hPxSSched
State     complete
Source    schedule "nightly" on web-01
${CREATED}
Duration  58s
Peels     1: 1 ok
`,
  "rxn-0123456789abcdef0123456789abcdef": `service.restart nginx by reactor:restart-nginx, 1 peel
Job       rxn-0123456789abcdef0123456789abcdef
State     complete
Source    rule restart-nginx, event beacon/nginx/down
User      reactor:restart-nginx
Owner     master-2hPwZ9
${CREATED}
Duration  2.0s
Peels     1: 1 ok
`,
  // Its master answered a REST request, and stopped watching with that: the returns are in the events alone.
  "2hPxSRest": `cmd.run uptime by ci-token, 2 peels
Job       2hPxSRest
State     timeout
Reason    the master stopped watching 59s before the deadline; 2 of 2 peels returned after that: 2 ok
User      ci-token
Owner     master-2hPwZ9
${CREATED}
Duration  4ms
Peels     2: 2 late
`,
  "2hPxSEarly": `test.version on web* by ops, 2 peels
Job       2hPxSEarly
State     failed
Reason    the master missed the return of web-01
Target    web*
User      ops
Owner     master-2hPwZ9
${CREATED}
Duration  2.0s
Peels     2: 2 ok
`,
  "2hPxSAlien": `cmd.run true on db-01 by root, 1 peel
Job       2hPxSAlien
State     complete
Target    db-01
User      root
Owner     master-2hPwZ9
${CREATED}
Duration  2.0s
Peels     1: 1 ok
1 message ignored: evil-01 is not a target
`,
  "2hPxSOrphan": `state.apply big on db* by ops, 2 peels
Job       2hPxSOrphan
State     failed
Reason    ${ORPHAN}
Target    db*
User      ops
Owner     master-2hPwA1
${CREATED}
Duration  2.0s
Peels     2: 2 failed
`,
  "2hPxSUnwatched": `cmd.run true on db-01 by root, 1 peel
Job       2hPxSUnwatched
State     running
Target    db-01
User      root
Owner     master-2hPwZ9
${CREATED}
Elapsed   T
Deadline  2026-01-15T09:31:00.123456789Z (AGO)
Stuck     T overdue; its master master-2hPwZ9 is alive but does not watch the job, which ends when that master restarts
          Restart master-2hPwZ9. \`zester job kill 2hPxSUnwatched\` stops the peels, but does not end the job.
Peels     1/1 done: 1 ok
`,
  "2hPxSTwice": `cmd.run true on L@db-01,db-01 by root, 1 peel
Job       2hPxSTwice
State     partial
Reason    ${TWICE}
Target    L@db-01,db-01
User      root
Owner     master-2hPwZ9
${CREATED}
Duration  2.0s
Peels     1: 1 ok
`,
  "2hPxSGone": `cmd.run true on db* by root, 3 peels
Job       2hPxSGone
State     failed
Target    db*
User      root
Owner     master-2hPwZ9
${CREATED}
Duration  2.0s
Peels     3: 2 unreachable, 1 ok
`,
} as const satisfies Record<string, string>;

/** The text with `T` for each time that depends on when and how fast the stories were loaded, and `AGO` for an age. */
export const steady = (text: string) =>
  text
    .replace(/\(\S+ (ago|overdue)\)/g, "(AGO)")
    .replace(/^(Elapsed {3})[^\s;]+/m, "$1T")
    .replace(/\S+ overdue\b/g, "T overdue")
    .replace(/(returned at \+)[^\s,]+/g, "$1T")
    .replace(/[\d.]+[a-zµ]+( so far)/g, "T$1")
    .replace(/TOOK +DETAIL/, "TOOK  DETAIL");
