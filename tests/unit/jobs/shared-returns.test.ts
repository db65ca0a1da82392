// Records of returns that share their outputs, against those that are read one by one.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { decodeRecord } from "../../../lib/codec/decode.ts";
import { asText } from "../../../lib/codec/value.ts";
import { peelReturn } from "../../../lib/jobs/lookup.ts";
import { SharedReturns } from "../../../lib/jobs/shared-returns.ts";
import { answerOfReturn, outputDigest, outputGroups } from "../../../lib/model/output-groups.ts";
import { onlyChanges } from "../../../lib/model/return-data.ts";
import { type Return, returnedPeel, toReturn } from "../../../lib/model/returns.ts";
import { renderEach } from "../../../lib/render/output.ts";
import { encode, Time } from "../../support/harness.ts";
import { draws } from "../../support/length.ts";
import { peelStory } from "../../support/story.ts";

const text = fc.constantFrom("", "a", "b", "a\n", "a\r\nb", "x".repeat(5000), "\ud800", "\udc00");
const duration = fc.oneof(fc.bigInt({ min: -5n, max: 2n ** 62n }), fc.constantFrom(0, 7, "soon"));
/** Maps whose keys come in any order. */
const shuffled = <T>(entries: fc.Arbitrary<[string, T][]>) =>
  fc.tuple(entries, fc.nat()).map(([all, n]) => Object.fromEntries(n % 2 ? all.toReversed() : all));
const details = shuffled(
  fc
    .subarray(["stdout", "stderr", "path"])
    .chain((names) => fc.tuple(...names.map((name) => fc.tuple(fc.constant(name), text)))) as fc.Arbitrary<
    [string, string][]
  >,
);
const result = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record(
      {
        name: fc.constantFrom("x", "y"),
        changed: fc.boolean(),
        duration,
        details,
        diff: text,
        error: text,
        skipped: fc.boolean(),
      },
      { requiredKeys: ["name"] },
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom(0, null, "odd") },
);
const answer = fc.record(
  {
    peel_id: fc.constantFrom("p", "long-peel"),
    jid: fc.constant("j"),
    test: fc.constant(true),
    results: fc.array(result, { maxLength: 3 }),
    more: text,
  },
  { requiredKeys: ["results"] },
);
const record = fc.record(
  {
    jid: fc.constant("j"),
    peel_id: fc.constantFrom("p", "q", "long-peel"),
    success: fc.boolean(),
    return_data: fc.oneof(
      { weight: 6, arbitrary: answer },
      { weight: 1, arbitrary: fc.oneof(text, fc.constant(null), details) },
    ),
    error: text,
    duration,
    timestamp: text,
    "a field of tomorrow": text,
  },
  { requiredKeys: ["success"] },
);

