// Hostile values, and what has to hold for every value that can be stored. `npm run fuzz -- --runs 1000000` runs
// as many as one likes; tests/faults/fuzz.test.ts a few of them, and the corpus.
import { parseArgs } from "node:util";
import { encode as pack } from "@msgpack/msgpack";
import fc from "fast-check";
import { decode, decodeRecord, Undecodable } from "../../lib/codec/decode.ts";
import { toJson, toJsonLine } from "../../lib/codec/json.ts";
import { Timestamp, type ValueMap } from "../../lib/codec/value.ts";
import { toYaml } from "../../lib/codec/yaml.ts";
import { JobTable, toJob } from "../../lib/jobs/job-table.ts";
import { JobList, type JobRow, jobRow } from "../../lib/model/job.ts";
import { peelsOf, RETURN_FIELDS, toReturn, unreadableReturn } from "../../lib/model/returns.ts";
import { type JobEvent, Steps, storyOf } from "../../lib/model/story.ts";
import { Board } from "../../lib/render/board.ts";
import { ACTIVE_COLUMNS, changeLine, columnsOf, LIST, SHEET, wide } from "../../lib/render/columns.ts";
import { csvText } from "../../lib/render/csv.ts";
import { listed, START } from "../../lib/render/keys.ts";
import { renderEach, renderGroups } from "../../lib/render/output.ts";
import { renderPicture } from "../../lib/render/picture.ts";
import { renderRecord } from "../../lib/render/record.ts";
import { renderStory, renderTimeline } from "../../lib/render/story.ts";
import { renderSummary } from "../../lib/render/summary.ts";
import { sheetOf, tableOf } from "../../lib/render/view.ts";
import { encode, Time } from "./harness.ts";
import fixtures from "./wire-fixtures.json" with { type: "json" };

const NASTY = [
  "\x1b]8;;http://x\x07link\x1b]8;;\x07",
  "\x1b]52;c;AAAA\x07",
  "\x1bPq#0\x1b\\",
  "\x9b31m",
  "\u202eevil\u2066",
  "a\u200db\u200b\ufeff",
  "\r\n\t\0\x7f",
  "e\u0301\u0301\u0301",
  "世界\u{1f468}\u200d\u{1f469}",
  "\u2028\u2029\u00ad",
  "__proto__",
  "constructor",
  "10",
  "=1+1",
  "-",
  "",
  " ",
  "x".repeat(300),
];
const hostileText = fc.oneof(fc.constantFrom(...NASTY), fc.string({ unit: "binary", maxLength: 20 }));
const number = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -0, 2 ** 53),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
);
const time = fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }).map((ns) => new Time(ns));
const anything: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  node: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    number,
    hostileText,
    time,
    fc.uint8Array({ maxLength: 20 }),
    fc.array(tie("node"), { maxLength: 5 }),
    fc.dictionary(
      hostileText.filter((key) => key !== "__proto__"),
      tie("node"),
      { maxKeys: 5 },
    ),
  ),
})).node;

const FIELDS = [
  ...["jid", "function", "args", "targets", "timeout", "status", "created", "updated", "user", "owner", "epoch"],
  ...["deadline", "target_expr", "return_count", "success_count", "v", "metadata", "peel_id", "success"],
  ...["return_data", "error", "duration", "unreachable", "type", "results"],
];
/** A record whose fields are of any type, with some that are right. */
const record = fc.dictionary(
  fc.constantFrom(...FIELDS),
  fc.oneof(
    anything,
    time,
    fc.array(hostileText, { maxLength: 6 }),
    fc.constantFrom("running", "complete", "canceled", true, null),
    fc.record({
      results: fc.array(
        fc.dictionary(fc.constantFrom("name", "details", "error", "skipped", "diff", "duration"), anything),
      ),
    }),
  ),
  { maxKeys: 12 },
);
const genuine = fc.constantFrom(...fixtures.map(({ base64 }) => new Uint8Array(Buffer.from(base64, "base64"))));

function safely(value: unknown): Uint8Array {
  try {
    return encode(value);
  } catch {
    return pack("a value that MessagePack cannot hold");
  }
}

const json = (value: unknown) =>
  JSON.stringify(value, (_, item) => (typeof item === "bigint" ? Number(item) : item)) ?? "{}";
const packed = fc.oneof(record.map(safely), genuine);
const inJson = fc
  .tuple(record, fc.boolean())
  .map(([value, bom]) => Buffer.from(`${bom ? "\ufeff" : ""}${json(value)}`));

