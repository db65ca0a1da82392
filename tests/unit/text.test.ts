// Pure pieces: text, durations, tables, arguments.
import { expect, test } from "bun:test";
import { toJson } from "../../lib/codec/json.ts";
import { formatAge, formatAgo, formatDuration, parseDuration } from "../../lib/duration.ts";
import { formatTargets, JobList, type JobRow } from "../../lib/model/job.ts";
import { displayPeel } from "../../lib/model/peel.ts";
import { ACTIVE_COLUMNS, columnsOf, LIST } from "../../lib/render/columns.ts";
import type { Look } from "../../lib/render/table.ts";
import { tableOf } from "../../lib/render/view.ts";
import { paragraph, safe, shorten, shortenMiddle, width, wrap, wrapWords } from "../../lib/text.ts";

test.each([
  ["db_eu_example", "db.eu.example"],
  ["_a_b_", "_a.b_"],
  ["web-01", "web-01"],
  ["_", "_"],
  ["a__b", "a..b"],
])("peel id %s is shown as %s", (stored, shown) => expect(displayPeel(stored)).toBe(shown));

test.each([
  [42n, "42ns"],
  [250_000n, "250µs"],
  [42_000_000n, "42ms"],
  [99_999_999n, "99ms"],
  [100_000_000n, "0.1s"],
  [800_000_000n, "0.8s"],
  [1_200_000_000n, "1.2s"],
  [9_999_999_999n, "9.9s"],
  [12_300_000_000n, "12s"],
  [59_999_999_999n, "59s"],
  [63_500_000_000n, "1m3s"],
  [7_500_000_000_000n, "2h5m"],
  [172_799_000_000_000n, "47h59m"],
  [172_800_000_000_000n, "2d"],
  [273_600_000_000_000n, "3d4h"],
  [863_999_000_000_000n, "9d23h"],
  [27_064_860_000_000_000n, "313d"],
  [0n, "0s"],
  [-1_200_000_000n, "-1.2s"],
])("%d ns reads %s", (ns, text) => expect(formatDuration(ns)).toBe(text));

test("ages from two days on are days", () => {
  const hour = 3_600_000_000_000n;
  expect([formatAge(47n * hour), formatAge(48n * hour), formatAge(7504n * hour)]).toEqual(["47h", "2d", "312d"]);
});

test.each([
  [900, "0.9s"],
  [59_999, "59s"],
  [60_000, "1m"],
  [2_279_000, "37m"],
  [5_399_000, "1h29m"],
  [36_000_000, "10h"],
  [86_399_000, "23h"],
  [86_400_000, "1d"],
  [604_800_000, "7d"],
])("%d ms ago reads %s", (ms, text) => expect(formatAgo(BigInt(ms) * 1_000_000n)).toBe(text));

test.each([
  ["500ms", 500],
  ["5s", 5000],
  ["1m30s", 90_000],
  ["2h", 7_200_000],
  ["1.5s", 1500],
  ["5min", 300_000],
  ["1hour30mins", 5_400_000],
  ["2days", 172_800_000],
])("%s is %d ms", (text, ms) => expect(parseDuration(text, "--timeout")).toBe(ms));
test.each(["", "5", "s", "-5s", "5 s", "0s", "1e3s", "999999d", "1M", "1mx", "1months"])("%j is no duration", (text) =>
  expect(() => parseDuration(text, "--timeout")).toThrow("--timeout"),
);

test("nothing in a record can act on a terminal", () => {
  const every = Array.from({ length: 0x2100 }, (_, code) => String.fromCodePoint(code)).join("");
  expect(safe(every)).not.toMatch(/[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/);
  expect(safe("a\x1b[2J\n\t\u202eb\u{e0041}")).toBe("a\\x1b[2J\\n\\t\\u202eb\\u{e0041}");
  expect(toJson("\x7f\u009b\u202e")).toBe('"\\u007f\\u009b\\u202e"');
  expect(safe("\ud800")).toBe("\\ud800");
});

test("widths and cuts", () => {
  expect([width("abc"), width("世界"), width("🍋"), width("e\u0301")]).toEqual([3, 4, 2, 1]);
  expect(shorten("世界世界", 5)).toBe("世界…");
  expect(shorten("abc", 3)).toBe("abc");
});

test("targets shorten with a count", () => {
  const many = Array.from({ length: 100 }, (_, i) => `db-${String(i + 1).padStart(2, "0")}`);
  expect(formatTargets(many, 20)).toBe("[db-01 db-02 … +98]");
  expect(formatTargets(many, 8)).toBe("[… +100]");
  expect(formatTargets(["db_eu"], 10)).toBe("[db.eu]");
});

const row = (fields: Partial<JobRow>): JobRow => ({
  jid: "j1",
  fn: "test.ping",
  targetExpr: undefined,
  targets: undefined,
  status: "running",
  created: undefined,
  ...fields,
});
const render = (names: string[], rows: JobRow[], look: Look) =>
  [
    ...tableOf(columnsOf(names), JobList.of(rows.map((row) => ({ row, record: undefined }))), {
      ...look,
      now: new Date(),
    }),
  ].join("");
const renderList = (rows: JobRow[], look: Look) => render(LIST, rows, look);
const renderActive = (rows: JobRow[], look: Look) => render(ACTIVE_COLUMNS, rows, look);
const widest = (text: string) => Math.max(...text.split("\n").map(width));

test("a table fits the terminal, and is whole when piped", () => {
  const targets = Array.from({ length: 100 }, (_, i) => `db-${i}`);
  for (const columns of [80, 100, 200]) {
    const text = renderActive([row({ targets })], { color: false, columns });
    expect(widest(text)).toBeLessThanOrEqual(columns);
    expect(text).toMatch(/… \+\d+\]/);
  }
  expect(renderActive([row({ targets })], { color: false, columns: undefined })).toContain("db-99]");
});

