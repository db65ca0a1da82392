// The completion scripts, one a shell. They ask the executable for every word.
import bash from "./completion/zester.bash" with { type: "text" };
import fish from "./completion/zester.fish" with { type: "text" };
import zsh from "./completion/zester.zsh" with { type: "text" };

/** By shell: the script, and the name under which that shell finds it in its completion folder. */
export const SCRIPTS: Record<string, { readonly text: string; readonly file: string }> = {
  bash: { text: bash, file: "zester.bash" },
  zsh: { text: zsh, file: "_zester" },
  fish: { text: fish, file: "zester.fish" },
};

/** The script for a program of that name: its command and functions have the name too, so that both can be loaded. */
export const scriptFor = (program: string, text: string): string =>
  text.replaceAll("_zester", `_${program.replaceAll("-", "_")}`).replace(/\bzester\b/g, program);
