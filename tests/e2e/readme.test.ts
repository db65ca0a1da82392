// README.md and docs/*.md: every command in them is run. A block after
//   `<!-- example: name -->`  is run, and shows what comes out;
//   `<!-- recipes: name -->`  has commands that are run one by one, and must not report an error;
//   `<!-- script: name -->`   is run whole, by the shell that the block names;
//   `<!-- file: name -->`     is a file in the directory that the commands are run in.
// The name says what they are run on: SCENARIOS. Any other block of a shell is a failure.
// `UPDATE_DOCS=1 npx bun test --timeout 600000 ./tests/e2e/readme.test.ts` writes today's output into the examples.
import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { writeShare } from "../../.ci/docs.ts";
import { type Command, loadAll, negativeOf } from "../../lib/cli/command.ts";
import pkg from "../../package.json" with { type: "json" };
import { zester as tree } from "../../zester.ts";
import { badJob, KEPT_JOBS, longJob } from "../support/demo-fleet.ts";
import { Fleet } from "../support/fleet.ts";
import {
  createBuckets,
  encode,
  jobRecord,
  type Server,
  startServer,
  Time,
  tempDir,
  ZESTER,
  zester,
} from "../support/harness.ts";
import { Pictured } from "../support/pictured.ts";
import { listedJob, putReferenceData } from "../support/seed.ts";

const ROOT = resolve(import.meta.dir, "../..");
const DOCS = ["README.md", ...readdirSync(join(ROOT, "docs")).filter((name) => name.endsWith(".md"))].map((name) =>
  name === "README.md" ? name : join("docs", name),
);
const BLOCK = /(<!-- (example|recipes|script): (\w+) -->\n```(\w+)\n)([\s\S]*?)(```)/g;
const FILE = /<!-- file: (\S+) -->\n```\w+\n([\s\S]*?)```/g;
/** tests/e2e/permissions.test.ts tries these. */
const PERMISSIONS = /<!-- permissions: \w+ -->\n```\w*\n[\s\S]*?```/g;
const UPDATE = process.env.UPDATE_DOCS !== undefined;

const read = (file: string) => readFileSync(join(ROOT, file), "utf8");

/** What the blocks of one name run on. */
const SCENARIOS: Record<string, (server: Server) => Promise<() => Promise<void>>> = {
  /** No jobs: for commands that connect nowhere. */
  async settings() {
    return async () => {};
  },
  /** The `job list` of the command reference. */
  async reference(server) {
    const nc = await server.connect();
    await putReferenceData(nc);
    await nc
      .jetstream()
      .views.kv("jobs")
      .then((jobs) => jobs.put("20260115-001", listedJob()));
    return () => nc.close();
  },
  /** The fleet that `npm run demo -- --keep` leaves running. */
  async demo(server) {
    const nc = await server.connect();
    const fleet = await Fleet.start(nc, { scale: 0.05 });
    const jids = await Promise.all(KEPT_JOBS.map(({ start }) => start(fleet)));
    await fleet.until(jids.at(-1) as string, "partial");
    return async () => {
      await fleet.stop();
      await nc.close();
    };
  },
  /** A job that ended badly, and one that is stuck: one peel never returns, one was given up. */
  async fleet(server) {
    const nc = await server.connect();
    const fleet = await Fleet.start(nc);
    await badJob(fleet, "2hPx2Kd8VnR7YmWqTz4PLsCfNjA");
    // A master gives a silent peel up after 10 s.
    await longJob(fleet, UPDATE ? 10_000 : 600, "2hPx4TmWqWnE0bRzKc7VdYsGuQh");
    await fleet.until("2hPx2Kd8VnR7YmWqTz4PLsCfNjA", "partial");
    // The documents show a job that has been stuck for a while.
    if (UPDATE) await Bun.sleep(160_000);
    return async () => {
      await fleet.stop();
      await nc.close();
    };
  },
};

/** Ports, times and durations differ from run to run, and with them the widths of columns. */
function steady(text: string): string {
  return text
    .replace(/127\.0\.0\.1:\d+/g, "ADDRESS")
    .replace(/\b(?!2hPx)\w{27}\b/g, "JID")
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replace(/\b\d+(\.\d+)?(µs|ms|s|m\d+s|m|h\d+m|h|d)(?= |\n|\)|:|,|$)/g, "SOME")
    .replace(/ +/g, " ");
}

/** Where commands are run, and on which server. */
interface Place {
  readonly server: Server;
  readonly cwd: string;
}

/** Runs a command in a shell where `zester`, the repository's files and an empty HOME are; /usr/local is in there as well. */
async function shell(
  command: string,
  { server, cwd }: Place,
  program = "bash",
): Promise<{ output: string; code: number }> {
  const env = { NATS_URL: server.url, HOME: cwd, PATH: `${dirname(ZESTER)}:${cwd}/bin:${process.env.PATH}` };
  const here = command.replaceAll("/usr/local/", `${cwd}/`).replaceAll("/var/lib/", `${cwd}/`);
  const child = Bun.spawn([program, "-c", here], { env, cwd, stdin: "ignore", stderr: "pipe" });
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { output: out + err, code: await child.exited };
}

