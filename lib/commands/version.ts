// zester version
import { defineCommand } from "../cli/command.ts";
import { versionFacts, versionText } from "../version.ts";
import { globals } from "./shared.ts";
import { answerHere } from "./write-answer.ts";

const shown = {
  size: 1,
  isOne: true,
  text: () => [versionText()],
  documents: () => [new Map(Object.entries(versionFacts()))],
};

export default defineCommand({
  meta: {
    description: "show version, commit, Bun version and platform",
    renamed: { check: "`zester config check`" },
    example: "zester version --format json",
  },
  args: globals,
  run: ({ args }) => answerHere(args, () => ({ shown })),
});
