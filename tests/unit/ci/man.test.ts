// What is generated from the command tree: the man page and the files of a release.
import { expect, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { manPage, roff, writeShare } from "../../../.ci/docs.ts";
import { run, tempDir, zester } from "../../support/harness.ts";

const COMMANDS = [
  ["job", "list"],
  ["job", "show"],
  ["job", "active"],
  ["job", "watch"],
  ["job", "wait"],
  ["job", "trace"],
  ["job", "kill"],
  ["config"],
  ["config", "check"],
  ["completion"],
  ["version"],
];

const TOPICS = ["connection", "output", "selection", "peels"];

test("the man page has every flag that --help has", async () => {
  const man = manPage("1");
  const known: string[] = [];
  for (const words of [...COMMANDS, ...TOPICS.map((topic) => ["help", topic])]) {
    const { stdout } = await zester(words[0] === "help" ? words : [...words, "--help"]);
    known.push(...(stdout.match(/(?<=^ {2}(-\w, )?)--[\w-]+/gm) ?? []));
  }
  expect(new Set(known).size).toBeGreaterThan(30);
  expect(known.filter((flag) => !man.includes(roff(flag)))).toEqual([]);
});

test("text is no roff", () => {
  expect(roff(".TH 'x' \\fB -n `a` ~ ^ \"q\" …\n.de")).toBe(
    "\\&.TH \\(aqx\\(aq \\efB \\-n \\(gaa\\(ga \\(ti \\(ha \\(dqq\\(dq \\[u2026]\n\\&.de",
  );
});

test("groff formats the man page without a warning", async () => {
  const file = join(tempDir(), "zester.1");
  writeFileSync(file, manPage("1.2.3"));
  const argv = ["groff", "-ww", "-man", "-Tutf8", "-P-cbou", file];
  const { stdout, stderr } = await run(argv, { env: { PATH: process.env.PATH ?? "" } });
  expect(stderr).toBe("");
  expect(stdout).toContain("zester job show <jid>… [flags]");
  expect(stdout).toMatch(/--state <state>\n\s+states, or active/);
  expect(stdout).toContain("NATS_URL");
});

test("a release's share folder", () => {
  const folder = tempDir();
  writeShare(folder);
  const schemas = readdirSync(join(import.meta.dir, "../../../docs/schema")).sort();
  expect(schemas).toContain("job-trace.json");
  expect((readdirSync(folder, { recursive: true }) as string[]).filter((name) => /\.|_/.test(name)).sort()).toEqual([
    "completions/_zester",
    "completions/zester.bash",
    "completions/zester.fish",
    ...schemas.map((file) => `schema/${file}`),
    "zester.1",
  ]);
});
