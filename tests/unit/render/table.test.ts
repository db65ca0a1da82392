// Tables on terminals of any width: no line is wider, and only what may give way does.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Value } from "../../../lib/codec/value.ts";
import { badOf, JobList, jobRow } from "../../../lib/model/job.ts";
import { peelsOf, toReturn } from "../../../lib/model/returns.ts";
import { parseSelection } from "../../../lib/model/selection.ts";
import { ACTIVE_COLUMNS, columnsOf, LIST, SHORT_JID, STUCK, stuckColumn, wide } from "../../../lib/render/columns.ts";
import { historyView } from "../../../lib/render/history.ts";
import { renderReturns } from "../../../lib/render/peels.ts";
import { fitted, leaves, renderTable, shrinks } from "../../../lib/render/table.ts";
import { tableOf } from "../../../lib/render/view.ts";
import { safe, width } from "../../../lib/text.ts";
import { draws } from "../../support/length.ts";

const text = fc.oneof(
  fc.string({ maxLength: 60 }),
  fc.string({ unit: "grapheme", maxLength: 30 }),
  fc.lorem({ maxCount: 12 }),
);
const withCells = <C extends { readonly title: string }>(columns: readonly C[]) =>
  columns.map((column, i) => ({ ...column, text: (row: readonly string[]) => row[i] as string }));
const room = fc.integer({ min: 1, max: 200 });
const widest = (shown: string) => Math.max(0, ...shown.split("\n").map(width));
const squeezed = (shown: string) => shown.replaceAll(/\s/g, "");

test.each([
  // Room for all; one that shrinks; ranks before places; what is freed goes back.
  [[10, 10], [[], []], 22, [10, 10]],
  [[10, 30], [[], [shrinks(1, 5)]], 30, [10, 18]],
  [[10, 30], [[leaves(1)], [shrinks(2, 5)]], 35, [0, 30]],
  [[30, 30, 20], [[shrinks(1, 10)], [shrinks(2, 10)], [leaves(3)]], 40, [10, 28, 0]],
  [[36, 10], [[{ rank: 1, to: 12, only: true }], []], 47, [12, 10]],
  [[36, 10, 30], [[{ rank: 1, to: 12, only: true }], [], [leaves(2)]], 48, [36, 10, 0]],
  [[36, 10, 10], [[{ rank: 1, to: 12, only: true }], [leaves(2)], []], 30, [12, 0, 10]],
  [[10, 10], [[], []], 5, [10, 10]],
] as [number[], ReturnType<typeof shrinks>[][], number, number[]][])(
  "%j %j in %d: %j",
  (needed, gives, most, result) => {
    // In the fourth case the second column gets back what the third one left.
    expect(fitted(gives, needed, most)).toEqual(result);
  },
);

