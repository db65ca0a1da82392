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

const rename = (text: string, command: RegExp) =>
  program === "zester"
    ? text
    : text.replace(command, (_, before, word) => `${before}${program}${word === "job" ? "" : ` ${word}`}`);

/** `text` with each command under the program's name; only for texts of this program. */
export const named = (text: string): string => rename(text, /()\bzester (job|config|completion|version|help)\b/g);

/** As `named`, for a message that may contain other text: only commands in back quotes, usages, after `<x> for`, and at the start. */
export const namedMessage = (text: string): string =>
  rename(text, /(`|Usage: |> for |^)zester (job|config|completion|version|help)\b/gm);
