// zester version

import { defineCommand } from "../cli/command.ts";
import { versionFacts, versionText } from "../version.ts";
import { version as args, type VersionArgs } from "./flags.ts";
import { version as meta } from "./manual.ts";
import { surroundings } from "./surroundings.ts";

async function run(flags: VersionArgs): Promise<void> {
  const { terminal, format } = surroundings(flags);
  if (format === "text") terminal.write(versionText());
  const facts = new Map(Object.entries(versionFacts()));
  // Loaded only when asked for: the version alone needs no connection.
  if (flags.check) await (await import("./version-check.ts")).run(flags, facts);
  else if (format !== "text") await (await import("./output.ts")).writeDocument(facts, format, terminal);
}

export default defineCommand({ meta, args, run: ({ args }) => run(args) });