/** The same record as others return it: with names and times of their own, mostly of the same length. */
const copied = fc
  .record({
    of: record,
    names: fc.array(fc.constantFrom("p", "q", "é", "\u00e9\u00e9", "long-peel"), { minLength: 1, maxLength: 6 }),
    times: fc.infiniteStream(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  })
  .map(({ of, names, times }) => {
    const next = () => times.next().value as bigint;
    return names.map((peel_id) => {
      const one: Record<string, unknown> = { ...of, peel_id, timestamp: new Time(next() / 2n) };
      if ("duration" in of) one.duration = next();
      const data = of.return_data as { results?: unknown[] } | null;
      if (Array.isArray(data?.results))
        one.return_data = {
          ...data,
          ...("peel_id" in data && { peel_id }),
          results: data.results.map((each) =>
            typeof each === "object" && each !== null && "duration" in each ? { ...each, duration: next() } : each,
          ),
        };
      return one;
    });
  });
const records = fc
  .array(
    fc.oneof(
      { weight: 1, arbitrary: record.map((one) => [one as Record<string, unknown>]) },
      { weight: 2, arbitrary: copied },
    ),
    {
      minLength: 1,
      maxLength: 6,
    },
  )
  .map((lists) => lists.flat());

/** What is shown of a return's output, its own times among it. */
const shown = (returned: Return) => [...renderEach([peelStory("p", "ok", returned)], false, false)].join("");
const bare = (returned: ReturnType<typeof toReturn>) =>
  JSON.stringify([returned.ok, returned.error ?? null, String(returned.duration), returned.unreachable]);

test("they show what they would show alone, own times among it, and mean the same", () => {
  fc.assert(
    fc.property(records, fc.boolean(), (records, changesOnly) => {
      const shared = new SharedReturns({ changesOnly });
      const summed = new SharedReturns({ changesOnly, withoutTimes: true });
      for (const bytes of records.map((one) => encode(one as never))) {
        const alone = decodeRecord(bytes);
        const peel = asText(alone.get("peel_id")) ?? "?";
        const short = peelReturn(peel, bytes, summed);
        expect(short.peel).toBe(peel);
        expect(bare(short)).toBe(bare(toReturn(peel, alone)));
        if (changesOnly && alone.has("return_data"))
          alone.set("return_data", onlyChanges(alone.get("return_data")) ?? null);
        const expected = outputDigest(toReturn("p", alone).error, alone.get("return_data"));
        expect(outputDigest(short.error, short.record.get("return_data"))).toBe(expected);
        for (const kept of [shared.read(peel, bytes), shared.keep(peel, decodeRecord(bytes))]) {
          expect(shown(kept)).toBe(shown(toReturn(peel, alone)));
          expect(bare(kept)).toBe(bare(toReturn(peel, alone)));
          expect(kept.peel).toBe(peel);
        }
      }
    }),
    { numRuns: draws(120, 2000) },
  );
});

test("line ends make no difference to what is shown, but each keeps its own", () => {
  const shared = new SharedReturns();
  const records = ["no lock", "no lock\n"].map((error) => {
    const return_data = { error, results: [{ name: "x", error: "no lock\n" }] };
    return encode({ success: false, error, return_data });
  });
  const returns = records.map((bytes) => shared.read("p", bytes));
  expect(returns.map(({ error }) => error)).toEqual(["no lock", "no lock\n"]);
  const [first, second] = returns.map(shown);
  expect(first).toBe(shown(peelReturn("p", records[0] as Uint8Array)));
  expect(second).toBe(shown(peelReturn("p", records[1] as Uint8Array)));
});

test("groups are those whose output reads the same without its times", () => {
  fc.assert(
    fc.property(records, (records) => {
      const shared = new SharedReturns();
      const all = records.map((one, i) => {
        const returned = shared.read(`p${i}`, encode(one as never));
        return { ...peelStory(`p${i}`, returnedPeel(returned).state, returned), tookNs: undefined };
      });
      const groups = outputGroups(all);
      expect(groups.flatMap(({ peels }) => peels).length).toBe(all.length);
      const withoutTimes = ({ peel, state, returned }: (typeof all)[number]) => {
        const read = returned && answerOfReturn(returned);
        const rest = read?.results.map(({ duration, ...others }) => ({ ...others, parts: sorted(others.parts) }));
        const data = read ? [read.dryRun, rest, sorted(read.parts)] : (returned?.record.get("return_data") ?? null);
        return `${state} ${Bun.inspect([trimmed(returned?.error), data], { depth: 20, sorted: true })}`.replaceAll(
          peel,
          "",
        );
      };
      const keys = groups.map(({ peels }) => new Set(peels.map((peel) => withoutTimes(peel as (typeof all)[number]))));
      expect(keys.map(({ size }) => size)).toEqual(groups.map(() => 1));
      expect(new Set(keys.flatMap((key) => [...key])).size).toBe(groups.length);
    }),
    { numRuns: draws(300, 5000) },
  );
});

const trimmed = (value: unknown) =>
  typeof value === "string" ? value.replace(/\r\n/g, "\n").replace(/\n+$/, "") : value;
const sorted = (parts: readonly (readonly [string, unknown])[]) =>
  parts
    .map(([name, value]) => [name, trimmed(value)])
    .filter(([, value]) => value !== "" && value !== null)
    .sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1));
