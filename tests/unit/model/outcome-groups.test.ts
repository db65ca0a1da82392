// Which peels had the same outcome.
import { expect, test } from "bun:test";
import type { Value, ValueMap } from "../../../lib/codec/value.ts";
import { diffSize, outcomeGroups } from "../../../lib/model/outcome-groups.ts";
import { worstFirst } from "../../../lib/model/peel-state.ts";
import { stateOfReturn, toReturn } from "../../../lib/model/returns.ts";
import type { PeelStory } from "../../../lib/model/story.ts";
import { peelStory } from "../../support/story.ts";

type Fields = Readonly<Record<string, Value>>;
const map = (fields: Fields): ValueMap => new Map(Object.entries(fields));

function back(id: string, fields: Fields, results?: readonly Fields[], more: Partial<PeelStory> = {}) {
  const data: Fields = results ? { return_data: map({ results: results.map(map) }) } : {};
  const returned = toReturn(id, map({ success: true, ...fields, ...data }));
  return peelStory(id, stateOfReturn(returned), returned, more);
}
const changed = (name: string, diff = "") => ({ name, changed: true, diff });

/** `state[!] note {changes} peels`, one a group. */
const told = (peels: readonly PeelStory[]) =>
  outcomeGroups(worstFirst(peels), peels).map(({ state, note, changes, peels: its }) => {
    const names = changes.map(({ name, added, removed }) => `${name}+${added}-${removed}`).join(" ");
    return [state, note, names, its.map(({ peel }) => peel).join(",")].join("|");
  });

test.each<[title: string, peels: PeelStory[], groups: string[]]>([
  ["none", [], []],
  [
    "worst first, then fewest peels first",
    [back("a", {}), back("b", {}), back("c", {}, [changed("x")]), back("d", { error: "no" })],
    ["failed|no||d", "ok||x+0,0-0,0|c", "ok|||a,b"],
  ],
  [
    "the most common of like errors, of equal ones the first",
    [back("a", { error: "1" }), back("b", { error: "2" }), back("c", { error: "2" }), back("d", { error: "x" })],
    ["failed|x||d", "failed|2||a,b,c"],
  ],
  [
    "names of other peels in errors",
    [back("a", { error: "no answer of b" }), back("b", { error: "no answer of a" })],
    ["failed|no answer of b||a,b"],
  ],
  [
    "changed results are a set; sizes of their diffs may differ",
    [back("a", {}, [changed("x", "+1"), changed("y")]), back("b", {}, [changed("y"), changed("x", "+1\n-2")])],
    ["ok||x+1,1-0,1 y+0,0-0,0|a,b"],
  ],
  [
    "one name several times in an answer adds up",
    [back("a", {}, [changed("x", "+1"), changed("x", "+2\n+3")])],
    ["ok||x+3,3-0,0|a"],
  ],
  [
    "results that changed nothing make no difference",
    [back("a", {}, [{ name: "x", changed: false }]), back("b", {}, [{ name: "y", skipped: true }])],
    ["ok|||a,b"],
  ],
  [
    "without an error of the return, those of its results",
    [back("a", { success: false }, [{ name: "x", error: "no" }, { name: "y" }]), back("b", { success: false })],
    ["failed|x: no||a", "failed|||b"],
  ],
  [
    "unreachable: what the master supposes is no reason",
    [
      back("a", { success: false, unreachable: true, error: "UNREACHABLE: no heartbeat" }),
      back("b", { success: false, unreachable: true, error: "gone" }),
    ],
    ["unreachable|||a,b"],
  ],
  [
    "without a return",
    [
      peelStory("a", "executing"),
      peelStory("b", "queued", undefined, { behind: "j1" }),
      peelStory("c", "queued", undefined, { behind: "j1" }),
    ],
    ["queued|waiting for job j1||b,c", "executing|||a"],
  ],
  ["data of another shape", [back("a", { return_data: "text" }), back("b", { return_data: null })], ["ok|||a,b"]],
])("%s", (_, peels, groups) => expect(told(peels)).toEqual(groups));

test.each<[diff: string, added: number, removed: number]>([
  ["", 0, 0],
  ["-openssl 3.0.14\n+openssl 3.0.15", 1, 1],
  ["--- a\n+++ b\n@@ -1 +1,2 @@\n-1\n+1\n+2\n 3", 2, 1],
  ["-- a comment\n--- another\n+++x", 1, 2],
  ["no diff at all", 0, 0],
])("lines of a diff: %j", (diff, added, removed) => expect(diffSize(diff)).toEqual([added, removed]));
