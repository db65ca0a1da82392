import { versionFacts, versionText } from "../version.ts";
import { plainCommand } from "./answer.ts";
import { globals } from "./shared.ts";

const shown = {
  size: 1,
  isOne: true,
  text: () => [versionText()],
  documents: () => [new Map(Object.entries(versionFacts()))],
};

export default plainCommand({
  meta: {
    description: "show version, commit, Bun version and platform",
    renamed: { check: "`zester config check`" },
    example: "zester version --format json",
  },
  args: globals,
  parse: () => undefined,
  answerOf: () => ({ shown }),
});
