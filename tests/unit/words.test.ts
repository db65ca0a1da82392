// The words of the product: phrases that texts had, and must not have again. Each has what to write in its place.
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { manPage } from "../../.ci/docs.ts";
import { type Command, globalNames, loadAll } from "../../lib/cli/command.ts";
import { renderHelp, renderTopic } from "../../lib/cli/help.ts";
import { zester as tree } from "../../zester.ts";

const ROOT = resolve(import.meta.dir, "../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const filesIn = (folder: string, suffix: string) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(suffix))
    .map((file) => join(folder, file));

/** What must not come back, and what to write. */
const PHRASES: readonly (readonly [phrase: RegExp, write: string])[] = [
  [/\bsteer/i, "control"],
  [/\bone a line\b|\ba (row|line|record|return|event) (a|each)\b|\bids? alone\b/i, "one per line, only IDs"],
  [/what became of/i, "the result"],
  [/been at it|\b(is|are) at it\b/i, "running longer"],
  [/is no point in time/i, 'invalid time "x"'],
  [/is not a format/i, 'unknown format "x"'],
  [/is short for/i, "ID prefix X matches N jobs"],
  [/no one can be asked/i, "refusing to … without confirmation"],
  [/not agreed/i, "not confirmed"],
  [/exclude each other/i, "cannot be used together"],
  [/\bno room for/i, "Hidden (terminal too narrow): …"],
  [/cannot be traced/i, "Earlier events cannot be shown."],
  [/\bmasters live\b/i, "whether the masters are alive"],
  [/\bmeant for a peel|\bif it is meant\b|\bjob was meant for/i, "no job targeted it"],
  [/since it was looked up/i, "no longer exists"],
  [/no proof that|nothing tells that/i, "may have run"],
  [/for lack of a permission/i, "permission denied"],
  [/jobs more\b/i, "N more jobs"],
  [/form that no master writes/i, "an unusual record"],
  [/\bbe found out/i, "cannot tell"],
  [/\bis nothing that\b/i, "what failed, and why"],
  [/\b(whether|which (of|peels))\b[^.;]* is not known\b/i, "Cannot tell whether …"],
  [/\bmaster lives\b|\bwithout words\b|\bis true now\b|\bcan look\b/i, "a plain sentence"],
  [/keep on until/i, "follow until"],
  [/\bto be said of\b|\band say (how|whether)\b|\bis said on stderr/i, "report"],
  [/are enough when/i, "are enough if unambiguous"],
  [/\bfirst characters\b|\bits beginning\b|\bbeginning of an id\b/i, "prefix"],
  [/\bended (complete|partial|failed|canceled|timeout|X) after\b/i, "complete in 0.4s"],
  [/\bas they can\b/i, "cancellation is best effort"],
  [/\bthose that are ok\b/i, "including successful ones"],
  [/\bhow long in all\b/i, "give up after this long"],
  [/\bgo(es)? on\b/i, "continue, run"],
  [/\bgave (it |them |a peel |peels )?up\b|\bgives? (it|them|a peel|peels) up\b/i, "mark it unreachable"],
  [/\bstands? (in|after|behind|between|beside|there|first|on|twice)\b/i, "is"],
  [/\btold\b|\b(it|this|that|which|check|heartbeats?|deadline|records?|events?) tells?\b/i, "show"],
  [/\bgiven up\b/i, "marked unreachable"],
  [/\bpictures?\b/i, "screen"],
  [/\botherwise than\b|\bended otherwise\b/i, "ended, but was not …"],
  [/\bin either form\b/i, "with dots or underscores"],
  [/\bnot ended match\b/i, "no active job matches"],
  [/\bno effect:/i, "ignored"],
  [/\bcounts? as now\b/i, "relative times start at …"],
  [/\bin step with\b/i, "same as"],
  [/\bany key back\b|\bended too\b/i, "press any key to go back, show ended"],
  [/\bof \S+ returns read\b/i, "N returns searched"],
  [/\bbe it\b|\bshall\b|\bplease\b|\bsomewhat\b/i, "a plain sentence"],
  [/\b(job|peel|master) ids?\b/, "ID"],
];

/** The texts of a source file: literals of more than a word, without what is inserted into them; comments are skipped. */
export function literals(source: string): string[] {
  const tokens = /\/\/.*|\/\*[\s\S]*?\*\/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g;
  return [...source.matchAll(tokens)]
    .map(([token]) => token.replaceAll(/\$\{[^{}]*\}/g, "X"))
    .filter((token) => /^["'`].*\s/.test(token));
}

/** The values of `title` and `description` anywhere in a schema. */
function descriptions(node: unknown): string[] {
  if (node === null || typeof node !== "object") return [];
  return Object.entries(node).flatMap(([key, value]) =>
    typeof value === "string" ? (/^(title|description)$/.test(key) ? [value] : []) : descriptions(value),
  );
}

function everyHelp(command: Command, path: readonly string[]): string[] {
  const own = renderHelp(path, command, zester.meta?.topics ?? {}, globalNames(zester), 1000);
  const below = Object.entries(command.subCommands ?? {});
  return [own, ...below.flatMap(([name, sub]) => everyHelp(sub, [...path, name]))];
}

const zester = await loadAll(tree);
const SOURCES = [...filesIn("lib", ".ts"), "zester.ts", "tests/support/demo.ts"];
const PAGES = [...filesIn("docs", ".md"), "README.md", "CHANGELOG.md"];

/** Every text that a user can see, by where it is. */
const TEXTS: readonly (readonly [where: string, text: string])[] = [
  ...SOURCES.flatMap((path) => literals(read(path)).map((text) => [path, text] as const)),
  ...PAGES.flatMap((path) =>
    read(path)
      .split(/\n\n+/)
      .map((text) => [path, text] as const),
  ),
  ...filesIn("docs/schema", ".json").flatMap((path) =>
    descriptions(JSON.parse(read(path))).map((text) => [path, text] as const),
  ),
  ...everyHelp(zester, ["zester"]).map((text) => ["help", text] as const),
  ...Object.values(zester.meta?.topics ?? {}).map((topic) => ["help on a topic", renderTopic(topic, 1000)] as const),
  ["the man page", manPage("1").replaceAll("\\-", "-").replaceAll("\\(aq", "'")],
];

const found = (texts: typeof TEXTS) =>
  texts.flatMap(([where, text]) => {
    const line = text.replace(/\s+/g, " ");
    return PHRASES.flatMap(([phrase, write]) => {
      const [match] = phrase.exec(line) ?? [];
      return match === undefined ? [] : [`${where}: "${match}" in ${line.slice(0, 120)} (write: ${write})`];
    });
  });

test("no text has a phrase that must not come back", () => {
  expect(TEXTS.length).toBeGreaterThan(2000);
  expect(found(TEXTS)).toEqual([]);
});

test("phrases are found in every kind of text", () => {
  const kinds = ["lib/", "docs/commands.md", "docs/schema/", "help", "the man page", "CHANGELOG.md"];
  expect(kinds.filter((kind) => !TEXTS.some(([where]) => where.startsWith(kind)))).toEqual([]);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source code
  expect(literals('// "no no"\nf("a b", \'c d\', "./no"); /* `no no` */ `e\n${no}`')).toEqual([
    '"a b"',
    "'c d'",
    "`e\nX`",
  ]);
  expect(found([["x", "41 jobs\nmore"]])).toEqual(['x: "jobs more" in 41 jobs more (write: N more jobs)']);
});
