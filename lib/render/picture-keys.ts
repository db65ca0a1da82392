// Texts about the keys of the `watch` screen: help, and the last line. Pure.

import { width } from "../text.ts";
import { actKey, rowOf, type Seen, SORT_NAMES, type Steering } from "./keys.ts";

type KeyHelp = readonly [keys: string, what: string];

const keysFor = (moving: string, ...own: readonly KeyHelp[]): readonly KeyHelp[] => [
  ["↑ ↓ j k", moving],
  ["PgUp PgDn Space", `${moving} a page`],
  ["Ctrl-U Ctrl-D", `${moving} half a page`],
  ["g G", "first, last"],
  ...own,
  ["q", "quit"],
];
const ACTS: readonly KeyHelp[] = [
  ["x", "cancel a job that runs (asks first)"],
  ["r", "retry a job that ended (asks first)"],
];
const EVENTS: KeyHelp = ["e", "show all events"];

const HELP = {
  list: keysFor(
    "move",
    ["Enter", "open the job"],
    ["o", "show its output"],
    ["e", "show its events"],
    ...ACTS,
    ["/", "show jobs that match a text or ID prefix"],
    ["Esc", "clear the filter"],
    ["t", "show jobs that ended in the last hour"],
    ["s", `sort by ${SORT_NAMES.join(", ")}`],
  ),
  opened: keysFor("move", ["Enter o", "show the output of the outcome"], EVENTS, ...ACTS, ["Esc", "back to the list"]),
  text: keysFor("scroll", ["d", "show differences between outputs"], EVENTS, ...ACTS, ["Esc", "back to the job"]),
};

/** If the lines are few, the first keys, which move, are left out. */
export function helpLines({ opened }: Steering, rows: number, utf8: boolean): string[] {
  const keys = opened?.text ? HELP.text : opened ? HELP.opened : HELP.list;
  const lines = keys.map(([key, what]): KeyHelp => [utf8 ? key : key.replace(/[↑↓] ?/g, ""), what]);
  const wide = Math.max(...lines.map(([key]) => width(key)));
  return lines.map(([key, what]) => `  ${key}${" ".repeat(wide - width(key))}  ${what}`).slice(-rows);
}

/** Words side by side, as many as fit. */
export function sideBySide(words: readonly (string | false | undefined)[], columns: number): string {
  let line = "";
  for (const word of words.filter((word) => word !== undefined && word !== false)) {
    const longer = line === "" ? word : `${line}  ${word}`;
    if (width(longer) > columns) break;
    line = longer;
  }
  return line;
}

/** The keys that work on this screen and for this job, the most important first. */
export function footer(seen: Seen, steering: Steering, columns: number, utf8: boolean): string {
  const { typing, filter, ended, opened, help } = steering;
  const row = rowOf(steering, seen);
  const act = row && (actKey(row) === "x" ? "x cancel" : "r retry");
  const arrows = (what: string) => `${utf8 ? "↑↓" : "jk"} ${what}`;
  const last = ["? help", "q quit"];
  const keys = () => {
    if (typing) return ["Enter keep", "Esc clear"];
    if (help) return ["press any key to go back"];
    if (opened?.text) {
      const diff = seen.text?.against && `d ${opened.text.diff ? "complete output" : "differences"}`;
      return [arrows("scroll"), diff, "Esc back", ...last, act];
    }
    if (opened && row) return [arrows("move"), "Enter output", "e events", act, "Esc back", ...last];
    if (opened) return ["Esc back", ...last];
    const clear = filter === "" ? "/ filter" : "Esc clear filter";
    const shows = `t ${ended ? "hide" : "show"} ended`;
    return [row && arrows("move"), row && "Enter open", act, clear, ...last, shows, "s sort"];
  };
  return sideBySide(keys(), columns);
}
