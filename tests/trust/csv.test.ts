// Text of strangers in a spreadsheet: whatever divides the cells there, none begins as a formula.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { toJob } from "../../lib/jobs/job-table.ts";
import { JobList } from "../../lib/model/job.ts";
import { columnsOf } from "../../lib/render/columns.ts";
import { csvText } from "../../lib/render/csv.ts";
import { sheetOf } from "../../lib/render/view.ts";
import { createBuckets, encode, jobRecord, startServer, zester } from "../support/harness.ts";

const COLUMNS = ["jid", "function", "user"];
function lines(fn: string, user: string): string[] {
  const record = encode(jobRecord("j1", { function: fn, user }));
  const jobs = JobList.of([toJob("j1", record)]);
  return [...csvText(COLUMNS, sheetOf(columnsOf(COLUMNS), jobs, new Date(0)).rows, false)];
}

/** A reader of cells: those that begin with a quote end with one, and what follows it up to the next divider belongs to them. */
function cells(line: string, dividers: string): string[] {
  const found: string[] = [];
  let at = 0;
  for (;;) {
    let cell = "";
    if (line[at] === '"') {
      for (at++; at < line.length; at++) {
        if (line[at] !== '"') cell += line[at];
        else if (line[at + 1] === '"') {
          cell += '"';
          at++;
        } else break;
      }
      at++;
    }
    while (at < line.length && !dividers.includes(line[at] as string)) cell += line[at++];
    found.push(cell);
    if (at >= line.length) return found;
    at++;
  }
}

/** What programs do on the way: fold to the plain forms, drop what is around. */
const WAYS: ((text: string) => string)[] = [
  (text) => text,
  (text) => text.normalize("NFKC").replace(/[\u2010-\u2015\u2212]/g, "-"),
];
const runs = (cell: string) => /^[=+\-@]/.test(cell.trim()) && !/^-\d+(\.\d+)?$/.test(cell.trim());

const part = fc.constantFrom(
  ...["=", "+", "-", "@", "＝", "＋", "－", "＠", "﹦", "﹢", "﹣", "﹫", "⁺", "⁻", "⁼", "₊", "₋", "₌", "﬩", "−", "‐"],
  ...[";", "|", ",", "\t", "\n", "\r", "；", "｜", "，", "\u037e", '"', '""', "'", " ", "\u00a0", "\u3000"],
  ...["cmd|' /C calc'!A0", "x", "1", "-5", "\ufeff", "\u200b", "\x0b", "é"],
);
const text = fc.array(part, { maxLength: 8 }).map((parts) => parts.join(""));

test("no divider, no folding and no space makes a formula", () => {
  fc.assert(
    fc.property(text, text, (fn, user) => {
      const [line = "", ...more] = lines(fn, user);
      expect(more).toEqual([]);
      for (const way of WAYS)
        for (const dividers of [",", ";", "|", "\t", ",;", ",;\t|"]) {
          const bad = cells(way(line.trimEnd()), dividers).filter(runs);
          expect([line, dividers, bad]).toEqual([line, dividers, []]);
        }
    }),
    { numRuns: 5000 },
  );
});

test("a reader of RFC 4180 gets the text, with an apostrophe only where one was needed", () => {
  const plain = fc.array(fc.constantFrom("a", "1", ",", '"', ";", "|", " ", "é", "x=1", "a-b", ";-5", "|7"), {
    maxLength: 8,
  });
  fc.assert(
    fc.property(
      plain.map((parts) => `f${parts.join("")}`.replace(/([;|][\s"]*)x?[=]/g, "$1")),
      (fn) => {
        const expected = fn.replace(/([;|][\s"]*)(?=-)/g, "$1'");
        expect(cells((lines(fn, "ops")[0] as string).trimEnd(), ",")).toEqual(["j1", expected, "ops"]);
      },
    ),
  );
});

test.each([
  ["x;=cmd|' /C calc'!A0", "\"x;'=cmd|' /C calc'!A0\""],
  ["＝cmd|' /C calc'!A0", "\"'＝cmd|' /C calc'!A0\""],
  ["x; =1+1", '"x; \'=1+1"'],
  ['x;"=1+1', '"x;""\'=1+1"'],
  [" =1+1", " '=1+1"],
  ["x|@SUM(A1)", '"x|\'@SUM(A1)"'],
  ["\t=1+1", "\\t=1+1"],
  ["-5", "-5"],
  ["1;-5;2", '"1;\'-5;2"'],
  ["-5x", "'-5x"],
  ["a=b-c", "a=b-c"],
])("%p", (fn, cell) => expect(lines(fn, "")).toEqual([`j1,${cell},\n`]));

test("the executable", async () => {
  const server = await startServer();
  const nc = await server.connect();
  const { jobs } = await createBuckets(nc);
  await jobs.put("j1", encode(jobRecord("j1", { function: "x;=cmd|'!A0", user: "＝1", args: { "=2": "y;+3" } })));
  const args = ["job", "list", "--format", "csv", "--columns", "jid,function,user,args"];
  expect((await zester(args, { env: { NATS_URL: server.url } })).stdout).toBe(
    `jid,function,user,args\nj1,"x;'=cmd|'!A0",'＝1,"{""=2"":""y;'+3""}"\n`,
  );
  await nc.close();
  await server.stop();
});