test("wide cells stay aligned, and no line ends in a space", () => {
  const text = renderList(
    [row({ targetExpr: "世界*" }), row({ jid: "j2", targetExpr: "web*", status: "" }), row({ jid: "j3", fn: "" })],
    { color: false, columns: undefined },
  );
  expect(text).toBe(`JID                   FUNCTION      TARGET    STATE
j1                    test.ping     世界*     running
j2                    test.ping     web*      -
j3                    -             -         running
`);
  expect(text).not.toMatch(/ \n/);
});

test("colour marks states only when asked", () => {
  const colored = renderList([row({ status: "failed" })], { color: true, columns: undefined });
  expect(colored).toContain("\x1b[38;5;160mfailed\x1b[39m");
  expect(renderList([row({ status: "failed" })], { color: false, columns: undefined })).not.toContain("\x1b");
});

test("an array of scalars stays on a line of at most 100 columns", () => {
  const fits = { a: Array.from({ length: 12 }, () => "xxx") };
  const toMap = (o: Record<string, string[]>) => new Map(Object.entries(o));
  const line = toJson(toMap(fits)).split("\n")[1] as string;
  expect(line).toStartWith('  "a": ["xxx", ');
  const long = toJson(toMap({ a: Array.from({ length: 20 }, () => "xxx") })).split("\n");
  expect(long).toHaveLength(24);
  // exactly 100, and 101
  const pad = (n: number) => toJson(new Map([["a", ["x".repeat(n)]]])).split("\n");
  expect(pad(89)[1]).toHaveLength(100);
  expect(pad(90)).toHaveLength(5);
  // On a terminal, a longer one fills lines.
  const list = Array.from({ length: 40 }, (_, i) => `x${i}`);
  const filled = toJson(new Map([["a", list]]), 0, 0, 0, 60);
  expect(JSON.parse(filled)).toEqual({ a: list });
  expect(filled.split("\n").map((line) => line.length)).toEqual([1, 8, 57, 58, 59, 59, 51, 3, 1]);
});

test.each([
  ["a bc def", 4, ["a bc", "def"]],
  ["a  b\nc", 9, ["a b c"]],
  ["abcdefgh ij", 3, ["abc", "def", "gh", "ij"]],
  ["ab abcdefg h", 3, ["ab", "abc", "def", "g h"]],
  ["漢字漢字", 5, ["漢字", "漢字"]],
  ["漢字", 1, ["漢", "字"]],
  ["", 5, [""]],
])("wrap(%j, %d)", (text, max, lines) => expect(wrap(text, max)).toEqual(lines));

test.each([
  ["abcdefghij", 10, "abcdefghij"],
  ["abcdefghij", 9, "abcdef…ij"],
  ["abcdefghij", 4, "ab…j"],
  ["abcdefghij", 1, "…"],
  ["漢字漢字漢", 7, "漢字…漢"],
  ["ab", 0, ""],
])("shortenMiddle(%j, %d)", (text, max, short) => {
  expect(shortenMiddle(text, max)).toBe(short);
  expect(width(short)).toBeLessThanOrEqual(max);
});

test("on a terminal text is broken at words, and within a command only when that has no line of its own", () => {
  const text = "job 2hPx is stuck: `zester job trace 2hPx` shows what it waits for.";
  expect(paragraph(text, undefined)).toBe(`${text}\n`);
  expect(paragraph(text, 80)).toBe(`${text}\n`);
  expect(paragraph(text, 32)).toBe("job 2hPx is stuck:\n`zester job trace 2hPx` shows\nwhat it waits for.\n");
  expect(wrapWords(text, 16)).toEqual([
    "job 2hPx is",
    "stuck: `zester",
    "job trace 2hPx`",
    "shows what it",
    "waits for.",
  ]);
  expect(wrap(text, 32)[0]).toBe("job 2hPx is stuck: `zester job");
});
