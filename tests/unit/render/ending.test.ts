// How jobs ended, as words and for programs.
import { expect, test } from "bun:test";
import { toJsonLine } from "../../../lib/codec/json.ts";
import { jobRow } from "../../../lib/model/job.ts";
import type { PeelState } from "../../../lib/model/peel-state.ts";
import { endingDocument, endingText } from "../../../lib/render/ending.ts";
import { endLine } from "../../../lib/render/kill.ts";

const NOW = new Date("2026-01-15T10:00:00Z");
const ending = (fields: Record<string, string>, states: readonly PeelState[]) => ({
  row: jobRow("j", new Map(Object.entries(fields))),
  peels: states.map((state, i) => ({ peel: `p${i}`, state, returned: undefined })),
});
const TIMES = { created: "2026-01-15T09:30:00Z", updated: "2026-01-15T09:30:12Z" };

test.each([
  [ending({ status: "complete", ...TIMES }, ["ok", "ok"]), "complete after 12s: 2 ok"],
  [ending({ status: "failed", ...TIMES }, ["failed", "ok"]), "failed after 12s: 1 ok, 1 failed"],
  [ending({ status: "failed" }, []), "failed: no peels"],
  [ending({}, ["missing"]), "-: 1 missing"],
  [ending({ status: "a\nb" }, []), "a\\nb: no peels"],
])("%#: %s", (one, words) => expect(endingText(one, NOW)).toBe(words));

test("for programs every state is counted", () => {
  expect(toJsonLine(endingDocument(ending({ status: "failed" }, ["failed", "ok", "ok"])))).toBe(
    '{"jid":"j","status":"failed","ok":2,"missing":0,"unreachable":0,"unreadable":0,"failed":1}',
  );
  expect(toJsonLine(endingDocument(ending({}, [])))).toStartWith('{"jid":"j","status":null,');
});

test.each([
  [ending({ status: "canceled" }, ["missing"]), "Job j canceled, 0 of 1 peel had returned\n"],
  [ending({ status: "canceled" }, []), "Job j canceled, 0 of 0 peels had returned\n"],
  [ending({ status: "complete" }, ["ok"]), "Job j complete before the signal took effect: 1 ok\n"],
])("after a cancel signal, %#: %s", (one, line) => expect(endLine(one)).toBe(line));
