// Keys of a job that is open in the picture of `watch`; those of the list are in picture.test.ts.
import { expect, test } from "bun:test";
import { openRoom, type Steering, startingWith, steered } from "../../../lib/render/keys.ts";

const LINES = 13;
const SEEN = {
  jids: ["j"],
  outcomes: ["a", "b"].map((peel) => ({ name: `failed ${peel}`, peel })),
  text: Array.from({ length: 30 }, (_, i) => `line ${i}`),
  lines: LINES,
};
const pressed = (...keys: string[]) =>
  keys.reduce((now, key) => steered(now, key, SEEN) as Steering, startingWith("j")).opened;

test.each<[keys: string[], place: number | undefined, text: object | undefined]>([
  [["j"], 1, undefined],
  [["j", "j", "j"], 1, undefined],
  [["j", "k", "k"], 0, undefined],
  [["escape"], undefined, undefined],
  [["j", "return"], 1, { what: "output", peel: "b", top: 0 }],
  [["o", "j", "j"], 0, { what: "output", peel: "a", top: 2 }],
  [["o", "pagedown"], 0, { top: openRoom(LINES) }],
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
