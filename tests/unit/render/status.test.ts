// The lines of `status` that no test with a server can wait for.
import { expect, test } from "bun:test";
import type { FleetStatus } from "../../../lib/model/status.ts";
import { goneMasters } from "../../../lib/model/status.ts";
import { statusView } from "../../../lib/render/status.ts";

const SECOND = 1_000_000_000n;
const nowNs = 1_800_000_000n * SECOND;
const WELL: FleetStatus = {
  sinceNs: nowNs - 3_600n * SECOND,
  nowNs,
  masters: { alive: 2, gone: [] },
  active: { jobs: 0, returned: 0, targeted: 0, oldestNs: undefined },
  stuck: [],
  failed: { jobs: 0, states: "", of: 0, errors: [] },
  overdue: [],
  peels: { targeted: 1, silent: [] },
  unheard: undefined,
};
const text = (changes: Partial<FleetStatus>) =>
  [
    ...statusView({ ...WELL, ...changes }, "1h", false).text({
      color: false,
      columns: undefined,
      now: new Date(Number(nowNs / 1_000_000n)),
    }),
  ].join("");

const gone = (jid: string, goneMaster: string | undefined, heardNs?: bigint) => ({
  jid,
  overdueNs: undefined,
  goneMaster,
  heardNs,
});

test.each([
  [{}, "No problems: 2 masters and 1 peel alive; 0 active jobs; 0 jobs in 1h\n"],
  [
    { masters: { alive: 2, gone: goneMasters([gone("a", "m3", 25n * SECOND), gone("b", undefined)]) } },
    "masters   2 alive; m3 gone for 25s, owns 1 job  zester job active\n",
  ],
  [
    { masters: { alive: 0, gone: goneMasters([gone("a", "m3"), gone("b", "m4"), gone("c", "m4")]) } },
    "masters   none alive; m4 gone, owns 2 jobs; m3 gone, owns 1 job  zester job active\n",
  ],
  [
    {
      failed: {
        jobs: 1,
        states: "1 failed",
        of: 3,
        errors: [{ state: "failed", error: "", peels: ["db_eu"], jobs: [0] }],
      },
    } satisfies Partial<FleetStatus>,
    "failed    1 failed of 3 jobs in 1h; 1 peel: failed without an error (db.eu)  zester job errors --since 1h\n",
  ],
  [
    { masters: { alive: undefined, gone: [] }, unheard: "no permission." },
    "unknown   cannot tell which masters are alive: no permission.  zester config check\n",
  ],
  [
    { peels: { targeted: 2, silent: ["a"] }, active: { jobs: 1, returned: undefined, targeted: 3, oldestNs: SECOND } },
    "peels     1 of 2 alive (targeted in 24h); silent: a  zester job history a\nactive    1 job; oldest 1.0s                         zester job watch\n",
  ],
])("%#", (changes: Partial<FleetStatus>, lines) => expect(text(changes)).toBe(lines));

test("in a pipe the commands are lined up, also beside a long text", () => {
  const error = "x".repeat(150);
  const failed = {
    jobs: 1,
    states: "1 failed",
    of: 3,
    errors: [{ state: "failed", error, peels: ["a"], jobs: [0] }],
  } as const;
  const active = { jobs: 1, returned: undefined, targeted: 3, oldestNs: SECOND };
  const [first = "", second = ""] = text({ failed, active }).split("\n");
  expect(second.indexOf("zester job watch")).toBe(first.indexOf("zester job errors"));
  expect(second.indexOf("zester job watch")).toBeGreaterThan(150);
});
