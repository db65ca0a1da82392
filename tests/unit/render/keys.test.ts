// Keys of a job that is open in the picture of `watch`; those of the list are in picture.test.ts.
import { expect, test } from "bun:test";
import { jobRow } from "../../../lib/model/job.ts";
import { opening, openRoom, START, type Steering, steered } from "../../../lib/render/keys.ts";
import { openedOf } from "../../../lib/render/opened.ts";
import { peelStory, storyWith } from "../../support/story.ts";

const LINES = 13;
const JOB = new Map([["status", "running"]]);
const PEELS = [peelStory("a", "failed"), peelStory("b", "executing")];
const SEEN = {
  jobs: [],
  opened: openedOf({ row: jobRow("j", JOB), job: JOB, story: storyWith(PEELS), stuck: undefined, sign: undefined }),
  text: { lines: Array.from({ length: 30 }, (_, i) => `line ${i}`), against: [peelStory("a", "ok")] },
  size: { columns: 80, rows: LINES },
};
const OPEN = opening(START, "j");
const pressed = (...keys: string[]) => keys.reduce((now, key) => steered(now, key, SEEN) as Steering, OPEN).opened;

test.each<[keys: string[], place: number | undefined, text: object | undefined]>([
  [["j"], 1, undefined],
  [["j", "j", "j"], 1, undefined],
  [["j", "k", "k"], 0, undefined],
  [["escape"], undefined, undefined],
  [["j", "return"], 1, { what: "output", peel: "b", top: 0 }],
  [["o", "j", "j"], 0, { what: "output", peel: "a", top: 2 }],
  [["o", "pagedown"], 0, { top: openRoom(LINES) }],
  [["o", "ctrl-d"], 0, { top: openRoom(LINES) / 2 }],
  [["o", "pagedown", "ctrl-u"], 0, { top: openRoom(LINES) / 2 }],
  [["o", "G", "j"], 0, { top: 20 }],
  [["o", "G", "g", "k"], 0, { top: 0 }],
  [["o", "d"], 0, { diff: true }],
  [["o", "j", "d", "d"], 0, { diff: false, top: 0 }],
  [["o", "escape"], 0, undefined],
  [["e", "k"], 0, { what: "events", top: 19 }],
  [["o", "e"], 0, { what: "events" }],
])("%j", (keys, place, text) => {
  const open = pressed(...keys);
  expect(open?.place).toBe(place as number);
  if (text) expect(open?.text).toMatchObject(text);
  else expect(open?.text).toBeUndefined();
});

test("d does nothing where there is nothing to compare", () => {
  const seen = { ...SEEN, text: { ...SEEN.text, against: undefined } };
  const read = steered(OPEN, "o", seen) as Steering;
  expect(steered(read, "d", seen)).toEqual(read);
});
