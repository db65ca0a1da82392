// The command that leads on from jobs that ended badly.
import type { Ending } from "../model/job-end.ts";
import { nextLine } from "../render/ending.ts";
import type { Terminal } from "../terminal/terminal.ts";

/** Tells a person, on stderr. */
export function tellNext(endings: readonly Ending[], { canTell, say }: Terminal): void {
  const line = canTell ? nextLine(endings) : undefined;
  if (line !== undefined) say(line);
}
