// zester completion
import type { ArgsDef } from "citty";
import { defineCommand, type Flags } from "../cli/command.ts";
import { UserError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { programName } from "../program.ts";
import { writeAll } from "../terminal/terminal.ts";
import { safe } from "../text.ts";
import { SCRIPTS, scriptFor } from "./completion-scripts.ts";
import { formats, globals } from "./shared.ts";
import { surroundings } from "./surroundings.ts";

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

type CompletionArgs = Flags<typeof args>;

function run(flags: CompletionArgs): void {
  surroundings(flags, { formats: ["text"] });
  const shells = Object.keys(SCRIPTS);
  const script = Object.hasOwn(SCRIPTS, flags.shell) && SCRIPTS[flags.shell]?.text;
  if (!script)
    throw new UserError(
      `"${safe(flags.shell)}" is not a shell that zester knows.${nearest(flags.shell, shells)}`,
      `Shells: ${shells.join(", ")}.`,
    );
  writeAll(1, scriptFor(programName(), script));
}

export default defineCommand({
  meta: {
    description: "print the completion script for a shell",
    details:
      "Completes commands, flags, values, and the current IDs of jobs and peels. zsh: load it after compinit. fish: write it to ~/.config/fish/completions/zester.fish.",
    example: "source <(zester completion bash)   # in ~/.bashrc",
  },
  args,
  run: ({ args }) => run(args),
});
