// How many messages are asked for at a time, by the sizes that came and the time that each batch took.
import { expect, test } from "bun:test";
import { Pace } from "../../../lib/nats/pace.ts";

const MB = 1 << 20;

interface Batch {
  readonly tookMs: number;
  /** The values that came: how many of which size. */
  readonly came: readonly [count: number, bytes: number][];
}

const none: Batch = { tookMs: 0, came: [] };
/** With what goes around a value, 1 KiB each. */
const small = (tookMs: number): Batch => ({ tookMs, came: [[32, 824]] });
const large: Batch = { tookMs: 10, came: [[10, MB]] };

function asked(maxPayload: number | undefined, batches: readonly Batch[]): number[] {
  let ms = 0;
  const pace = new Pace(maxPayload, () => ms);
  return batches.map(({ tookMs, came }) => {
    for (const [count, bytes] of came) for (let i = 0; i < count; i++) pace.saw(bytes);
    ms += tookMs;
    return pace.next();
  });
}

const times = <T>(n: number, one: T): T[] => Array(n).fill(one);

test.each<[string, number | undefined, Batch[], number[]]>([
  ["before a size is known, each is half of the last", undefined, times(6, none), [30, 15, 7, 3, 1, 1]],
  ["the first ones where values may be large", 2 * MB, times(4, none), [14, 7, 3, 1]],
  ["the first ones where one value fills a batch", 64 * MB, times(3, none), [2, 1, 1]],
  ["a quick link: twice as much each time, up to 4 MiB", undefined, times(4, small(999)), [1024, 2048, 4096, 4096]],
  ["a link that is neither quick nor slow", undefined, [small(1000), small(4000)], [512, 512]],
  ["a slow link: half each time, down to 64 KiB", undefined, times(5, small(4001)), [256, 128, 64, 64, 64]],
  ["a link that recovers", undefined, [small(5000), small(5000), small(10)], [256, 128, 256]],
  ["large values: at least one", undefined, times(4, large), [1, 1, 3, 3]],
  ["tiny values: the framing counts", undefined, [{ tookMs: 10, came: [[1000, 0]] }], [5242]],
  // As many as 4 MiB would hold are 8388 when all are small, and 4 when each is as large as the largest.
  [
    "one large value among many small ones",
    undefined,
    [
      {
        tookMs: 10,
        came: [
          [999, 300],
          [1, MB],
        ],
      },
    ],
    [239],
  ],
  ["the same small ones without it", undefined, times(3, { tookMs: 10, came: [[999, 300]] }), [2097, 4194, 8388]],
  ["small values where large ones may come: no more than fit", 2 * MB, times(2, small(10)), [7, 7]],
  ["small values where one may fill a batch", 8 * MB, times(2, small(10)), [1, 1]],
  ["a server that takes less than usual counts as usual", 1024, [none, small(10)], [30, 1024]],
])("%s", (_, maxPayload, batches, counts) => expect(asked(maxPayload, batches)).toEqual(counts));
