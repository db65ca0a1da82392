// Times as the flags of a selection take them.
import { expect, test } from "bun:test";
import { parseWhen } from "../../../lib/model/selection.ts";

const NOW = new Date(2026, 0, 15, 12, 0, 0);
test.each([
  ["90m", new Date(2026, 0, 15, 10, 30)],
  ["today", new Date(2026, 0, 15)],
  ["yesterday", new Date(2026, 0, 14)],
  ["2026-01-10", new Date(2026, 0, 10)],
  ["2026-01-10T10:00:00+02:00", new Date("2026-01-10T08:00:00Z")],
])("when: %s", (text, date) => expect(parseWhen(text, "--since", NOW)).toBe(BigInt(date.getTime()) * 1_000_000n));
