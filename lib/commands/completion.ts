// zester completion
import { defineCommand } from "../cli/command.ts";
import { UserError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { programName } from "../program.ts";
import { writeAll } from "../terminal/terminal.ts";
import { safe } from "../text.ts";
import { SCRIPTS, scriptFor } from "./completion-scripts.ts";
import { completion as args, type CompletionArgs } from "./flags.ts";
import { completion as meta } from "./manual.ts";
import { surroundings } from "./surroundings.ts";

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

export default defineCommand({ meta, args, run: ({ args }) => run(args) });
