// What a peel made of many jobs, against an oracle that asks each job.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { PeelTally } from "../../../lib/model/stats.ts";
import { draws } from "../../support/length.ts";

/** A job: how often its record names the peel, its state, and whether the peel returned. */
const job = fc.record({
  named: fc.integer({ min: 0, max: 2 }),
  status: fc.constantFrom("running", "partial", "canceled"),
  returned: fc.boolean(),
});

test("each job counts once, and a return of a job that was not meant for the peel makes up for none that was", () => {
  fc.assert(
    fc.property(fc.array(job, { maxLength: 20 }), fc.infiniteStream(fc.nat()), (jobs, order) => {
      const tally = new PeelTally("web-01", undefined, 1);
      jobs.forEach(({ named, status }, place) => {
        for (let i = 0; i < named; i++) tally.target(place, status, status === "partial", 0);
      });
      const returns = jobs.flatMap(({ returned }, place) => (returned ? [{ place, at: order.next().value }] : []));
      for (const { place } of returns.sort((a, b) => a.at - b.at))
        tally.add(place, place % 2 === 0 ? "failed" : "ok", undefined, jobs[place]?.status === "partial", 0);
      const missing = jobs.filter(
        ({ named, status, returned }) => named > 0 && status === "partial" && !returned,
      ).length;
      expect(tally.jobs).toBe(jobs.filter(({ named, returned }) => named > 0 || returned).length);
      expect(tally.missing).toBe(missing);
      expect(tally.failed).toBe(returns.filter(({ place }) => place % 2 === 0).length + missing);
      expect([tally.trend.counts[0], tally.trend.bad[0]]).toEqual([tally.jobs, tally.failed]);
    }),
    { numRuns: draws(300, 5000) },
  );
});