describe("any table", () => {
  const step = fc.record({ rank: fc.nat(9), to: fc.nat(30), only: fc.boolean() });
  const column = fc.record({
    title: fc.constantFrom("A", "TITLE", "A LONG TITLE"),
    min: fc.nat(12),
    gives: fc.array(step, { maxLength: 3 }),
    wraps: fc.boolean(),
  });
  const table = fc.array(column, { minLength: 1, maxLength: 7 }).chain((columns) =>
    fc.record({
      columns: fc.constant(columns),
      rows: fc.array(fc.tuple(...columns.map(() => text)), { minLength: 1, maxLength: 5 }),
      room,
    }),
  );

  test("no line is wider than the terminal, and what can't give way stands whole", () => {
    fc.assert(
      fc.property(table, ({ columns, rows, room }) => {
        const whole = renderTable(withCells(columns), rows, { color: false, columns: undefined });
        const shown = renderTable(withCells(columns), rows, { color: false, columns: room });
        expect(widest(shown)).toBeLessThanOrEqual(room);
        if (widest(whole) <= room) expect(shown).toBe(whole);
        const need = columns.map(({ title }, i) =>
          Math.max(title.length, ...rows.map((row) => width(safe(row[i] as string)))),
        );
        const least = columns.map(({ title, gives }, i) =>
          Math.min(need[i] as number, ...gives.map(({ to }) => (to === 0 ? 0 : Math.max(to, title.length, 2)))),
        );
        const sum = least.filter((each) => each > 0).reduce((all, each) => all + each + 2, -2);
        if (sum > room) return;
        columns.forEach(({ gives }, i) => {
          if (gives.length === 0) for (const row of rows) expect(shown).toContain(safe(row[i] as string).trimEnd());
        });
      }),
      { numRuns: draws(150, 20_000) },
    );
  });

  test("what wraps is all there", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom("a", "bc"), text)),
        fc.integer({ min: 14, max: 120 }),
        (rows, room) => {
          const columns = [{ title: "PEEL" }, { title: "ERROR", gives: [shrinks(0, 20)], wraps: true }];
          const shown = renderTable(withCells(columns), rows, { color: false, columns: room });
          expect(widest(shown)).toBeLessThanOrEqual(room);
          expect(squeezed(shown)).toBe(squeezed(`PEELERROR${rows.map(([peel, text]) => peel + safe(text)).join("")}`));
          // Below its own column.
          for (const line of shown.split("\n")) if (line.startsWith("  ")) expect(line).toStartWith("      ");
        },
      ),
      { numRuns: draws(150, 20_000) },
    );
  });
});

const record = fc.record(
  {
    function: text,
    args: fc.record({ command: text }).map((args) => new Map(Object.entries(args))),
    targets: fc.array(fc.stringMatching(/^[a-z_-]{1,20}$/), { maxLength: 30 }),
    target_expr: text,
    status: fc.constantFrom("pending", "claimed", "running", "complete", "failed", "canceled"),
    created: fc.constant("2026-01-15T09:59:00Z"),
    updated: fc.constant("2026-01-15T10:59:00Z"),
    user: text,
    owner: text,
    return_count: fc.bigInt({ min: 0n, max: 99_999n }),
    success_count: fc.constant(0n),
  },
  { requiredKeys: ["status", "created", "targets"] },
);

test("tables of jobs: every id, state and number of bad peels is there, on any terminal that has room for these", () => {
  const names = fc.constantFrom(LIST, ACTIVE_COLUMNS, wide(LIST, true), wide(ACTIVE_COLUMNS, false), [
    ...LIST,
    "args.command",
    "timeout",
  ]);
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 4 }), names, room, (records, names, room) => {
      const jobs = records.map((fields, i) => {
        const record = new Map(Object.entries(fields as Record<string, Value>));
        return { row: jobRow(`2hPx7KkVnR7YmWqTz4PLsCfNj${10 + i}`, record), record };
      });
      const look = { color: false, columns: room };
      const shown = [...tableOf(columnsOf(names), JobList.of(jobs), { ...look, now: new Date("2026-01-16") })].join("");
      expect(widest(shown)).toBeLessThanOrEqual(room);
      expect(shown.split("\n").length).toBe(jobs.length + 2);
      // Id, state, bad peels, the columns of STUCK, and of a field that was asked for.
      if (room < 27 + 10 + 8 + 22 + 14) return;
      jobs.forEach(({ row }, i) => {
        const line = ` ${shown.split("\n")[i + 1]} `;
        expect(line).toContain(` ${row.jid} `);
        expect(line).toContain(` ${row.status} `);
        if (names.includes("bad")) expect(line).toContain(` ${badOf(row) ?? "-"} `);
      });
    }),
    { numRuns: draws(150, 20_000) },
  );
});