/** Bytes cut, doubled, flipped, or replaced by what opens a container. */
const mutated = fc
  .tuple(fc.oneof(packed, inJson), fc.nat(), fc.nat(), fc.integer({ min: 0, max: 255 }), fc.nat(3))
  .map(([bytes, a, b, byte, how]) => {
    const at = a % (bytes.length || 1);
    const to = b % (bytes.length || 1);
    if (how === 0) return bytes.slice(0, at);
    if (how === 1) return Buffer.concat([bytes.slice(0, at), bytes.slice(to)]);
    const copy = Uint8Array.from(bytes);
    copy[at] = how === 2 ? byte : ([0xdd, 0xdf, 0xdb, 0xc6, 0xc9, 0x9f][byte % 6] as number);
    return copy;
  });

/** What announces a length: the first byte, and how many bytes say the length. */
const HEADS: [number, number][] = [
  ...[0x80, 0x81, 0x82, 0x8f, 0x90, 0x91, 0x92, 0x9f].map((type): [number, number] => [type, 0]),
  ...[0xa0, 0xbf, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8].map((type): [number, number] => [type, 0]),
  ...[0xc4, 0xc7, 0xd9].map((type): [number, number] => [type, 1]),
  ...[0xc5, 0xc8, 0xda, 0xdc, 0xde].map((type): [number, number] => [type, 2]),
  ...[0xc6, 0xc9, 0xdb, 0xdd, 0xdf].map((type): [number, number] => [type, 4]),
];
const isExtension = (type: number) => (type >= 0xc7 && type <= 0xc9) || (type >= 0xd4 && type <= 0xd8);
/** The head of a list, a map, a text, bytes or an extension that announces anything: mostly more than there is. */
const head = fc
  .tuple(
    fc.constantFrom(...HEADS),
    fc.oneof(fc.nat(8), fc.nat(0xffff), fc.constantFrom(0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff)),
    fc.constantFrom(0xff, 0, 5, 0x80),
  )
  .map(([[type, width], length, extension]) => {
    const most = 2 ** (8 * width) - 1;
    const says = Buffer.alloc(4);
    says.writeUInt32BE(Math.min(length, most));
    return Buffer.concat([
      Buffer.of(type),
      says.subarray(4 - width),
      ...(isExtension(type) ? [Buffer.of(extension)] : []),
    ]);
  });
const times = (bytes: Uint8Array, n: number) => Buffer.alloc(bytes.length * n, bytes);
const listOf = (items: number) => Buffer.of(0xdc, items >> 8, items & 0xff);
const short = fc.oneof(
  fc
    .constantFrom(...["c0", "01", "a161", "cb8000000000000000", "d6ff00000001", "c40161"])
    .map((hex) => Buffer.from(hex, "hex")),
  fc.uint8Array({ maxLength: 8 }),
);
/** Announced lengths nested deep, wide, and mixed with values that are whole. */
const announced: fc.Arbitrary<Uint8Array> = fc.letrec<{ node: Uint8Array }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small" },
    short,
    fc.tuple(head, short).map((parts) => Buffer.concat(parts)),
    fc
      .tuple(head, fc.integer({ min: 1, max: 2000 }), short)
      .map(([unit, n, end]) => Buffer.concat([times(unit, n), end])),
    fc.tuple(head, fc.integer({ min: 1, max: 2000 })).map(([unit, n]) => Buffer.concat([listOf(n), times(unit, n)])),
    fc.tuple(head, fc.array(tie("node"), { maxLength: 4 })).map(([first, rest]) => Buffer.concat([first, ...rest])),
    fc.array(tie("node"), { maxLength: 4 }).map((items) => Buffer.concat([listOf(items.length), ...items])),
  ),
})).node;
/** They stand in fields of jobs, returns and events, or are the whole value. */
const inRecord = fc
  .array(fc.tuple(fc.constantFrom(...FIELDS, "data", "action"), announced), { minLength: 1, maxLength: 4 })
  .map((fields) =>
    Buffer.concat([
      Buffer.of(0x80 + fields.length),
      ...fields.flatMap(([name, value]) => [Buffer.from(pack(name)), value]),
    ]),
  );
const opened = fc
  .tuple(fc.constantFrom("[", '{"a":', '[{"":', '{"args":[', "[1,", '["\\"'), fc.integer({ min: 1, max: 3000 }))
  .map(([unit, n]) => Buffer.from(unit.repeat(n)));

export const hostile: fc.Arbitrary<Uint8Array> = fc.oneof(
  { arbitrary: fc.uint8Array({ maxLength: 100 }), weight: 1 },
  { arbitrary: packed, weight: 3 },
  { arbitrary: inJson, weight: 1 },
  { arbitrary: mutated, weight: 3 },
  { arbitrary: announced, weight: 1 },
  { arbitrary: inRecord, weight: 2 },
  { arbitrary: opened, weight: 1 },
);

const RAW = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;

