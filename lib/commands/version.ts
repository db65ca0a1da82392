// zester version

import type { ArgsDef } from "citty";
import { defineCommand, type Flags } from "../cli/command.ts";
import { versionFacts, versionText } from "../version.ts";
import { globals } from "./shared.ts";
import { surroundings } from "./surroundings.ts";

const args = {
  ...globals,
  check: { type: "boolean", description: "also compare the version of the records on the server" },
} as const satisfies ArgsDef;

type VersionArgs = Flags<typeof args>;

async function run(flags: VersionArgs): Promise<void> {
  const { terminal, format } = surroundings(flags);
  if (format === "text") terminal.write(versionText());
  const facts = new Map(Object.entries(versionFacts()));
  // Loaded only when asked for: the version alone needs no connection.
  if (flags.check) await (await import("./version-check.ts")).run(flags, facts);
  else if (format !== "text") await (await import("./output.ts")).writeDocument(facts, format, terminal);
}

export default defineCommand({
  meta: {
    description: "Show version, commit, Bun version and platform.",
  },
  args,
  run: ({ args }) => run(args),
});