test("the widest view tells what ran, where, when and how far, on a terminal of 80 columns too", () => {
  const fields = {
    function: "state.apply",
    state_id: "nginx",
    status: "running",
    target_expr: "web* and G@role:frontend",
    targets: ["web-01"],
    created: "2026-01-15T00:01:00Z",
    user: "ops",
    owner: "master-2hPwZ9",
  };
  const record = new Map<string, Value>(Object.entries(fields));
  const row = jobRow("rxn-26837e1b089ab392ef4e57c7f3afcdc7", record);
  const stuck = stuckColumn(() => ({ jid: row.jid, overdueNs: 60_000_000_000n, goneMaster: "m1", heardNs: undefined }));
  const ours = new Map([
    [STUCK, stuck],
    ["jid", SHORT_JID],
  ]);
  const columns = columnsOf(wide(LIST, true)).map((column) => ours.get(column.name) ?? column);
  const now = new Date("2026-01-16T00:00:00Z");
  const shown = [...tableOf(columns, JobList.of([{ row, record }]), { color: false, columns: 80, now })].join("");
  expect(shown.split("\n").slice(0, 2)).toEqual([
    "JID       WHAT              TARGET  STATE    CREATED  RETURNS  BAD  STUCK",
    "rxn-2683  state.appl…nginx  web*…   running  23h ago  -/1      -    1m overd…",
  ]);
});

test("a history: ids are cut to what tells them apart, and an error has two lines of 32 columns before CHANGED has any", () => {
  const job = new Map<string, Value>(Object.entries({ function: "state.apply", state_id: "nginx", status: "failed" }));
  const entries = ["2hPx7KkVnR7YmWqTz4PLsCfNj10", "2hPx7KkVQR7YmWqTz4PLsCfNj10"].map((jid) => ({
    ...{
      jid,
      state: "failed" as const,
      isOk: false,
      note: "write /etc/nginx/nginx.conf: no space left on device",
      at: undefined,
    },
    ...{ tookNs: 1_500_000_000n, soFarNs: undefined, changed: { some: 0, of: 1 }, dryRun: false, returned: undefined },
    ...{ row: jobRow(jid, job), job },
  }));
  const viewer = { color: false, columns: 80, now: new Date(0) };
  expect([...historyView("web-1", entries, [], parseSelection({}, viewer.now), 20).text(viewer)].join("")).toBe(`\
WHEN  JID        WHAT          STATE   TOOK  NOTE
-     2hPx7KkVn  state.ap…inx  failed  1.5s  write /etc/nginx/nginx.conf: no
                                             space left on device
-     2hPx7KkVQ  state.ap…inx  failed  1.5s  write /etc/nginx/nginx.conf: no
                                             space left on device
`);
});

test("a long list of targets tells how many more there are", () => {
  const targets = Array.from({ length: 400 }, (_, i) => `db-${String(i + 1).padStart(2, "0")}`);
  const record = new Map<string, Value>(Object.entries({ function: "state.apply", targets, status: "running" }));
  const jobs = JobList.of([{ row: jobRow("20260115-002", record), record }]);
  const shown = (columns: number | undefined) =>
    [...tableOf(columnsOf(ACTIVE_COLUMNS), jobs, { color: false, columns, now: new Date(0) })].join("").split("\n")[1];
  expect(shown(61)).toBe("20260115-002  state.apply  [db-01 db-02 … +398]  running");
  expect(shown(undefined)).toEndWith(" db-399 db-400]  running");
});

test("returns: an error goes on below its column, whole", () => {
  const error = "write /etc/nginx/nginx.conf: no space left on device; 4 blocks of 1024 bytes were wanted";
  const item = (peel: string, fields: object) =>
    toReturn(peel, new Map<string, Value>(Object.entries({ success: false, duration: 1_200_000_000n, ...fields })));
  const peels = peelsOf(new Map(), [item("web-01", { error }), item("web-02", { success: true })]);
  expect(renderReturns(peels, { color: false, columns: 60 }, false)).toBe(`\
PEEL    SUCCESS  DURATION  ERROR
web-01  false    1.2s      write /etc/nginx/nginx.conf: no
                           space left on device; 4 blocks of
                           1024 bytes were wanted
web-02  true     1.2s
`);
});