/** The example as it would be typed, with what comes out now. */
async function play(block: string, place: Place): Promise<string> {
  const commands = block.split("\n").filter((line) => line.startsWith("$ "));
  const played: string[] = [];
  for (const command of commands)
    played.push(`${command}\n${(await shell(`{ ${command.slice(2)}\n} 2>&1`, place)).output}`);
  return played.join("\n");
}

/** The commands of a block; those of a crontab without their times. */
const commandsOf = (block: string) =>
  block
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.replace(/^(?:[\d*/]+ +){5}(.*)/, (_, command: string) => command.replaceAll("\\%", "%")));

/** A command that follows jobs is ended after a second, as by Ctrl-C. */
const bounded = (command: string) =>
  command.replaceAll(/(?<![\w/-])zester /g, (word, at: number) => {
    const follows = /^[^|;&]*(job watch|job wait|--follow|--wait)/.test(command.slice(at));
    return `timeout -s INT ${follows ? 1 : 20} ${word}`;
  });

/** Runs each command of a block that has comments and commands. Those of npm are scripts of the project. */
async function tryRecipes(block: string, place: Place): Promise<void> {
  for (const command of commandsOf(block)) {
    const [, script] = /^npm (?:run )?(\S+)/.exec(command) ?? [];
    if (script !== undefined) expect(Object.keys(pkg.scripts)).toContain(script);
    if (script !== undefined) continue;
    const { output, code } = await shell(bounded(command), place);
    expect([command, [1, 126, 127].includes(code), output.match(/^(error|Usage).*/gm)]).toEqual([command, false, null]);
  }
}

/** Runs a block as one script of its shell: whatever fails says so. */
async function tryScript(block: string, program: string, place: Place): Promise<void> {
  const { output, code } = await shell(block, place, program === "sh" ? "bash" : program);
  expect([block, code, output]).toEqual([block, 0, ""]);
}

const blocksOf = (file: string) =>
  [...read(file).matchAll(BLOCK)].map(
    ([whole, head = "", kind, scenario = "", language = "", text = "", tail = ""]) => ({
      whole,
      head,
      kind,
      scenario,
      language,
      text,
      tail,
    }),
  );

/** Flags of other programs, where they stand alone. */
const OTHERS = ["--foreground"];

/** The names of all flags and of the commands of `job`. */
async function names(): Promise<Set<string>> {
  const all = new Set<string>();
  const add = (command: Command) => {
    for (const [name, def] of Object.entries(command.args ?? {})) all.add(`--${negativeOf(def) ? "no-" : ""}${name}`);
    for (const [name, sub] of Object.entries(command.subCommands ?? {})) {
      all.add(name);
      add(sub);
    }
  };
  add(await loadAll(tree));
  return all.add("--help").add("--version");
}

const played = DOCS.flatMap((file) =>
  [...new Set(blocksOf(file).map(({ scenario }) => scenario))].map((scenario) => [file, scenario] as const),
);

test.each(played)("%s, on the scenario %s", async (file, scenario) => {
  const server = await startServer();
  const stop = await (SCENARIOS[scenario] as (server: Server) => Promise<() => Promise<void>>)(server);
  const place = { server, cwd: tempDir() };
  // A checkout that is built, and what the commands write to.
  for (const folder of ["dist", "bin", "node_exporter"]) mkdirSync(join(place.cwd, folder));
  for (const path of ["docs", "dist/zester"]) symlinkSync(join(ROOT, path), join(place.cwd, path));
  writeShare(join(place.cwd, "dist/share"));
  for (const [, name = "", text = ""] of read(file).matchAll(FILE)) writeFileSync(join(place.cwd, name), text);
  for (const block of blocksOf(file).filter((one) => one.scenario === scenario)) {
    if (block.kind === "recipes") await tryRecipes(block.text, place);
    if (block.kind === "script") await tryScript(block.text, block.language, place);
    if (block.kind !== "example") continue;
    const now = await play(block.text, place);
    if (UPDATE)
      writeFileSync(
        join(ROOT, file),
        read(file).replace(block.whole, () => block.head + now + block.tail),
      );
    else expect(steady(now)).toBe(steady(block.text));
  }
  await stop();
  await server.stop();
});

/** Blocks of the languages of shells, and of none where something is typed in them. */
function typedBlocks(text: string): string[] {
  const rest = [BLOCK, FILE, PERMISSIONS].reduce((left, pattern) => left.replaceAll(pattern, ""), text);
  const fenced = [...rest.matchAll(/^```(\w*)\n([\s\S]*?)^```/gm)];
  return fenced
    .filter(
      ([, language = "", block = ""]) =>
        /^(sh|bash|zsh|fish|console|crontab)$/.test(language) || /^(\$ )?(zester|npm) /m.test(block),
    )
    .map(([block]) => block);
}

test.each(DOCS)("%s: every command in a block is run", (file) => {
  expect(typedBlocks(read(file))).toEqual([]);
});

