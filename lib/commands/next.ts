// The command that leads on from jobs that ended badly.
import type { Ending } from "../model/job-end.ts";
import { nextLine } from "../render/ending.ts";
import type { Output } from "./session.ts";

/** Tells a person who reads the text, on stderr. */
export function tellNext(endings: readonly Ending[], { terminal, format }: Output): void {
  const line = terminal.canTell && format === "text" ? nextLine(endings) : undefined;
  if (line !== undefined) terminal.say(line);
}
