// The job that is open in the picture of `watch`, in the lines that there are.
import { expect, test } from "bun:test";
import type { Value } from "../../../lib/codec/value.ts";
import { jobRow } from "../../../lib/model/job.ts";
import { toReturn } from "../../../lib/model/returns.ts";
import { openedOf, previewLines, renderOpened, textOf } from "../../../lib/render/opened.ts";
import { width } from "../../../lib/text.ts";
import { leastMs } from "../../support/least-time.ts";
import { peelStory, storyWith } from "../../support/story.ts";

const NOW = new Date("2026-01-15T10:00:00Z");
const job = new Map<string, Value>(
  Object.entries({
    function: "state.apply",
    args: new Map([["state", "nginx"]]),
    target_expr: "web*",
    status: "running",
    user: "root",
    owner: "m1",
    created: "2026-01-15T09:59:00Z",
    deadline: "2026-01-15T10:05:00Z",
  }),
);
const failed = (id: string, error: string) =>
  peelStory(
    id,
    "failed",
    toReturn(
      id,
      new Map<string, Value>([
        ["success", false],
        ["error", error],
      ]),
    ),
  );
const names = (prefix: string, n: number) => Array.from({ length: n }, (_, i) => `${prefix}-${i + 10}`);

function opened(errors: number) {
  const peels = [
    ...names("bad", errors).map((id, i) => failed(id, `${"abcdefghijklmnopqrstuvwxyz"[i]} is wrong`)),
    ...names("web", 30).map((id) => peelStory(id, "executing")),
  ];
  const stuck = { jid: "j", overdueNs: undefined, goneMaster: "m1", heardNs: undefined };
  return openedOf({ row: jobRow("j", job), job, story: storyWith(peels), stuck, sign: "gone" });
}
const lines = (errors: number, columns: number, rows: number, place = 0) =>
  renderOpened(opened(errors), place, NOW, { color: false, utf8: true }, { columns, rows });

test("on few lines: the call, why it is stuck, progress, who and where, outcomes", () => {
  expect(lines(1, 60, 12)).toEqual([
    "j  state.apply nginx on web*",
    "Stuck: no heartbeat from its master m1",
    "░░░░░░░░░░░░░░░░░░░░ 1/31  running  1m  1 failed",
    "by root  m1 gone  5m left",
    "",
    "  OUTCOME       PEELS  TOOK  WHERE        WHAT",
    "> failed            1  -     bad-10       a is wrong",
    "  executing        30  -     web-[10-39]",
  ]);
});

test("a job that ended: RETURNS as in the list, and late returns by name", () => {
  const more = { status: "partial", return_count: 1n, success_count: 1n, targets: ["a", "b"] };
  const ended = new Map<string, Value>([...job, ...Object.entries(more)]);
  const ok = (peel: string) => toReturn(peel, new Map([["success", true]]));
  const story = storyWith([peelStory("a", "late", ok("a")), peelStory("b", "ok", ok("b"))]);
  const open = openedOf({ row: jobRow("j", ended), job: ended, story, stuck: undefined, sign: undefined });
  const shown = renderOpened(open, 0, NOW, { color: false, utf8: true }, { columns: 60, rows: 12 });
  expect(shown[1]).toBe("██████████░░░░░░░░░░ 1/2  partial  1 late, 1 ok");
});

test("beneath the list: the outcomes, worst first, and how many have no line", () => {
  const look = { color: false, utf8: true };
  expect(previewLines(opened(1), look, 60, 4)).toEqual([
    "failed            1  -     bad-10       a is wrong",
    "executing        30  -     web-[10-39]",
  ]);
  expect(previewLines(opened(5), look, 60, 4)).toEqual([
    "failed            1  -     bad-10  a is wrong",
    "failed            1  -     bad-11  b is wrong",
    "failed            1  -     bad-12  c is wrong",
    "… and 3 more outcomes: 2 failed, 30 executing",
  ]);
});

test("on many lines: a fact a line", () => {
  expect(lines(1, 100, 45).slice(0, 4)).toEqual([
    "state.apply nginx on web* by root, 31 peels",
    "Job       j",
    "State     running",
    "Target    web*",
  ]);
});

test.each([
  [60, 10, 0],
  [60, 10, 5],
  [60, 10, 12],
  [20, 8, 12],
  [200, 45, 12],
  [30, 3, 0],
])("%i columns, %i lines, the cursor on outcome %i: nothing wider, and the cursor in sight", (columns, rows, place) => {
  const shown = lines(12, columns, rows, place);
  expect(shown.length).toBeLessThanOrEqual(rows);
  for (const line of shown) expect(width(line)).toBeLessThanOrEqual(columns);
  if (rows > 6) expect(shown.filter((line) => line.startsWith("> "))).toHaveLength(1);
});

test("the text of an outcome: its output, wrapped; events end with the newest", () => {
  const job = opened(2);
  const look = { color: false, columns: 24 };
  const [first] = job.groups;
  const view = { what: "output", peel: first?.peels[0]?.peel, diff: false, top: 0 } as const;
  const { lines } = textOf(job, view, look);
  expect(lines.join("\n")).toMatch(/^bad-10 {2}failed[\s\S]*is wrong/);
  expect(lines.join("\n")).not.toContain("bad-11");
  for (const line of lines) expect(width(line)).toBeLessThanOrEqual(24);
  const all = textOf(job, { ...view, peel: undefined }, look);
  expect(all.lines.join("\n")).toMatch(/bad-10[\s\S]*bad-11/);
  // No peel has sent an output that others could be compared with.
  expect(all.against).toBeUndefined();
});

test("an outcome can be compared when its output is not the usual one", () => {
  const said = (id: string, text: string) =>
    peelStory(
      id,
      "ok",
      toReturn(
        id,
        new Map<string, Value>([
          ["success", true],
          ["return_data", text],
        ]),
      ),
    );
  const peels = [said("a", "one"), said("b", "one"), said("c", "two"), peelStory("d", "executing")];
  const job = openedOf({ ...opened(0), story: storyWith(peels) });
  const text = (group: number, diff = false) => {
    const peel = job.groups[group]?.peels[0]?.peel;
    return textOf(job, { what: "output", peel, diff }, { color: false, columns: 80 });
  };
  const names = job.groups.map(({ peels }) => peels.map(({ peel }) => peel).join());
  const against = names.map((_, i) =>
    text(i)
      .against?.map(({ peel }) => peel)
      .join(),
  );
  expect([names, against]).toEqual([
    ["d", "a,b,c"],
    [undefined, "a,b"],
  ]);
  expect(text(1, true).lines.join("\n")).toContain("--- a,b\n+++ c");
});

test("ten times the peels take no more than thirty times as long to draw", () => {
  const drawing = (count: number) => {
    const peels = names("web", count).map((id) => peelStory(id, "executing"));
    const sight = { row: jobRow("j", job), job, story: storyWith(peels), stuck: undefined, sign: undefined };
    return () => renderOpened(openedOf(sight), 0, NOW, { color: false, utf8: true }, { columns: 80, rows: 24 });
  };
  expect(leastMs(drawing(10_000))).toBeLessThan(30 * leastMs(drawing(1_000)));
});
