// The name that the program was started by. A copy or a link that is called `zester-job` takes the commands of `zester job` at
// once, beside another program that is called `zester`; then every command that is told of is told of under that name.

/** The name under which the commands of `job` need no `job`. */
export const JOB_PROGRAM = "zester-job";

let program = "zester";

/** The program's name by the word that it was started with: a path, on Windows with a suffix. */
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

/** The same for a message that may contain foreign text: only commands in back quotes, in a usage, after `missing argument <x> for`, and at the start. */
export const namedMessage = (text: string): string =>
  rename(text, /(`|Usage: |> for |^)zester (job|config|completion|version|help)\b/gm);
