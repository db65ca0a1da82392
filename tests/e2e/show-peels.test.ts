// The peels that `job show` selects, against an oracle.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { createBuckets, encode, jobRecord, startServer, zester } from "../support/harness.ts";
import { draws } from "../support/length.ts";

type Stored = "none" | "deleted" | "ok" | "failed" | "unreachable" | "unreadable";
const stored = fc.constantFrom<Stored>("none", "deleted", "ok", "failed", "unreachable", "unreadable");
const layout = fc.constantFrom("peel", "list", "both");
interface Case {
  targets: string[] | null;
  returns: Record<string, { state: Stored; layout: string }>;
}
const PEELS = ["web-01", "web-02", "db_eu_example", "db-01", "cache-01"];
const aCase: fc.Arbitrary<Case> = fc.record({
  targets: fc.option(fc.subarray(PEELS), { nil: null }),
  returns: fc.record(
    Object.fromEntries(PEELS.map((peel) => [peel, fc.record({ state: stored, layout })])) as Record<
      string,
      fc.Arbitrary<{ state: Stored; layout: string }>
    >,
  ),
});

/** What the specification says a peel is, seen from both layouts: the peel's own key wins. Only targets count. */
function stateOf(peel: string, one: Case): string | undefined {
  return one.targets?.includes(peel) === false ? undefined : storedState(peel, one);
}

function storedState(peel: string, { targets, returns }: Case): string | undefined {
  const { state, layout } = returns[peel] as { state: Stored; layout: string };
  // A list can't hold what is no record, and nothing in it is deleted alone.
  const listed = layout !== "peel" && ["ok", "failed", "unreachable"].includes(state);
  const own = layout !== "list" && state !== "none" && state !== "deleted";
  if (own || listed) return state;
  return (targets ?? []).includes(peel) ? "missing" : undefined;
}

test("selected peels agree with an oracle, in both layouts", async () => {
  const own = await startServer();
  const nc = await own.connect();
  const { jobs, returns } = await createBuckets(nc);
  const cases = fc.sample(aCase, 40);
  const record = (peel: string, state: Stored) => ({
    jid: "x",
    peel_id: peel,
    success: state === "ok",
    ...(state === "unreachable" && { unreachable: true }),
    ...(state === "failed" && { error: "boom" }),
    duration: 1n,
  });
  for (const [i, one] of cases.entries()) {
    await jobs.put(`case-${i}`, encode(jobRecord(`case-${i}`, { targets: one.targets })));
    const list: unknown[] = [];
    for (const [peel, { state, layout }] of Object.entries(one.returns)) {
      const key = `case-${i}.${peel}`;
      if (layout !== "peel" && ["ok", "failed", "unreachable"].includes(state)) {
        // Under both, the list has another opinion, which must not count.
        list.push(record(peel, layout === "both" ? (state === "ok" ? "failed" : "ok") : state));
      }
      if (layout === "list" || state === "none") continue;
      await returns.put(key, state === "unreadable" ? Uint8Array.of(0xc1) : encode(record(peel, state)));
      if (state === "deleted") await returns.delete(key);
    }
    if (list.length > 0) await returns.put(`case-${i}`, encode(list));
  }
  await fc.assert(
    fc.asyncProperty(
      fc.nat(cases.length - 1),
      fc.subarray(["failed", "missing", "unreachable"]),
      fc.constantFrom(undefined, "db*", "db.eu.*"),
      async (i, states, peel) => {
        const one = cases[i] as Case;
        const flags = [...states.map((state) => `--${state}`), ...(peel ? ["--peel", peel] : [])];
        const hits = PEELS.filter((id) => {
          const state = stateOf(id, one);
          const named = peel === undefined || (peel === "db*" ? id.startsWith("db") : id === "db_eu_example");
          return state !== undefined && named && (states.length === 0 || states.includes(state));
        });
        const env = { NATS_URL: own.url };
        const quiet = await zester(["job", "show", `case-${i}`, "-q", ...flags], { env });
        const shown = hits.map((id) => id.replaceAll("_", ".")).sort();
        expect(quiet.stdout).toBe(shown.map((id) => `${id}\n`).join(""));
        const json = await zester(["job", "show", `case-${i}`, "--format", "json", ...flags], { env });
        const document = JSON.parse(json.stdout);
        const returned = hits.filter((id) => stateOf(id, one) !== "missing");
        const items: { peel_id: string; target?: boolean }[] = document.returns;
        const counted = items.filter(({ target }) => target !== false).map(({ peel_id }) => peel_id);
        expect(counted.sort()).toEqual(returned.sort());
        // Those that count nowhere are shown with all that the bucket holds, and with nothing else.
        const others = PEELS.filter((id) => stateOf(id, one) === undefined && storedState(id, one) !== undefined);
        expect(items.flatMap(({ peel_id, target }) => (target === false ? peel_id : [])).sort()).toEqual(
          flags.length > 0 ? [] : others.sort(),
        );
        const summary = await zester(["job", "show", `case-${i}`, "--summary", "--each", ...flags], { env });
        const rows = summary.stdout.split("\n\n")[1]?.trimEnd().split("\n").slice(1) ?? [];
        expect(rows.map((row) => row.split(/ +/).slice(0, 2).join(" ")).sort()).toEqual(
          hits.map((id) => `${id.replaceAll("_", ".")} ${stateOf(id, one)}`).sort(),
        );
      },
    ),
    { numRuns: draws(12, 120) },
  );
  await nc.close();
  await own.stop();
});
