// Results and details have no order on the wire: whatever order they come in, no command shows another byte.
import { afterAll, expect, test } from "bun:test";
import fc from "fast-check";
import { encode, jobRecord, Time } from "../support/harness.ts";
import { draws, times } from "../support/length.ts";
import { serveBuckets } from "../support/serve.ts";

const site = await serveBuckets();
afterAll(site.stop);

const TIME = new Time(1_768_469_400_000_000_000n);
const text = fc.constantFrom("", "a", "a\n", "a\r\n", "two\nlines", "+1\n-2", "no space left on sda1", "x".repeat(150));
const details = fc.dictionary(fc.constantFrom("stdout", "stderr", "path", "diff", "b", "10", "9"), text, {
  maxKeys: 5,
});
const result = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record(
      {
        name: fc.constantFrom("file.managed:/etc/motd", "pkg.installed:nginx", "cmd.run:reload", "z", ""),
        changed: fc.boolean(),
        diff: text,
        duration: fc.constantFrom(0n, 7n, 1_500_000_000n, 2n ** 60n),
        details: fc.option(details),
        error: text,
        skipped: fc.constantFrom(true, false, "unless"),
        skip_reason: fc.constantFrom("", "require_failed"),
        note: fc.constantFrom("n", 5, null),
      },
      { requiredKeys: ["name"] },
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom(7, null, "odd", { changed: true }) },
);
const answer = fc.record(
  {
    test: fc.constant(true),
    results: fc.oneof({ weight: 9, arbitrary: fc.array(result, { maxLength: 6 }) }, fc.constant(null)),
    error: text,
    note: text,
  },
  { requiredKeys: ["results"] },
);
type Answer = Readonly<Record<string, unknown>>;
const returned = fc.record(
  {
    success: fc.boolean(),
    error: text,
    return_data: answer as fc.Arbitrary<Answer>,
    duration: fc.constantFrom(1n, 2_000_000_000n),
  },
  { requiredKeys: ["success", "return_data"] },
);
const PEELS = ["web-01", "web-02", "web-03", "web-04", "db_1"];
const fleet = fc.tuple(...PEELS.map(() => returned));
type Fleet = typeof fleet extends fc.Arbitrary<infer T> ? T : never;

/** The same with its items in the order that `next` draws. */
function shuffled<T>(items: readonly T[], next: () => number): T[] {
  const keyed = items.map((item) => ({ item, at: next() }));
  return keyed.sort((a, b) => a.at - b.at).map(({ item }) => item);
}
const shuffledMap = (map: object, next: () => number) => new Map(shuffled(Object.entries(map), next));

function shuffledAnswer(data: Answer, next: () => number): Answer {
  if (!Array.isArray(data.results)) return data;
  const results = shuffled(data.results, next).map((one) =>
    one?.details ? { ...one, details: shuffledMap(one.details, next) } : one,
  );
  return { ...data, results };
}

/** Writes a job of this fleet; its results come in the order that `next` draws. */
async function write(jid: string, peels: Fleet, next: () => number): Promise<void> {
  const fields = { targets: PEELS, status: "failed", created: TIME, updated: TIME };
  await site.jobs.put(jid, encode(jobRecord(jid, fields)));
  for (const [i, one] of peels.entries()) {
    const peel_id = PEELS[i];
    const return_data = shuffledAnswer(one.return_data, next);
    await site.returns.put(`${jid}.${peel_id}`, encode({ jid, ...one, peel_id, return_data, timestamp: TIME }));
  }
}

const SINCE = ["--since", "2026-01-01"];
const COMMANDS: readonly (readonly string[])[] = [
  ["show", "first", "--summary"],
  ["show", "first", "--output"],
  ["show", "first", "--output", "--each"],
  ["show", "first", "--output", "--diff"],
  ["show", "first", "--output", "--diff=web-02", "--changes"],
  ["show", "first"],
  ["trace", "first"],
  ["diff", "first", "second"],
  ["diff", "first", "second", "--format", "json"],
  ["errors", ...SINCE, "--format", "json"],
  ["history", "web-01", "--format", "json"],
  ["stats", "--by", "peel", ...SINCE],
  ["grep", "a", ...SINCE],
  ["wait", "first"],
];
/** How old the job is may change from one call to the next. */
const answers = (commands = COMMANDS) =>
  Promise.all(commands.map(async (args) => (await site.run("job", ...args)).stdout.replace(/\S+ ago\b/g, "AGO")));

test(
  "shuffled results and details change no byte",
  async () => {
    await fc.assert(
      fc.asyncProperty(fleet, fleet, fc.infiniteStream(fc.double({ noNaN: true })), async (first, second, stream) => {
        const next = () => stream.next().value as number;
        await site.fresh();
        await write("first", first, () => 0);
        await write("second", second, () => 0);
        const before = await answers();
        await write("first", first, next);
        await write("second", second, next);
        const after = await answers();
        for (const [i, text] of after.entries()) expect(`${COMMANDS[i]}\n${text}`).toBe(`${COMMANDS[i]}\n${before[i]}`);
        await write("second", first, next);
        const [same] = await answers([["diff", "first", "second"]]);
        expect(same).toBe("No peel changed its state.\nsame output on 5 of 5 peels\n");
      }),
      { numRuns: draws(4, 300), endOnFailure: true },
    );
  },
  times(60_000, 900_000),
);
