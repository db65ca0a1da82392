// zester version

import { writeAll } from "../terminal/terminal.ts";
import { versionText } from "../version.ts";
import type { VersionArgs } from "./flags.ts";

export async function run(flags: VersionArgs): Promise<void> {
  writeAll(1, versionText());
  // Loaded only when asked for: the version alone needs no connection.
  if (flags.check) await (await import("./version-check.ts")).run(flags);
}
