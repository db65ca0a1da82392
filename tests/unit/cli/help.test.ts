// Help as it stands on terminals of any width, on the tree of zester itself.
import { expect, test } from "bun:test";
import { type Command, loadAll, globalNames as namesOf } from "../../../lib/cli/command.ts";
import { renderHelp, renderTopic } from "../../../lib/cli/help.ts";
import { width } from "../../../lib/text.ts";
import { zester as tree } from "../../../zester.ts";
import { some } from "../../support/length.ts";

function everyCommand(command: Command, path = ["zester"]): (readonly [string[], Command])[] {
  const below = Object.entries(command.subCommands ?? {});
  return [[path, command], ...below.flatMap(([name, sub]) => everyCommand(sub, [...path, name]))];
}

const zester = await loadAll(tree);
const globalNames = namesOf(zester);
const COMMANDS = everyCommand(zester);
const ALL_TOPICS = zester.meta?.topics ?? {};
const TOPICS = Object.entries(ALL_TOPICS);
const pages = (columns: number) => [
  ...COMMANDS.map(([path, command]) => renderHelp(path, command, ALL_TOPICS, globalNames, columns)),
  ...TOPICS.map(([, topic]) => renderTopic(topic, columns)),
];
const widest = (text: string) => Math.max(...text.split("\n").map(width));
/** The text without what wrapping changes, so that pages of two widths compare. */
const letters = (text: string) => text.replaceAll(/ \\$/gm, "").replaceAll(/\s/g, "");

test("no line is wider than the terminal, and nothing is lost", () => {
  const whole = pages(1000).map(letters);
  for (const columns of some([1, 2, 5, 10, 20, 30, 40, 52, 60, 79, 80, 100, 132, 200], 3, 1)) {
    const shown = pages(columns);
    // An example needs its own words and the sign that it goes on.
    for (const page of shown) if (columns >= 30) expect(widest(page)).toBeLessThanOrEqual(columns);
    expect(shown.map(letters)).toEqual(whole);
  }
});

test("80 columns: every example on one line, at the end; the commands of job on one screen", () => {
  for (const [path, command] of COMMANDS) {
    const page = renderHelp(path, command, ALL_TOPICS, globalNames, 80);
    expect([path, page]).toEqual([path, expect.stringMatching(/\n\nExample:\n {2}.*\bzester .*\n$/)]);
    expect([path, widest(page) <= 80]).toEqual([path, true]);
    // The prompt is below it.
    if (path.join(" ") === "zester job") expect(page.split("\n").length).toBeLessThanOrEqual(24);
  }
});

test("each flag of every command is in one topic", () => {
  const flags = TOPICS.flatMap(([, { flags, heading }]) => (heading === undefined ? Object.keys(flags ?? {}) : []));
  expect(flags.toSorted()).toEqual([...globalNames].sort());
});

test("each other flag has its own line in the help of its command", () => {
  for (const [path, command] of COMMANDS) {
    const page = renderHelp(path, command, ALL_TOPICS, globalNames, 1000);
    for (const [flag, def] of Object.entries(command.args ?? {})) {
      if (def.type === "positional" || globalNames.has(flag)) continue;
      const negative = "negativeDescription" in def && def.negativeDescription;
      const description = negative || def.description || "without a description";
      const line = page
        .split("\n")
        .find((one) => new RegExp(`^  (-\\w, )?--${negative ? "no-" : ""}${flag}\\b[^-]`).test(one));
      expect([...path, flag, line]).toEqual([...path, flag, expect.stringContaining(description)]);
    }
  }
});

test("descriptions are short phrases: lower case, no full stop, at most 60 characters", () => {
  const texts = [
    ...COMMANDS.flatMap(([, { meta, args = {} }]) => [
      meta?.description,
      ...Object.values(args).flatMap((def) => [
        def.description,
        "negativeDescription" in def ? def.negativeDescription : undefined,
      ]),
    ]),
    ...TOPICS.map(([, { description }]) => description),
  ];
  expect(texts.length).toBeGreaterThan(400);
  const isShort = (text = "") => text.length <= 60 && !text.endsWith(".") && !/^[A-Z][a-z]*\b/.test(text);
  expect([...new Set(texts)].filter((text) => !isShort(text))).toEqual([]);
});

test("each command of a group that has groups is in one of them", () => {
  for (const [path, { meta, subCommands = {} }] of COMMANDS)
    for (const [name, sub] of Object.entries(subCommands))
      if (meta?.groups)
        expect([...path, name, meta.groups.includes(sub.meta?.group ?? "")]).toEqual([...path, name, true]);
});

test("what is called otherwise elsewhere leads to a command that there is", () => {
  for (const [path, { meta, subCommands = {} }] of COMMANDS)
    for (const there of Object.values(meta?.elsewhere ?? {}).flat()) {
      if (there.endsWith(".")) continue; // a sentence
      const [first = "", second = ""] = there.split(" ");
      const isThere = first === "zester" ? COMMANDS.some(([names]) => names[1] === second) : first in subCommands;
      expect([...path, there, isThere]).toEqual([...path, there, true]);
    }
});
