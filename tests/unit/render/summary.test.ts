// The summary of a job with many peels, as text.
import { expect, test } from "bun:test";
import type { Value, ValueMap } from "../../../lib/codec/value.ts";
import { jobRow } from "../../../lib/model/job.ts";
import { worstFirst } from "../../../lib/model/peel-state.ts";
import { stateOfReturn, toReturn } from "../../../lib/model/returns.ts";
import { renderFacts } from "../../../lib/render/facts.ts";
import { renderSummary } from "../../../lib/render/summary.ts";
import { peelStory, storyWith } from "../../support/story.ts";

const NOW = new Date("2026-01-15T10:00:00Z");
const S = 1_000_000_000n;
const change = (name: string, diff: string): ValueMap =>
  new Map<string, Value>([
    ["name", name],
    ["changed", true],
    ["diff", diff],
  ]);
const OPENSSL = change("pkg.installed:openssl", "-openssl 3.0.14\n+openssl 3.0.15");

interface Told {
  readonly error?: string;
  readonly took?: bigint;
  readonly unreachable?: boolean;
  readonly results?: readonly Value[];
  readonly test?: boolean;
}

function peel(id: string, { error, took = (3n * S) / 2n, unreachable, results = [], test }: Told) {
  const record = new Map<string, Value>([
    ["success", error === undefined],
    [
      "return_data",
      unreachable
        ? null
        : new Map<string, Value>([
            ["test", test === true],
            ["results", [...results]],
          ]),
    ],
    ["duration", took],
  ]);
  if (error !== undefined) record.set("error", error);
  if (unreachable) record.set("unreachable", true);
  const returned = toReturn(id, record);
  return peelStory(id, stateOfReturn(returned), returned, unreachable ? { tookNs: undefined } : {});
}

function summary(odd: Readonly<Record<string, Told>>, columns: number | undefined, of = 400, each = false) {
  const job = new Map<string, Value>([
    ["function", "state.apply"],
    ["args", new Map([["state", "nginx"]])],
    ["status", "failed"],
    ["target_expr", "web*"],
    ["user", "ops"],
  ]);
  const ids = Array.from({ length: of }, (_, i) => `web-${String(i + 1).padStart(3, "0")}`);
  const story = storyWith(worstFirst(ids.map((id) => peel(id, odd[id] ?? {}))));
  const telling = { row: jobRow("2hPx1", job), job, story, stuck: undefined };
  return renderSummary(telling, story.peels, { color: false, columns }, { now: NOW, allPeels: false, each });
}

const ODD = {
  "web-137": { error: "write /etc/nginx/nginx.conf: no space left on device" },
  "web-300": {
    error: "UNREACHABLE: no heartbeat at dispatch and no ack after republish",
    unreachable: true,
  },
  "web-211": { results: [OPENSSL] },
  "web-042": { took: 187n * S },
};
const FACTS = `\
state.apply nginx on web* by ops, 400 peels
Job       2hPx1
State     failed
Target    web*
User      ops
Peels     400: 1 failed, 1 unreachable, 398 ok (1 changed)
Peels took median 1.5s, slowest web-042 3m7s

`;
const WIDE = `${FACTS}\
OUTCOME       PEELS  WHERE                                  WHAT
failed            1  web-137                                write /etc/nginx/nginx.conf: no space left on device
unreachable       1  web-300
ok, changed       1  web-211                                pkg.installed:openssl  +1 -1
ok              397  web-[001-136,138-210,212-299,301-400]
`;

test.each([
  [
    "80 columns",
    80,
    `${FACTS}\
OUTCOME      PEELS  WHERE                WHAT
failed           1  web-137              write /etc/nginx/nginx.conf: no space
                                         left on device
unreachable      1  web-300
ok, changed      1  web-211              pkg.installed:openssl  +1 -1
ok             397  web-[001-136,…,400]
`,
  ],
  ["200 columns", 200, WIDE],
  ["piped", undefined, WIDE],
] as const)("400 peels on one screen: %s", (_, columns, text) => {
  expect(summary(ODD, columns)).toBe(text);
});

const tableOf = (text: string) => text.split("\n\n")[1] ?? "";
const six = ["a", "b", "c", "d", "e", "f"].map((name) => change(`file.managed:/${name}`, "+x"));

test("errors that are alike are one outcome, with the most common text", () => {
  const odd = {
    "web-001": { error: "web-001: took 1s" },
    "web-002": { error: "web-002: took 9s" },
    "web-003": { error: "web-002: took 9s" },
  };
  expect(tableOf(summary(odd, undefined, 3))).toBe(`\
OUTCOME       PEELS  WHERE          WHAT
failed            3  web-[001-003]  web-002: took 9s
`);
});

test("worst first, then fewest peels first; sizes that differ are a range; what failed may have changed things", () => {
  const more = change("pkg.installed:openssl", "--- a\n+++ b\n@@ -1 +1,3 @@\n+1\n+2\n+3");
  const odd = {
    "web-001": { error: "exit status 1", results: [OPENSSL] },
    "web-002": { results: [OPENSSL] },
    "web-003": { results: [more] },
    "web-005": { results: [change("cmd.run:x", "")] },
  };
  expect(tableOf(summary(odd, undefined, 5))).toBe(`\
OUTCOME          PEELS  WHERE          WHAT
failed, changed      1  web-001        exit status 1; pkg.installed:openssl  +1 -1
ok                   1  web-004
ok, changed          1  web-005        cmd.run:x
ok, changed          2  web-[002-003]  pkg.installed:openssl  +1..3 -0..1
`);
});

test("a dry run says what would change; many changes are a few and a count on a terminal, all when piped", () => {
  const odd = { "web-001": { test: true, results: six }, "web-002": { test: true } };
  const text = summary(odd, 200, 2);
  expect(text).toContain("\nDry run: nothing was changed\n");
  expect(text).toContain("\nPeels     2: 2 ok (1 would change)\n");
  expect(text).toContain(
    "\nok, would change      1  web-001  file.managed:/a  +1, file.managed:/b  +1, file.managed:/c  +1, and 3 more\n",
  );
  expect(summary(odd, undefined, 2)).toContain("file.managed:/f  +1\n");
});

test("--each: a row for each peel", () => {
  expect(tableOf(summary({ "web-002": { error: "exit\n1" } }, undefined, 2, true))).toBe(`\
PEEL      STATE   TOOK  DETAIL
web-002   failed  1.5s  exit\\n1
web-001   ok      1.5s
`);
});

test("hostile errors stay on their line", () => {
  expect(summary({ "web-001": { error: "a\n\x1b[2J" } }, undefined, 1)).toEndWith(
    "failed            1  web-001  a\\n\\x1b[2J\n",
  );
});

test("a fact that has no room on a terminal goes on below", () => {
  const job = new Map<string, Value>([["status", "running"]]);
  const stuck = { jid: "j", overdueNs: 60_000_000_000n, goneMaster: "m1", heardNs: undefined };
  const telling = { row: jobRow("j", job), job, story: storyWith([]), stuck };
  expect(renderFacts(telling, { color: false, columns: 60 }, NOW)).toContain(`
Stuck     1m overdue; no heartbeat from its master m1
          Another master takes over after about a minute. If
          none does, \`zester config check\` shows which
          masters are alive.
`);
});
