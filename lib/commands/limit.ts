// The --timeout of commands that wait: there it limits the whole wait.
import { parseDuration } from "../duration.ts";
import type { UserError } from "../errors.ts";
import type { GlobalArgs } from "./flags.ts";

/** The limit of the whole wait in ms, and the flags without it: how long the server may stay silent is not its matter. */
export function waitLimit<T extends GlobalArgs>(flags: T): { limitMs: number | undefined; rest: T } {
  const limitMs = flags.timeout === undefined ? undefined : parseDuration(flags.timeout, "--timeout");
  return { limitMs, rest: { ...flags, timeout: undefined } };
}

/** What `work` gives. @throws what `missed` makes, when that takes longer than `ms`; undefined: as long as it takes */
export async function within<T>(
  ms: number | undefined,
  work: Promise<T>,
  missed: () => UserError,
): Promise<T> {
  if (ms === undefined) return work;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(missed()), ms);
  });
  // What is under way fails when the connection closes; by then nobody listens.
  work.catch(() => {});
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
