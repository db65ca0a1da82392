// The table of jobs: its rows are those of the exact decoder, whatever the types of the fields, and its order is byCreation's.
import { expect, test } from "bun:test";
import { encode } from "@msgpack/msgpack";
import { decodeRecord } from "../../../lib/codec/decode.ts";
import { JobTable } from "../../../lib/jobs/job-table.ts";
import { byCreation, type JobRow, jobRow } from "../../../lib/model/job.ts";
import { randomFrom, SEED } from "../../support/random.ts";

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
const key = (jid: string) => Buffer.from(jid);
const all = () => true;

const FIELDS = [
  ...(["jid", "fn", "targetExpr", "targets", "status", "created", "updated", "deadline"] as const),
  ...(["user", "owner", "returned", "succeeded", "unreadable", "source", "schedule"] as const),
];
const plain = (row: JobRow) => Object.fromEntries(FIELDS.map((name) => [name, row[name]]));

/** A record of one field, as bytes. */
const field = (name: string, value: string) =>
  Buffer.concat([Buffer.of(0x81, 0xa0 + name.length), Buffer.from(name), hex(value)]);
const uint32 = (n: number) => n.toString(16).padStart(8, "0");
/** A field `created`, so many seconds after 1970. */
const created = (seconds: number) => field("created", `d6ff${uint32(seconds)}`);

test.each([
  ["no fields", encode({})],
  ["texts", encode({ function: "f", target_expr: "web*", status: "running", user: "u", owner: "o" })],
  ["empty texts", encode({ function: "", target_expr: "", status: "" })],
  ["an empty expression in its long form", field("target_expr", "d900")],
  ["nil", encode({ function: null, targets: null, return_count: null, created: null })],
  ["text beyond ASCII", encode({ function: "größe", targets: ["世界"] })],
  ["a list of more than text", encode({ targets: ["a", 1, ["b"]] })],
  ["counts", encode({ return_count: 3, success_count: 2 ** 31 - 1 })],
  ["large counts", encode({ return_count: 2 ** 31, success_count: -1 })],
  ["a count that is no whole number", encode({ return_count: 1.5 })],
  ["fields of other types", encode({ function: 1, targets: "a", status: [], created: "2026-01-15T10:30:00Z" })],
  ["a time", created(1_768_469_400)],
  ["a time that is not set", field("created", "c70cff00000000fffffff1886e0900")],
  ["a time beyond numbers", field("created", "c70cff000000007fffffffffffffff")],
  ["1970", created(0)],
  ["1970, with nanoseconds", field("created", "d7ff0000000400000000")],
  ["the last second of 32 bits", field("created", "d7ffee6b27fcffffffff")],
  ["the second after it", field("created", "d7ffee6b27fd00000000")],
  ["a nanosecond before 1970", field("created", "c70cff3b9ac9ffffffffffffffffff")],
  ["a nanosecond after what is not set", field("created", "c70cff00000001fffffff1886e0900")],
  ["a run of a schedule", encode({ targets: ["a"], metadata: { source: "schedule", schedule: "nightly" } })],
  [
    "a schedule that a caller made up",
    encode({ targets: ["a"], owner: "m", metadata: { source: "schedule", schedule: "x" } }),
  ],
  ["a schedule of two peels", encode({ targets: ["a", "b"], metadata: { source: "schedule", schedule: "nightly" } })],
  ["a schedule without a name", encode({ targets: ["a"], metadata: { schedule: "", source: "schedule" } })],
  ["an entry beyond ASCII", encode({ targets: ["a"], metadata: { source: "schedule", schedule: "nächtlich" } })],
  ["an entry that is no text", encode({ metadata: { source: "schedule", schedule: 1 } })],
  ["an entry of another source", encode({ metadata: { source: "reactor", schedule: "nightly" } })],
  ["JSON", Buffer.from('{"function":"f","targets":["a"],"return_count":1}')],
])("%s", (_, bytes) => {
  const table = new JobTable();
  expect(plain(table.row(table.put(key("j"), 0, bytes, all)))).toEqual(plain(jobRow("j", decodeRecord(bytes))));
});

test("a value that can't be decoded is a row with the reason, until another record comes", () => {
  const table = new JobTable();
  table.put(key("jobs.j"), 5, hex("c1"), () => false);
  expect(table.unreadable()).toMatchObject([{ jid: "j", unreadable: expect.stringContaining("0xc1") }]);
  table.put(key("jobs.j"), 5, encode({ status: "running" }), all);
  expect(table.unreadable()).toEqual([]);
  expect(table.row(0).status).toBe("running");
});

test("what is kept, counted and dropped", () => {
  const table = new JobTable();
  const jids = () => Array.from(table.order(), (n) => table.jid(n));
  for (let i = 0; i < 3000; i++) table.put(key(`j${i}`), 0, created(i), (row) => row.jid.endsWith("00"));
  expect(table.total).toBe(3000);
  expect(jids()).toHaveLength(29);
  table.put(key("j100"), 0, created(1), () => false);
  table.remove(key("j200"), 0);
  table.remove(key("never"), 0);
  expect(table.total).toBe(2999);
  expect(jids()).toHaveLength(27);
  table.dropAllBut(new Set([300, 500, 501]));
  expect(table.total).toBe(3);
  expect(jids()).toEqual(["j300", "j500"]);
});

test("the order is that of byCreation, with and without times", () => {
  const records: [string, Uint8Array][] = [
    ["c", created(5)],
    ["b", created(5)],
    ["nanos", field("created", "d7ff0000000400000005")],
    ["none-2", encode({})],
    ["json", Buffer.from('{"created":"1970-01-01T00:00:05Z"}')],
    ["first", created(1)],
    ["none-1", encode({ status: "x" })],
    ["bad", hex("c1")],
    ["2106", field("created", "d7ff00000000ffffffff")],
    ["later", field("created", "d7ff0000000100000000")],
    ["1969", field("created", "c70cff00000000ffffffffffffffff")],
  ];
  const table = new JobTable();
  for (const [jid, bytes] of records) table.put(key(jid), 0, bytes, all);
  const rows = records.map((_, n) => table.row(n));
  const order = Array.from(table.order(), (n) => table.jid(n));
  expect(order).toEqual(rows.sort(byCreation).map(({ jid }) => jid));
  expect(order).toEqual(["bad", "none-1", "none-2", "1969", "first", "b", "c", "json", "nanos", "2106", "later"]);
});

test(`random times, set or not, in one second or far apart: in the order of byCreation (seed ${SEED})`, () => {
  const random = randomFrom(SEED);
  const below = (n: number) => Math.floor(random() * n);
  for (let run = 0; run < 200; run++) {
    const table = new JobTable();
    for (let n = below(40); n > 0; n--) {
      // 30 bits of nanoseconds, 34 of seconds; some lie beyond the 32 that a column holds.
      const nanos = (below(3) << 2) | (random() < 0.1 ? 1 : 0);
      const seconds = [below(3), below(2 ** 32), 2 ** 32 - 1 - below(2)][below(3)] as number;
      const time = field("created", `d7ff${uint32(nanos)}${uint32(seconds)}`);
      table.put(key(`j${below(60)}`), 0, random() < 0.2 ? encode({}) : time, all);
    }
    const rows = Array.from({ length: table.total }, (_, n) => table.row(n));
    expect(Array.from(table.order(), (n) => table.jid(n))).toEqual(rows.sort(byCreation).map(({ jid }) => jid));
  }
});
