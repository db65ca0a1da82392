// What a release has beside the executable, mostly generated from the command tree: `npm run docs` writes it.
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Command, loadAll, globalNames as namesOf, type Topic } from "../lib/cli/command.ts";
import { outline } from "../lib/cli/help.ts";
import { SCRIPTS } from "../lib/commands/completion.ts";
import pkg from "../package.json" with { type: "json" };
import { zester as tree } from "../zester.ts";

type Rows = readonly (readonly [string, string])[];

/** Every command that does something, with its outline, in the order of the tree. */
function leaves(path: readonly string[], command: Command): ReturnType<typeof outline>[] {
  const subs = Object.entries(command.subCommands ?? {});
  const own = command.run ? [outline(path, { ...command, subCommands: {} }, globalNames)] : [];
  return [...own, ...subs.flatMap(([name, sub]) => leaves([...path, name], sub))];
}

const zester = await loadAll(tree);
const globalNames = namesOf(zester);
const root = outline(["zester"], zester, globalNames);
const all = leaves(["zester"], zester);
const titleOf = (usage: string) =>
  usage
    .split(" ")
    .filter((word) => !/^[[<]/.test(word))
    .join(" ");

/** Text as roff: nothing in it is a request, an escape, or a typographic quote. */
export function roff(text: string): string {
  const named: Record<string, string> = {
    "\\": "\\e",
    "-": "\\-",
    "'": "\\(aq",
    "`": "\\(ga",
    "^": "\\(ha",
    "~": "\\(ti",
    '"': "\\(dq",
  };
  return text
    .replace(/[\\\-'`^~"]/g, (c) => named[c] as string)
    .replace(
      /[^\x00-\x7f]/gu,
      (c) => `\\[u${(c.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, "0")}]`,
    )
    .replace(/^\./gm, "\\&.");
}

const terms = (rows: Rows) => rows.map(([term, text]) => `.TP\n.B "${roff(term)}"\n${roff(text)}\n`).join("");
const example = (lines: readonly string[]) => `.PP\n.nf\n${lines.map((line) => `${roff(line)}\n`).join("")}.fi\n`;

const paragraph = (text: string | undefined) => (text ? `.PP\n${roff(text)}\n` : "");
const exits = (text: string | undefined) => paragraph(text && `Exit codes: ${text}`);

/** The help on what several commands have in common, beside the flags. */
const { "exit-codes": exitCodes, ...shared } = root.meta.topics ?? {};
const rest = ({ details, values = [] }: Topic = { description: "" }) => paragraph(details) + terms(values);

/** The variables that the descriptions of flags name, with those flags. */
function environment(): [string, string][] {
  return root.global.flatMap(([flag, text]) =>
    [...text.matchAll(/\$([A-Z_]+)/g)].map((match): [string, string] => {
      const name = /--\S+/.exec(flag)?.[0] ?? flag;
      return [match[1] as string, `see ${name}`];
    }),
  );
}

/** The man page, in man(7) macros. It has no date: two builds of one commit are the same bytes. */
export function manPage(version: string): string {
  const commands = all.map(
    ({ meta, title, usage, positionals, own }) =>
      `.SS "${roff(titleOf(usage))}"\n.B "${roff(usage)}"\n.PP\n${roff(title)}\n` +
      `${paragraph(meta.details)}${paragraph(meta.notes)}${terms([...positionals, ...own])}${exits(meta.exitCodes)}` +
      (meta.example ? example([meta.example]) : ""),
  );
  return [
    `.\\" Generated from the command tree.\n.TH ZESTER 1 "" "zester ${roff(version)}" "User Commands"\n`,
    `.SH NAME\nzester \\- ${roff(root.meta.description ?? "")}\n`,
    `.SH SYNOPSIS\n${all.map(({ usage }) => `.B "${roff(usage)}"\n`).join(".br\n")}`,
    `.SH DESCRIPTION\n${terms(root.meta.terms ?? [])}`,
    `.SH COMMANDS\n${commands.join("")}`,
    `.SH "FLAGS OF EVERY COMMAND"\n${terms(root.global)}${Object.values(shared).map(rest).join("")}`,
    `.SH "EXIT STATUS"\n${rest(exitCodes)}`,
    `.SH ENVIRONMENT\n${terms(environment())}`,
  ].join("");
}

/** Writes what a release has beside the executable: man page, completion scripts, JSON Schemas. */
export function writeShare(folder: string): void {
  const put = (name: string, text: string) => {
    const path = join(folder, name);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, text);
  };
  put("zester.1", manPage(pkg.version));
  for (const { file, text } of Object.values(SCRIPTS)) put(`completions/${file}`, text);
  cpSync(join(import.meta.dir, "../docs/schema"), join(folder, "schema"), { recursive: true });
}

if (import.meta.main) {
  writeShare(join(import.meta.dir, "../dist/share"));
  console.error("wrote dist/share/");
}
