// README.md and docs/*.md. Each block marked `<!-- example: name -->` is run and has to show what comes out. Each
// command of a block marked `<!-- recipes: name -->` is run and must not report an error. A block marked
// `<!-- file: name -->` is a file in the directory that the commands are run in.
// `UPDATE_DOCS=1 npx bun test --timeout 600000 ./tests/e2e/readme.test.ts` writes today's output into the examples.
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { badJob, longJob } from "../support/demo-fleet.ts";
import { Fleet } from "../support/fleet.ts";
import { type Server, startServer, tempDir, ZESTER } from "../support/harness.ts";
import { putReferenceData } from "../support/seed.ts";

const ROOT = resolve(import.meta.dir, "../..");
const DOCS = ["README.md", ...readdirSync(join(ROOT, "docs")).filter((name) => name.endsWith(".md"))].map((name) =>
  name === "README.md" ? name : join("docs", name),
);
const BLOCK = /(<!-- (example|recipes): (\w+) -->\n```\w+\n)([\s\S]*?)(```)/g;
const FILE = /<!-- file: (\S+) -->\n```\w+\n([\s\S]*?)```/g;
const UPDATE = process.env.UPDATE_DOCS !== undefined;

const read = (file: string) => readFileSync(join(ROOT, file), "utf8");

/** What the blocks of one name run on. */
const SCENARIOS: Record<string, (server: Server) => Promise<() => Promise<void>>> = {
  /** No jobs: for commands that connect nowhere. */
  async settings() {
    return async () => {};
  },
  /** The jobs of the command reference. */
  async reference(server) {
    const nc = await server.connect();
    await putReferenceData(nc);
    return () => nc.close();
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
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replace(/\b\d+(\.\d+)?(µs|ms|s|m\d+s|m|h\d+m|h|d)(?= |\n|\)|:|,|$)/g, "SOME")
    .replace(/ +/g, " ");
}

/** Where commands are run, and on which server. */
interface Place {
  readonly server: Server;
  readonly cwd: string;
}

async function shell(command: string, { server, cwd }: Place): Promise<{ output: string; code: number }> {
  const env = { NATS_URL: server.url, PATH: `${dirname(ZESTER)}:${process.env.PATH}` };
  const child = Bun.spawn(["sh", "-c", `{ ${command}\n} 2>&1`], { env, cwd, stdin: "ignore" });
  return { output: await new Response(child.stdout).text(), code: await child.exited };
}

/** The example as it would be typed, with what comes out now. */
async function play(block: string, place: Place): Promise<string> {
  const commands = block.split("\n").filter((line) => line.startsWith("$ "));
  const played: string[] = [];
  for (const command of commands) played.push(`${command}\n${(await shell(command.slice(2), place)).output}`);
  return played.join("\n");
}

/** Runs each command of a block that has comments and commands. */
async function tryRecipes(block: string, place: Place): Promise<void> {
  for (const command of block.split("\n").filter((line) => line !== "" && !line.startsWith("#"))) {
    const { output, code } = await shell(command, place);
    expect([command, code === 1, output.match(/^(error|Usage).*/gm)]).toEqual([command, false, null]);
  }
}

const blocksOf = (file: string) =>
  [...read(file).matchAll(BLOCK)].map(([whole, head = "", kind, scenario = "", text = "", tail = ""]) => ({
    whole,
    head,
    kind,
    scenario,
    text,
    tail,
  }));

const played = DOCS.flatMap((file) =>
  [...new Set(blocksOf(file).map(({ scenario }) => scenario))].map((scenario) => [file, scenario] as const),
);

test.each(played)("%s, on the scenario %s", async (file, scenario) => {
  const server = await startServer();
  const stop = await (SCENARIOS[scenario] as (server: Server) => Promise<() => Promise<void>>)(server);
  const place = { server, cwd: tempDir() };
  for (const [, name = "", text = ""] of read(file).matchAll(FILE)) writeFileSync(join(place.cwd, name), text);
  for (const block of blocksOf(file).filter((one) => one.scenario === scenario)) {
    if (block.kind === "recipes") {
      await tryRecipes(block.text, place);
      continue;
    }
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

test("README: has examples, and every document is linked from it", () => {
  expect(blocksOf("README.md").length).toBeGreaterThan(1);
  expect(DOCS.slice(1).filter((file) => !read("README.md").includes(`](${file}`))).toEqual([]);
});