function clean(text: string, what: string): string {
  const found = RAW.exec(text);
  if (found) throw new Error(`${what} writes U+${(text.codePointAt(found.index) as number).toString(16)}`);
  if (!text.isWellFormed()) throw new Error(`${what} writes a lone surrogate`);
  return text;
}

const KEYS: (keyof JobRow)[] = [
  ...(["jid", "fn", "targetExpr", "targets", "status", "created", "updated", "deadline"] as const),
  ...(["user", "owner", "returned", "succeeded", "unreadable"] as const),
];
const text = (_: string, value: unknown) =>
  typeof value === "bigint" || value instanceof Timestamp ? String(value) : value;
const plain = (row: JobRow) => KEYS.map((key) => `${key}: ${JSON.stringify(row[key], text)}`).join("\n");

const NOW = new Date("2026-01-15T10:00:00Z");
const JID = Buffer.from("job-1");

/** Everything that has to hold for one stored value. @throws Error with what does not */
export function examine(bytes: Uint8Array, withYaml = true): void {
  let value: ValueMap | undefined;
  let reason = "";
  try {
    value = decodeRecord(bytes);
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
    clean(toJson(error.message), "a reason");
    reason = error.message;
  }
  // What fields that are not asked for take in memory does not count.
  if (!reason.includes("in memory")) checkFields(bytes, value);
  const table = new JobTable();
  const row = table.row(table.put(JID, 0, bytes, () => true));
  const slow = toJob("job-1", bytes).row;
  if (plain(row) !== plain(slow)) throw new Error(`the two decoders differ:\n${plain(row)}\n${plain(slow)}`);
  if (value) {
    JSON.parse(clean(toJson(value), "JSON"));
    JSON.parse(clean(toJsonLine(value), "a JSON line"));
    if (withYaml) clean(toYaml(value), "YAML");
  }
  renderAll(row, value);
}

/** Some fields of a record are what the whole record has in them; what is no record is none for them either. */
function checkFields(bytes: Uint8Array, whole: ValueMap | undefined): void {
  let some: ValueMap | undefined;
  try {
    some = decodeRecord(bytes, RETURN_FIELDS);
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
  }
  const shown = (value: ValueMap | undefined) =>
    RETURN_FIELDS.map((name) => toJsonLine(value?.get(name) ?? null)).join("\n");
  if ((some && !whole) || shown(some) !== shown(whole))
    throw new Error(`fields alone differ:\n${shown(some)}\n${shown(whole)}`);
}

function renderAll(row: JobRow, value: ValueMap | undefined): void {
  const jobs = JobList.of([{ row, record: value }]);
  for (const columns of [undefined, 80, 20]) {
    const viewer = { color: false, columns, now: NOW };
    for (const names of [LIST, ACTIVE_COLUMNS, wide(LIST, true), [...LIST, "args.name", "metadata"]])
      clean([...tableOf(columnsOf(names), jobs, viewer)].join(""), `table ${names}`);
  }
  clean([...csvText(SHEET, sheetOf(columnsOf(SHEET), jobs, NOW).rows, true)].join(""), "CSV");
  clean(changeLine(row, NOW), "a change");
  const board = new Board(() => true);
  board.put("job-1", { row, record: value }, true, NOW.getTime());
  const shown = {
    board,
    jobs: listed(board, START, NOW.getTime()),
    opened: undefined,
    text: undefined,
    size: { columns: 50, rows: 9 },
    dialog: undefined,
    told: new Map(),
    note: "",
    unreadable: 0,
    places: [],
    isWhole: true,
    now: NOW,
  };
  for (const line of renderPicture(shown, START, { color: false, utf8: true })) clean(line, "picture");
  const job = value ?? new Map();
  const item = value ? toReturn("peel_1", value) : unreadableReturn("peel_1", "because");
  const peels = peelsOf(job, [item]);
  const look = { color: false, columns: 80 };
  clean(renderRecord(job, peels, undefined, look, false), "record and returns");
  const steps = new Steps(job);
  for (const kind of ["dispatch", "ack", "return", "status", "cancel", "schedule"])
    for (const peel of [undefined, "peel_1"])
      steps.add({ kind, peel, storedNs: 1n, payload: value ?? undefined } as JobEvent);
  const story = storyOf("job-1", job, [item], steps, { nowNs: 5n });
  const telling = { row: jobRow("job-1", job), job, story, stuck: undefined };
  clean(renderSummary(telling, story.peels, look, { now: NOW, allPeels: true }), "summary");
  clean([...renderEach(story.peels, false, false)].join(""), "output, peel by peel");
  const groups = { dryRun: false, changes: false, full: false };
  clean([...renderGroups(story.peels, look, groups)].join(""), "output");
  clean([...renderStory(telling, look, { now: NOW, allPeels: true, events: true })].join(""), "trace");
  clean([...renderTimeline(story, look, true)].join(""), "events");
}

