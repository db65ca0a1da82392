// The rules of the source tree: which folder may import which, no cycles, what only a few files may touch, how long a
// file may be. The rules are one function over paths and sources; each has cases here that break it.
import { expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, posix, resolve } from "node:path";

type Tree = Readonly<Record<string, string>>;

/** What each folder of lib/ may import beside itself and the ground floor, which are the files directly in lib/. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  ground: [],
  codec: [],
  model: ["codec"],
  settings: [],
  terminal: [],
  nats: ["settings", "model", "codec"],
  jobs: ["model", "codec"],
  archive: ["model", "codec"],
  render: ["model", "codec"],
  commands: ["codec", "model", "settings", "terminal", "nats", "jobs", "archive", "render", "cli"],
  cli: ["codec", "model", "settings", "terminal", "nats", "jobs", "archive", "render"],
};

/** Who may import a package that only some may import. */
const PACKAGES: Readonly<Record<string, RegExp>> = {
  nats: /^lib\/nats\//,
  citty: /^(lib\/cli\/.*|lib\/commands\/.*|zester\.ts)$/,
};

/** Who may import a file of a package's inside: what the package may change at any time. */
const INSIDE: readonly string[] = ["lib/nats/client.ts", "lib/nats/frames.ts"];

/** Who may touch the variables of the process, or end it. */
const EDGE: readonly string[] = ["lib/cli/main.ts", "lib/commands/session.ts", "lib/terminal/terminal.ts"];

/** How many lines a file may have. */
const LENGTHS: readonly [RegExp, number][] = [
  [/^zester\.ts$/, 80],
  [/^README\.md$/, 200],
];

// Spelled so that this file does not contain them.
const WORDS = /\bno[b]ody|\bsome[b]ody|\bwho[e]ver|\bwhat\b[^.,;:!?()]{0,60}\bbegins\s[w]ith\b/gi;

/** The source without the lines that are comments as a whole. */
const code = (source: string) => source.replace(/^[ \t]*(\/\/|\*|\/\*\*).*$/gm, "");

