// The events of a job as a table.
import { expect, test } from "bun:test";
import type { Step } from "../../../lib/model/life.ts";
import { toReturn } from "../../../lib/model/returns.ts";
import { renderEvents, renderTimeline } from "../../../lib/render/life.ts";

const SECOND = 1_000_000_000n;
const step = (second: number, kind: string, fields: Partial<Step> = {}): Step => ({
  storedNs: BigInt(second) * SECOND,
  afterNs: BigInt(second) * SECOND,
  kind,
  peel: undefined,
  tookNs: undefined,
  returned: undefined,
  end: undefined,
  ...fields,
});
const PIPED = { color: false, columns: undefined };
const TERMINAL = { color: false, columns: 80 };

test("what each kind of event tells", () => {
  const failed = toReturn("web_1", new Map([["error", "no\nspace"]]));
  const steps = [
    step(0, "dispatch"),
    step(1, "ack", { peel: "web_1", tookNs: SECOND }),
    step(3, "return", { peel: "web_1", tookNs: 2n * SECOND, returned: failed }),
    step(3, "return", { peel: "b", returned: toReturn("b", new Map([["success", true]])) }),
    step(4, "cancel"),
    step(5, "status", { end: "canceled" }),
    step(6, "schedule", { peel: "c" }),
  ];
  expect(renderEvents(steps, PIPED)).toBe(`\
AFTER     EVENT       PEEL   DETAIL
+0s       dispatched
+1.0s     ack         web.1  delivered in 1.0s
+3.0s     return      web.1  failed after 2.0s: no\\nspace
+3.0s     return      b      ok
+4.0s     cancel             cancel signal
+5.0s     ended              canceled
+6.0s     schedule    c
`);
});

test.each([
  [31, 32],
  // From two events on, a line that counts them is shorter.
  [32, 32],
  [100, 32],
])("%i events on a terminal: %i lines", (events, lines) => {
  const steps = Array.from({ length: events }, (_, i) => step(i, "ack", { tookNs: 0n }));
  const life = { steps, peels: [], whole: true };
  const text = renderTimeline(life, TERMINAL, false);
  expect(text.trimEnd().split("\n").length).toBe(lines);
  if (events > 31) expect(text).toContain(`\n… ${events - 30} events between (--all-peels shows them)\n`);
  for (const [look, all] of [
    [TERMINAL, true],
    [PIPED, false],
  ] as const)
    expect(renderTimeline(life, look, all).trimEnd().split("\n").length).toBe(events + 1);
});
