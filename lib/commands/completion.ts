// zester completion: scripts that call the executable for every word.
import { UserError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { programName } from "../program.ts";
import { safe } from "../text.ts";
import { plainCommand } from "./answer.ts";
import bash from "./completion/zester.bash" with { type: "text" };
import fish from "./completion/zester.fish" with { type: "text" };
import zsh from "./completion/zester.zsh" with { type: "text" };
import { formats, globals } from "./shared.ts";

/** By shell: the script, and the name under which that shell finds it in its completion folder. */
export const SCRIPTS: Record<string, { readonly text: string; readonly file: string }> = {
  bash: { text: bash, file: "zester.bash" },
  zsh: { text: zsh, file: "_zester" },
  fish: { text: fish, file: "zester.fish" },
};

export default plainCommand({
  meta: {
    description: "print the completion script for a shell",
    details:
      "Completes commands, flags, values, and the current IDs of jobs and peels. zsh: load it after compinit. fish: write it to ~/.config/fish/completions/zester.fish.",
    example: "source <(zester completion bash)   # in ~/.bashrc",
  },
  args: {
    ...globals,
    format: formats("text"),
    shell: {
      type: "positional",
      required: true,
      valueHint: "bash|zsh|fish",
      description: "bash, zsh or fish",
    },
  },
  /** The script for this program: its command and functions have the program's name, so that both can be loaded. */
  parse({ shell }) {
    const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell]?.text : undefined;
    const name = programName();
    if (script) return script.replaceAll("_zester", `_${name.replaceAll("-", "_")}`).replace(/\bzester\b/g, name);
    const shells = Object.keys(SCRIPTS);
    throw new UserError(
      `unknown shell "${safe(shell)}".${nearest(shell, shells)}`,
      `Use one of: ${shells.join(", ")}.`,
    );
  },
  answerOf: (script) => ({ shown: { size: 1, text: () => [script], documents: () => [] } }),
});