/** What a file imports: statements, types, `import()`, `typeof import()` and `require()`; undefined for a computed name. */
function importsOf(source: string): (string | undefined)[] {
  const forms = /\b(?:from|import)\s*(["'])(.+?)\1|\b(?:import|require)\s*\(\s*(?:(["'`])([^"'`$]+)\3)?/g;
  return [...code(source).matchAll(forms)].map((match) => match[2] ?? match[4]);
}

const roomOf = (path: string) => /^lib\/(\w+)\//.exec(path)?.[1] ?? "ground";

/** What breaks a rule, one line each. */
function broken(tree: Tree): string[] {
  const found: string[] = [];
  const graph = new Map<string, string[]>();
  for (const [path, source] of Object.entries(tree)) {
    const lines = source.split("\n").length - 1;
    for (const [files, most] of LENGTHS)
      if (files.test(path) && lines > most) found.push(`${path}: ${lines} lines, at most ${most}`);
    for (const [word] of source.matchAll(WORDS)) found.push(`${path}: says "${word.replace(/\s+/g, " ")}"`);
    if (path.endsWith(".test.ts")) {
      if (!/\btest(\.\w+)*[(<]/.test(code(source))) found.push(`${path}: has no test`);
      const [left] = /\b(test|describe)\.(only|skip|todo|if)\(/.exec(code(source)) ?? [];
      if (left) found.push(`${path}: ${left}`);
    }
    if (!/^lib\/.*\.ts$|^zester\.ts$/.test(path)) continue;
    const touched = /\bprocess\s*\.\s*(?:env|exit)\b|\bprocess\s*\[|=\s*process\b(?!\s*\.)|\bBun\.env\b/.exec(
      code(source),
    );
    if (touched && !EDGE.includes(path)) found.push(`${path}: ${touched[0]}`);
    const targets: string[] = [];
    for (const name of importsOf(source)) {
      if (name === undefined) found.push(`${path}: imports a computed name`);
      else if (!name.startsWith(".")) {
        const deep = /^[^:]+\/.*\.js$/.test(name) && !INSIDE.includes(path);
        if (deep || PACKAGES[name.split("/")[0] as string]?.test(path) === false)
          found.push(`${path}: imports ${name}`);
      } else {
        const target = posix.join(posix.dirname(path), name);
        targets.push(target);
        const [from, to] = [roomOf(path), roomOf(target)];
        const allowed = to === "ground" || to === from || MAY_IMPORT[from]?.includes(to);
        if (path.startsWith("lib/") && !(target.startsWith("lib/") && allowed))
          found.push(`${path}: imports ${target}`);
      }
    }
    graph.set(path, targets);
  }
  return [...found, ...cycles(graph)];
}

/** The first cycle that each start leads to, once. */
function cycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, way: readonly string[]): void => {
    const at = way.indexOf(path);
    if (at >= 0) found.push(`cycle: ${[...way.slice(at), path].join(" → ")}`);
    if (at >= 0 || done.has(path)) return;
    for (const target of graph.get(path) ?? []) visit(target, [...way, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return found;
}

const x = (n: number) => "x\n".repeat(n);
const [A, TEXT, NEW, CLI, COMMAND] = [
  "lib/model/a.ts",
  "lib/text.ts",
  "lib/new/a.ts",
  "lib/cli/a.ts",
  "lib/commands/a.ts",
];
test.each<[title: string, path: string, source: string, ...broken: string[]]>([
  ["allowed imports", A, 'import { b } from "../codec/b.ts";\nimport "../text.ts";'],
  ["direction", A, 'import { b } from "../jobs/b.ts";', "imports lib/jobs/b.ts"],
  ["an import over several lines", A, 'import {\n  b,\n} from "../jobs/b.ts";', "imports lib/jobs/b.ts"],
  ["an import for its effect", A, "import '../jobs/b.ts';", "imports lib/jobs/b.ts"],
  ["an export from elsewhere", A, 'export * from "../jobs/b.ts";', "imports lib/jobs/b.ts"],
  ["a type", A, 'import type { B } from "../jobs/b.ts";', "imports lib/jobs/b.ts"],
  ["import()", A, 'const b = await import("../jobs/b.ts");', "imports lib/jobs/b.ts"],
  ["import() over several lines", A, "await import(\n  `../jobs/b.ts`\n);", "imports lib/jobs/b.ts"],
  ["require()", A, 'const b = require("../jobs/b.ts");', "imports lib/jobs/b.ts"],
  ["typeof import()", A, 'let b: typeof import("../jobs/b.ts");', "imports lib/jobs/b.ts"],
  ["a computed name", A, "await import(name);", "imports a computed name"],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source code
  ["a name from a template", A, "require(`../${name}.ts`);", "imports a computed name"],
  ["a comment imports nothing", A, '// Not from "../jobs/b.ts", as import("../jobs/b.ts") would.\n'],
  ["the ground floor imports a folder", TEXT, 'import "./codec/a.ts";', "imports lib/codec/a.ts"],
  ["the ground floor imports itself", TEXT, 'import "./errors.ts";'],
  ["a folder that the table lacks", NEW, 'import "../codec/a.ts";', "imports lib/codec/a.ts"],
  ["cli imports a command", CLI, 'import "../commands/b.ts";', "imports lib/commands/b.ts"],
  ["a command imports cli", COMMAND, 'import "../cli/b.ts";'],
  ["lib imports the command tree", CLI, 'import "../../zester.ts";', "imports zester.ts"],
  ["lib imports the build", CLI, 'import "../../.ci/docs.ts";', "imports .ci/docs.ts"],
  ["the command tree", "zester.ts", 'import "./lib/cli/main.ts";\nimport("./lib/commands/a.ts");'],
  ["nats, as a type", A, 'import type { Msg } from "nats";', "imports nats"],
  ["a file of nats", A, 'import "nats/lib/x.js";', "imports nats/lib/x.js"],
  ["nats in lib/nats", "lib/nats/a.ts", 'import { connect } from "nats";'],
  ["the inside of nats in lib/nats", "lib/nats/a.ts", 'import "nats/lib/x.js";', "imports nats/lib/x.js"],
  ["the inside of nats where it is guarded", "lib/nats/client.ts", 'import "nats/lib/x.js";'],
  ["citty below the commands", A, 'import type { X } from "citty";', "imports citty"],
  ["citty in a command", COMMAND, 'import "citty";'],
  ["citty in zester.ts", "zester.ts", 'import "citty";'],
  ["process.env", A, "x = process.env.HOME;", "process.env"],
  ["process.exit", A, "process.exit(1);", "process.exit"],
  ["process taken apart", A, "const { env } = process;", "= process"],
  ["process[]", A, 'process["env"];', "process["],
  ["Bun.env", A, "Bun.env.HOME;", "Bun.env"],
  ["process at the edge", "lib/cli/main.ts", "process.exit(process.env.X);"],
  ["process in a comment", A, "// process.env"],
  ["a long file of lib", A, x(999)],
  ["a long command tree", "zester.ts", x(81), "81 lines, at most 80"],
  ["a long README", "README.md", x(201), "201 lines, at most 200"],
  ["a long test", "tests/a.ts", x(999)],
  ["a word, whatever its case", "tests/a.ts", "// No\x62ody.", 'says "No\x62ody"'],
  ["two words", "README.md", "some\x62ody, who\x65ver", 'says "some\x62ody"', 'says "who\x65ver"'],
  ["a phrase over two lines", "a.ts", "what a name\n begins \x77ith", 'says "what a name begins \x77ith"'],
  ["a test file without tests", "a.test.ts", "// test(\n", "has no test"],
  ["a test that is left out", "a.test.ts", "test.s\x6bip('x');", "test.s\x6bip("],
  ["the other tests left out", "a.test.ts", "test('a');\ndescribe.o\x6ely('b');", "describe.o\x6ely("],
  ["tests from a table", "a.test.ts", "test.each([])('%s');"],
  ["the verb alone", "a.ts", "what it means. The name begins \x77ith a letter."],
])("%s", (_, path, source, ...lines) =>
  expect(broken({ [path]: source })).toEqual(lines.map((line) => `${path}: ${line}`)),
);

test("cycles, types and import() among them", () => {
  const [b, c] = ["lib/model/b.ts", "lib/model/c.ts"];
  const at = 'let a: typeof import("./a.ts");';
  expect(broken({ [A]: 'import "./a.ts";' })).toEqual([`cycle: ${A} → ${A}`]);
  expect(broken({ [A]: 'import "./b.ts";', [b]: 'import type { C } from "./c.ts";', [c]: at })).toEqual([
    `cycle: ${A} → ${b} → ${c} → ${A}`,
  ]);
  expect(broken({ [A]: 'import "./b.ts";\nimport "./c.ts";', [b]: 'import "./c.ts";', [c]: "" })).toEqual([]);
});

test("the house keeps its rules", () => {
  const root = resolve(import.meta.dir, "../..");
  const parts = ["zester.ts", "build.ts", "README.md", "lib", ".ci", "docs", "tests"];
  const paths = parts.flatMap((part) =>
    statSync(join(root, part)).isFile()
      ? [part]
      : readdirSync(join(root, part), { recursive: true, encoding: "utf8" }).map((path) => `${part}/${path}`),
  );
  const files = paths.filter((path) => /\.(ts|mjs|md|bash|zsh|fish|ps1)$|^\.ci\/\w+$/.test(path));
  expect(files.length).toBeGreaterThan(200);
  expect(broken(Object.fromEntries(files.map((path) => [path, readFileSync(join(root, path), "utf8")])))).toEqual([]);
});
