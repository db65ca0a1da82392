// Statistics of results have bounds: beyond them there is an error that says how to narrow.
import { expect, test } from "bun:test";
import { ResultTallies } from "../../../lib/model/stats.ts";

const SPAN = { fromNs: 0n, toNs: 86_400_000_000_000n, slices: 12 };
const RUN = { place: 0, peel: "web-1", isRetry: false };
const result = (name: string) => ({ name, outcome: "unchanged" as const, duration: undefined });

test("more than eight million results", () => {
  const tallies = new ResultTallies(SPAN);
  const one = result("x");
  for (let i = 0; i < 8_000_000; i++) tallies.add(one, false, RUN);
  expect(tallies.all()[0]?.runs).toBe(8_000_000);
  expect(() => tallies.add(one, false, RUN)).toThrow("too many results: more than 8,000,000");
});

test("names that would fill the memory", () => {
  const tallies = new ResultTallies(SPAN);
  const name = (i: number) => result(String(i).padEnd(1 << 20, "x"));
  for (let i = 0; i < 16; i++) tallies.add(name(i), false, RUN);
  expect(() => tallies.add(name(16), false, RUN)).toThrow("too many different results: more than 16");
});
