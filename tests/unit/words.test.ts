// The words of the product: phrases that texts had, and must not have again. Each has what to write in its place.
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { manPage } from "../../.ci/docs.ts";
import { type Command, loadAll } from "../../lib/cli/command.ts";
import { renderHelp, renderTopic } from "../../lib/cli/help.ts";
import { globalNames } from "../../lib/commands/shared.ts";
import { zester as tree } from "../../zester.ts";

const ROOT = resolve(import.meta.dir, "../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const filesIn = (folder: string, suffix: string) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(suffix))
    .map((file) => join(folder, file));

/** What must not come back, and what to write. */
const PHRASES: readonly (readonly [phrase: RegExp, write: string])[] = [
  [/is not a format/, 'unknown format "x"'],
  [/is short for/, "ID prefix X matches N jobs"],
  [/jobs more\b/, "N more jobs"],
  [/is nothing that/, "what failed, and why"],
];

/** The texts of a source file: string and template literals; comments are skipped. */
export function literals(source: string): string[] {
  const tokens = /\/\/.*|\/\*[\s\S]*?\*\/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g;
  return [...source.matchAll(tokens)].map(([token]) => token).filter((token) => /^["'`]/.test(token));
}

/** The values of `title` and `description` anywhere in a schema. */
function descriptions(node: unknown): string[] {
  if (node === null || typeof node !== "object") return [];
  return Object.entries(node).flatMap(([key, value]) =>
    typeof value === "string" ? (/^(title|description)$/.test(key) ? [value] : []) : descriptions(value),
  );
}

function everyHelp(command: Command, path: readonly string[]): string[] {
  const own = renderHelp(path, command, zester.meta?.topics ?? {}, globalNames, 1000);
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
      const [match] = new RegExp(phrase, "i").exec(line) ?? [];
      return match === undefined ? [] : [`${where}: "${match}" in ${line.slice(0, 120)} (write: ${write})`];
    });
  });

test("no text has a phrase that must not come back", () => {
  expect(TEXTS.length).toBeGreaterThan(2000);
  expect(found(TEXTS)).toEqual([]);
});

test("phrases are found in every kind of text", () => {
  const kinds = ["lib/", "docs/commands.md", "docs/schema/", "help", "the man page", "CHANGELOG.md", "zester.ts"];
  expect(kinds.filter((kind) => !TEXTS.some(([where]) => where.startsWith(kind)))).toEqual([]);
  expect(literals('// "no"\nf("a", \'b\'); /* `no` */ `c\nd`')).toEqual(['"a"', "'b'", "`c\nd`"]);
  expect(found([["x", "41 jobs\nmore"]])).toEqual(['x: "jobs more" in 41 jobs more (write: N more jobs)']);
});
