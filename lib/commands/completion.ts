// zester completion
import type { ArgsDef } from "citty";
import { defineCommand } from "../cli/command.ts";
import { UserError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { programName } from "../program.ts";
import { safe } from "../text.ts";
import { SCRIPTS, scriptFor } from "./completion-scripts.ts";
import { formats, globals } from "./shared.ts";
import { answerHere } from "./write-answer.ts";

const args = {
  ...globals,
  format: formats("text"),
  shell: {
    type: "positional",
    required: true,
    valueHint: "bash|zsh|fish",
    description: "bash, zsh or fish",
  },
} as const satisfies ArgsDef;

/** @throws UserError for another shell */
function scriptOf(shell: string): string {
  const shells = Object.keys(SCRIPTS);
  const script = Object.hasOwn(SCRIPTS, shell) && SCRIPTS[shell]?.text;
  if (script) return scriptFor(programName(), script);
  throw new UserError(`unknown shell "${safe(shell)}".${nearest(shell, shells)}`, `Use one of: ${shells.join(", ")}.`);
}

export default defineCommand({
  meta: {
    description: "print the completion script for a shell",
    details:
      "Completes commands, flags, values, and the current IDs of jobs and peels. zsh: load it after compinit. fish: write it to ~/.config/fish/completions/zester.fish.",
    example: "source <(zester completion bash)   # in ~/.bashrc",
  },
  args,
  run: ({ args }) =>
    answerHere(args, () => ({ shown: { size: 1, text: () => [scriptOf(args.shell)], documents: () => [] } })),
});
