// Every command in every format, piped and on a terminal: stdout has data only, a flag that can't be honoured is an error,
// and a default from the environment that can't be is left aside.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { parseAllDocuments } from "yaml";
import { away, Fleet, fail, hang, ok } from "../support/fleet.ts";
import { Running, type Server, startServer, zester } from "../support/harness.ts";
import { draws } from "../support/length.ts";

const FORMATS = ["text", "json", "jsonl", "yaml", "csv"];
const RECORDS = ["text", "json", "yaml"];

/** Each command that writes data: its words, where `DONE` and `RUNS` are jobs, and the formats that it knows. */
const COMMANDS: [words: string, formats: string[]][] = [
  ["job list", FORMATS],
  ["job list --state timeout", FORMATS],
  ["job list -q", FORMATS],
  ["job list --count", FORMATS],
  ["job list --columns jid,args.name,duration,stuck", FORMATS],
  ["job list --wide", ["text", "csv"]],
  ["job active", FORMATS],
  ["job show DONE", RECORDS],
  ["job show DONE -q", RECORDS],
  ["job show DONE --summary", ["text"]],
  ["job show DONE --output", ["text"]],
  ["job trace DONE", ["text", "json", "jsonl", "yaml"]],
  ["job wait DONE", RECORDS],
  ["job watch DONE", ["text", "json", "jsonl"]],
  ["job watch --for 300ms", ["text", "json", "jsonl"]],
  ["job kill RUNS --dry-run", RECORDS],
  ["job kill --state active --dry-run", RECORDS],
  ["job retry DONE --failed --dry-run", RECORDS],
  ["job history web-01", FORMATS],
  ["job errors", FORMATS],
  ["job stats", FORMATS],
  ["job grep lock", FORMATS],
  ["job diff DONE DONE", RECORDS],
  ["config", RECORDS],
  ["config check", RECORDS],
  ["version", RECORDS],
  ["completion bash", ["text"]],
];

let server: Server;
let fleet: Fleet;
const jobs: Record<string, string> = {};

beforeAll(async () => {
  server = await startServer();
  fleet = await Fleet.start(await server.connect());
  const args = { name: "nginx" };
  jobs.DONE = await fleet.dispatch({
    fn: "pkg.installed",
    args,
    peels: { "web-01": ok, "web-02": fail, db_eu: away },
  });
  jobs.RUNS = await fleet.dispatch({ fn: "cmd.run", peels: { "web-03": hang } });
  await fleet.until(jobs.DONE, "failed");
});
afterAll(async () => {
  await fleet.stop();
  await fleet.site.nc.close();
  await server.stop();
});

const wordsOf = (words: string) => words.split(" ").map((word) => jobs[word] ?? word);
const env = (format?: string) => ({ NATS_URL: server.url, TZ: "UTC", ...(format && { ZESTER_FORMAT: format }) });
const run = (words: string, format?: string, fallback?: string) =>
  zester([...wordsOf(words), ...(format ? ["--format", format] : [])], { env: env(fallback) });

/** What a text of that format holds; for text itself and CSV the lines. @throws when it is not of that format */
function parse(text: string, format: string): unknown[] {
  const lines = text.split("\n").slice(0, -1);
  if (format === "jsonl") return lines.map((line) => JSON.parse(line));
  if (format === "json") return [JSON.parse(text)].flat();
  if (format !== "yaml") return lines;
  const documents = parseAllDocuments(text, { intAsBigInt: true });
  if (!Array.isArray(documents)) return [];
  for (const { errors } of documents) if (errors[0]) throw errors[0];
  return documents.flatMap((document) => document.toJS());
}

/** The exit code of a command that went well. */
const codeOf = (words: string) => (/^job (wait|watch) DONE/.test(words) ? 4 : words.includes("--for") ? 124 : 0);

/** The outcome of a command in a format, asked for once. */
const outcomes = new Map<string, ReturnType<typeof run>>();
function outcome(words: string, format: string) {
  const key = `${words} ${format}`;
  const known = outcomes.get(key) ?? run(words, format);
  outcomes.set(key, known);
  return known;
}