test("a block that is not run is found", () => {
  const block = (language: string, text: string) => `\n\`\`\`${language}\n${text}\n\`\`\`\n`;
  expect(typedBlocks(block("sh", "ls"))).toHaveLength(1);
  expect(typedBlocks(block("", "zester job list"))).toHaveLength(1);
  expect(typedBlocks(block("console", "$ zester job list"))).toHaveLength(1);
  expect(typedBlocks(block("", "warning: x") + block("dockerfile", "COPY zester /"))).toEqual([]);
  expect(typedBlocks(`<!-- recipes: demo -->${block("sh", "zester job list")}`)).toEqual([]);
  expect(commandsOf("# c\n\n*/5 * * * * date +\\%F\nls")).toEqual(["date +%F", "ls"]);
});

test.each(DOCS)("%s: every flag and every command in its text exists", async (file) => {
  const known = await names();
  // Flags of other programs are not ours to check.
  const ours = (code: string) => /^--[a-z]|^zester /.test(code) || known.has(code.split(" ")[0] as string);
  const spans = [...read(file).matchAll(/`([^`\n]+)`/g)].map(([, code]) => code as string).filter(ours);
  const words = spans.flatMap((code) => code.split(/[\s,]+/));
  const flags = words.filter((word) => /^--[a-z]/.test(word)).map((word) => word.replace(/[=\].)]*$|=.*/, ""));
  expect(flags.filter((flag) => !known.has(flag) && !OTHERS.includes(flag))).toEqual([]);
  const commands = [...read(file).matchAll(/zester job ([a-z]+)/g)].map(([, name]) => name as string);
  expect(commands.filter((name) => !known.has(name))).toEqual([]);
});

/** The rows of a picture as text. */
function rowsOf(svg: string): string[] {
  const rows = new Map<string, string[]>();
  for (const [, y = "", text = ""] of read(svg).matchAll(/<text [^>]*y="(\d+)"[^>]*>([^<]*)</g))
    rows.set(y, [...(rows.get(y) ?? []), text]);
  return [...rows.values()].map((texts) => texts.join(" ").replace(/ +/g, " ").trim());
}

test("the pictures have the headings and keys of today's screens: else `npm run screenshots`", async () => {
  const server = await startServer();
  const nc = await server.connect();
  const { jobs } = await createBuckets(nc);
  await jobs.put("20260115-001", encode(jobRecord("20260115-001", { status: "failed", updated: Time.now() })));
  const heading = (rows: readonly string[]) => rows.find((row) => /^[A-Z]+( [A-Z]+)+$/.test(row)) ?? "none";
  const trimmed = (lines: readonly string[]) => lines.map((line) => line.replace(/ +/g, " ").trim());
  const watch = new Pictured(["job", "watch"], { NATS_URL: server.url }, { cols: 100, rows: 20 });
  watch.type("t");
  await watch.shows(/20260115-001[\s\S]*hide ended/);
  const shown = trimmed(watch.lines);
  const drawn = rowsOf("docs/watch.svg");
  expect([heading(drawn), drawn.at(-1)]).toEqual([heading(shown), shown.at(-1)]);
  watch.type("q");
  await watch.ended();
  const args = ["job", "show", "@last-bad", "--summary", "--from", "docs/example.jsonl"];
  const summary = trimmed((await zester(args, { cwd: ROOT })).stdout.split("\n"));
  expect(heading(rowsOf("docs/failed.svg"))).toBe(heading(summary));
  await nc.close();
  await server.stop();
});

/** The anchor that Markdown viewers give a heading. */
const anchor = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\w\s-]/g, "")
    .trim()
    .replace(/\s/g, "-");

test.each(DOCS)("%s: every link leads to a file and a heading that exist", async (file) => {
  const links = [...read(file).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] as string);
  const broken: string[] = [];
  for (const link of links.filter((one) => !/^https?:/.test(one))) {
    const [path = "", wanted] = link.split("#");
    const target = path === "" ? file : relative(ROOT, resolve(ROOT, dirname(file), path));
    const headings = () => [...read(target).matchAll(/^#+ (.*)/gm)].map((match) => anchor(match[1] as string));
    const there = (await Bun.file(join(ROOT, target)).exists()) && (!wanted || headings().includes(wanted));
    if (!there) broken.push(link);
  }
  expect(broken).toEqual([]);
});

test.each(DOCS)("%s: every file of the repository that it names exists", (file) => {
  const named = [...read(file).matchAll(/`((?:lib|tests|docs|\.ci)\/[\w./-]*)`/g)].map((match) => match[1] as string);
  expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

test("docs/commands.md: what help does not say, in at most 2,700 words", () => {
  expect(read("docs/commands.md").match(/\S+/g)?.length).toBeLessThanOrEqual(2700);
});

test("README: has examples, and every document is linked from it", () => {
  expect(blocksOf("README.md").length).toBeGreaterThan(1);
  expect(DOCS.slice(1).filter((file) => !read("README.md").includes(`](${file}`))).toEqual([]);
});
