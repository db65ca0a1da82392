// zester version
import { defineCommand } from "../cli/command.ts";
import { versionFacts, versionText } from "../version.ts";
import { type GlobalArgs, globals } from "./shared.ts";
import { surroundings } from "./surroundings.ts";

async function run(flags: GlobalArgs): Promise<void> {
  const { terminal, format } = surroundings(flags);
  if (format === "text") return void terminal.write(versionText());
  const { writeDocument } = await import("./output.ts");
  await writeDocument(new Map(Object.entries(versionFacts())), format, terminal);
}

export default defineCommand({
  meta: {
    description: "show version, commit, Bun version and platform",
    renamed: { check: "`zester config check`" },
    example: "zester version --format json",
  },
  args: globals,
  run: ({ args }) => run(args),
});