const structured = FORMATS.filter((name) => name !== "text");

describe.each(COMMANDS)("%s", (words, formats) => {
  const unable = structured.filter((name) => !formats.includes(name)).slice(0, draws(1, 9));
  // A stream writes json as it writes jsonl.
  const shapeOf = (format: string) => (words.includes("watch") && format === "json" ? "jsonl" : format);

  test("piped", async () => {
    for (const format of [...formats, ...unable]) {
      const { stdout, stderr, code } = await outcome(words, format);
      if (formats.includes(format)) {
        const told = stderr.replace(/^(warning|note|Dry run|timed out after):? .*\n/gm, "");
        expect([format, told, code]).toEqual([format, "", codeOf(words)]);
        expect(() => parse(stdout, shapeOf(format))).not.toThrow();
        continue;
      }
      expect({ stdout, code }).toEqual({ stdout: "", code: 1 });
      expect(stderr).toMatch(
        /^error: (unknown format "\w+" for --format|--\w+ and --format \w+ cannot be used together)\./,
      );
    }
  });

  test("a default from the environment counts where it can", async () => {
    // A running job grows older: its numbers differ, and so may the width of their column.
    const shape = (text: string) => text.replaceAll(/[\d.]+(ms|µs|s|m)?/g, "0").replaceAll(/ +/g, " ");
    const able =
      words === "job list" ? structured : structured.filter((name) => formats.includes(name)).slice(0, draws(0, 9));
    for (const format of [...able, ...unable]) {
      const found = await run(words, undefined, format);
      const wanted = await outcome(words, formats.includes(format) ? format : "text");
      expect(found.code).toBe(wanted.code);
      if (!words.startsWith("config")) expect(shape(found.stdout)).toBe(shape(wanted.stdout));
    }
  });

  test("on a terminal", async () => {
    for (const format of formats.filter((name) => name !== "text").slice(0, draws(1, 9))) {
      const screen = new Running([...wordsOf(words), "--format", format], env(), { cols: 200, rows: 50 });
      expect(await screen.ended()).toBe(codeOf(words));
      // stderr is the same terminal: its messages have labels in colour.
      const messages = /^(\x1b\[[\d;]+m)?(warning|note|Dry run|timed out after):?.*\n/gm;
      const data = screen.out.replaceAll("\r\n", "\n").replace(messages, "");
      expect(data).not.toContain("\x1b");
      expect(() => parse(data, shapeOf(format))).not.toThrow();
    }
  });
});

test("a default that no command knows is named, and one that only another knows is left aside", async () => {
  expect(await run("job list -q", undefined, "openmetrics")).toEqual(await run("job list -q"));
  expect((await run("job list", undefined, "jsno")).stderr).toStartWith(
    'error: unknown format "jsno" for $ZESTER_FORMAT. Did you mean json?\n',
  );
});

test("--quiet and --columns have the same jobs in each format", async () => {
  const ids = await Promise.all(
    ["text", "json", "jsonl", "yaml"].map(async (format) => parse((await run("job list -q", format)).stdout, format)),
  );
  for (const list of ids) expect(list).toEqual([jobs.DONE, jobs.RUNS]);
  const peels = await Promise.all(
    RECORDS.map(async (format) => parse((await run("job show DONE -q", format)).stdout, format)),
  );
  expect(peels).toEqual([
    ["db.eu", "web-01", "web-02"],
    ["db_eu", "web-01", "web-02"],
    ["db_eu", "web-01", "web-02"],
  ]);
  for (const format of ["json", "jsonl", "yaml"])
    expect(
      parse((await run("job list --columns state,jid", format)).stdout, format).map((row) =>
        Object.entries(row as object),
      ),
    ).toEqual([
      [
        ["state", "failed"],
        ["jid", jobs.DONE],
      ],
      [
        ["state", "running"],
        ["jid", jobs.RUNS],
      ],
    ]);
});