/** Values that were trouble once, or that only a person thinks of. */
export function corpus(): [string, Uint8Array][] {
  const deep = (depth: number, open: number, end: number) => Buffer.concat([Buffer.alloc(depth, open), Buffer.of(end)]);
  const texts: [string, string][] = [
    ["JSON with a byte order mark", '\ufeff{"function":"f","targets":["a"]}'],
    ["JSON, 10,000 deep", `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`],
    ["JSON, numbers without end", `{"timeout":${"9".repeat(10_000)},"epoch":1e999999}`],
    ["JSON, __proto__", '{"__proto__":{"status":"running"},"constructor":1}'],
    ["JSON, lone surrogates", '{"function":"\\ud800","\\udc00":1}'],
  ];
  return [
    ...texts.map(([name, text]): [string, Uint8Array] => [name, Buffer.from(text)]),
    ["lists, 10,000 deep", deep(10_000, 0x91, 0xc0)],
    [
      "lists, 40 deep, which the fast reader leaves to the other",
      encode({ args: JSON.parse("[".repeat(40) + "]".repeat(40)) }),
    ],
    ["a text that declares 4 GB", Buffer.from("81a16adbffffffff", "hex")],
    ["a list that declares 4 G elements", Buffer.from("81a16addffffffff", "hex")],
    ["an empty text in its long form", Buffer.from("81ab7461726765745f65787072d900", "hex")],
    ["lists that announce 65,535, 10,000 deep", Buffer.from(`81a161${"dcffff".repeat(10_000)}`, "hex")],
    ["lists that announce 65,535, 400 deep", Buffer.from(`81a161${"dcffff".repeat(400)}`, "hex")],
    ["JSON that opens lists for 5 MB", Buffer.alloc(5 << 20, "[")],
    ["3,000,000 targets of one letter", encode({ targets: Array(3_000_000).fill("a") })],
    ["100,000 targets", encode({ targets: Array.from({ length: 100_000 }, (_, i) => `peel-${i}`) })],
    ["8 MB of text", encode({ function: "x".repeat(8 << 20), target_expr: "世".repeat(1 << 20) })],
    ["a key twice", Buffer.from("82a6737461747573a161a6737461747573a162", "hex")],
    ["invalid UTF-8", Buffer.from("81a6737461747573a4ff80c328", "hex")],
    ["nanoseconds beyond a second", Buffer.from("81a763726561746564d7ffffffffff00000000", "hex")],
    ["the last second that there is", Buffer.from("81a763726561746564c70cff000000007fffffffffffffff", "hex")],
    ["counts below zero and beyond 2^63", encode({ return_count: -5, success_count: 2n ** 64n - 1n, targets: [] })],
    ...NASTY.map((text): [string, Uint8Array] => [
      `everywhere ${JSON.stringify(text)}`,
      encode({
        function: text,
        status: text,
        target_expr: text,
        user: text,
        owner: text,
        targets: [text],
        error: text,
        args: { [text === "__proto__" ? "p" : text]: text },
      }),
    ]),
  ];
}

/** The inputs are small (a few KB, the corpus apart), so all that a process has is its own. */
const MOST_MEMORY = 1 << 30;

if (import.meta.main) {
  const { values } = parseArgs({
    options: { runs: { type: "string", default: "100000" }, seed: { type: "string" } },
  });
  const runs = Number(values.runs);
  const began = Date.now();
  let done = 0;
  let readable = 0;
  const check = (bytes: Uint8Array) => {
    try {
      examine(bytes, done % 50 === 0);
    } catch (error) {
      console.error(`input ${done + 1}: ${Buffer.from(bytes).toString("hex")}`);
      throw error;
    }
    // What was collected is given back late: that would look like a leak.
    if (done % 10_000 === 0) Bun.gc(true);
    const rss = process.memoryUsage.rss();
    if (rss > MOST_MEMORY) throw new Error(`${bytes.length} bytes brought the process to ${rss} bytes`);
    try {
      decode(bytes);
      readable++;
    } catch {}
    if (++done % 100_000 === 0)
      console.error(`${done} inputs, ${readable} decodable, ${Math.round(process.memoryUsage.rss() / 1e6)} MB`);
  };
  fc.assert(fc.property(hostile, check), {
    numRuns: runs,
    // A smaller one is made by hand from what is printed: a long input has a million smaller ones.
    endOnFailure: true,
    ...(values.seed && { seed: Number(values.seed) }),
  });
  console.log(
    `${done} inputs in ${Math.round((Date.now() - began) / 1000)} s, ${readable} of them decodable, at most ${Math.round(process.resourceUsage().maxRSS / 1e3)} MB: all held`,
  );
  // Last: it has values of 8 MB.
  for (const [, bytes] of corpus()) examine(bytes);
}
