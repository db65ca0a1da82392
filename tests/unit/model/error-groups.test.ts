import { expect, test } from "bun:test";
import fc from "fast-check";
import { ErrorGroups } from "../../../lib/model/error-groups.ts";

test("errors that differ in numbers and names of peels are one, shown by the most common; then peels without a return", () => {
  const failures = new ErrorGroups(["web-1", "db_eu"]);
  failures.add(0, "web-1", "web-1: disk 3 full");
  failures.add(1, "db_eu", "db.eu: disk 4 full");
  failures.add(2, "db_eu", "db.eu: disk 4 full");
  failures.add(2, "stranger", "stranger: disk 5 full");
  failures.add(2, "web-1", "other");
  failures.add(1, "web-1", "", "missing");
  failures.add(2, "db-2", "", "unreachable");
  expect(failures.groups()).toEqual([
    { state: "failed", error: "db.eu: disk 4 full", peels: ["web-1", "db_eu", "stranger"], jobs: [0, 1, 2] },
    { state: "failed", error: "other", peels: ["web-1"], jobs: [2] },
    { state: "unreachable", error: "", peels: ["db-2"], jobs: [2] },
    { state: "missing", error: "", peels: ["web-1"], jobs: [1] },
  ]);
  const full = { failed: 1, unreachable: 0, missing: 0, error: "db.eu: disk 4 full", errors: 1 };
  expect(failures.jobs()).toEqual([
    { ...full, job: 2, peels: ["db_eu", "stranger", "web-1", "db-2"], failed: 3, unreachable: 1, errors: 2 },
    { ...full, job: 1, peels: ["db_eu", "web-1"], missing: 1 },
    { ...full, job: 0, peels: ["web-1"] },
  ]);
});

test("a text that most returns of a group have is the one shown, however many others there are", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(40), { maxLength: 60 }), (numbers) => {
      const failures = new ErrorGroups([]);
      const all = [...numbers.map(String), ...Array(numbers.length + 1).fill("99")];
      fc.assert(
        fc.property(fc.shuffledSubarray(all, { minLength: all.length }), (texts) => {
          for (const text of texts) failures.add(0, "a", `after ${text}s`);
        }),
        { numRuns: 1 },
      );
      expect(failures.groups().map(({ error }) => error)).toEqual(["after 99s"]);
    }),
  );
});

test("most peels first, then most jobs, then the latest", () => {
  const failures = new ErrorGroups([]);
  for (const [job, peel, error] of [
    [1, "a", "one"],
    [2, "a", "two"],
    [3, "a", "three"],
    [0, "a", "three"],
    [0, "a", "four"],
    [0, "b", "four"],
  ] as const)
    failures.add(job, peel, error);
  expect(failures.groups().map(({ error }) => error)).toEqual(["four", "three", "two", "one"]);
});

test("any number of texts of one error", () => {
  const failures = new ErrorGroups([]);
  const long = "x".repeat(1 << 16);
  for (let i = 0; i < 300; i++) failures.add(i, "a", `disk ${i} full: ${long}`);
  expect(failures.groups()).toHaveLength(1);
});

test("more different errors than memory has room for are an error", () => {
  const failures = new ErrorGroups([]);
  const letters = (n: number) => n.toString(2).replaceAll("0", "x").replaceAll("1", "y");
  const fill = () => {
    for (let i = 0; i < 200_000; i++) failures.add(i, "a", letters(i));
  };
  expect(fill).toThrow(/different errors/);
});
