// The name that the program was started by. A copy or link named `zester-job` has the commands of `zester job` at its top level,
// for use beside another program named `zester`. Texts then show commands under that name.

export const JOB_PROGRAM = "zester-job";

let program = "zester";

/** @param argv0 a path, on Windows with a suffix */
export const programOf = (argv0: string): string =>
  /(?:^|[/\\])zester-job(?:\.exe)?$/i.test(argv0) ? JOB_PROGRAM : "zester";

/** Sets the name, once, before the first message. */
export function startAs(name: string): void {
  program = name;
}

export const programName = (): string => program;

let filesRead: readonly string[] = [];

/** Sets the files that the command reads in place of a server, as typed. */
export function readFrom(files: readonly string[]): void {
  filesRead = files;
}

export const readsFiles = (): boolean => filesRead.length > 0;

const NEEDS_SERVER = /^zester (config check|job (watch|wait|kill|retry|export))\b/;

const shellWord = (text: string) => (/^[\w./:,+=@%-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** A command to run next, on the same files; undefined if it needs a server and files are read. */
export function nextCommand(command: string): string | undefined {
  if (filesRead.length > 0 && NEEDS_SERVER.test(command)) return undefined;
  return [named(command), ...filesRead.map((file) => `--from ${shellWord(file)}`)].join(" ");
}

const rename = (text: string, command: RegExp) =>
  program === "zester"
    ? text
    : text.replace(command, (_, before, word) => `${before}${program}${word === "job" ? "" : ` ${word}`}`);

/** `text` with each command under the program's name; only for texts of this program. */
export const named = (text: string): string => rename(text, /()\bzester (job|config|completion|version|help)\b/g);

/** As `named`, for a message that may contain other text: only commands in back quotes, usages, after `<x> for` and `mean`, and at the start. */
export const namedMessage = (text: string): string =>
  rename(text, /(`|Usage: |> for |mean |^)zester (job|config|completion|version|help)\b/gm);
