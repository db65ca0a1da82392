// From argv to an exit code: the only place that ends the process and turns errors into words.
import { runCommand } from "citty";
import { describe, EXIT, OutputClosed } from "../errors.ts";
import { startAs } from "../program.ts";
import { reportError, systemTerminal, writeAll } from "../terminal/terminal.ts";
import { versionText } from "../version.ts";
import { readCommandLine } from "./args.ts";
import { globalNames, loadAll, manualOf, type Tree } from "./command.ts";

/** Without a terminal. */
const HELP_COLUMNS = 80;

/** Answers a completion script. Always exits with 0: a prompt is no place for errors. */
async function answerShell(root: Tree, argv: readonly string[]): Promise<never> {
  const quit = () => process.exit(EXIT.done);
  for (const event of ["uncaughtException", "unhandledRejection"]) process.on(event, quit);
  const { complete } = await import("./completion.ts");
  await complete(root, argv, process.env);
  return quit();
}

/** Runs the command that `argv` names, reports errors, and exits. @param program the name of the executable */
export async function main(root: Tree, argv: readonly string[], program: string): Promise<never> {
  startAs(program);
  // The NATS library always verifies certificates; Bun, which does not know that, would warn that this variable prevents it.
  delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  // Not a command of the tree: its words are any command line.
  if (argv[0] === "__complete") return answerShell(root, argv.slice(1));
  // Before the flags are read, the words themselves count.
  let look: { color?: boolean; forceColor?: boolean } = argv.includes("--no-color") ? { color: false } : {};
  try {
    const { path, command, rawArgs, args, help, topic } = await readCommandLine(root, argv);
    // Everything that depends on the time zone uses that of the process.
    if (args.utc === true) process.env.TZ = "UTC";
    look = { color: args.color !== false, forceColor: args["force-color"] === true };
    if (help) {
      const { renderHelp, renderTopic } = await import("./help.ts");
      const columns = systemTerminal(look).columns ?? HELP_COLUMNS;
      const page =
        topic === undefined
          ? renderHelp(path, await loadAll(command), manualOf(root).topics ?? {}, globalNames(root), columns)
          : renderTopic(manualOf(root).topics?.[topic], columns);
      writeAll(1, page);
    } else if (args.version) writeAll(1, versionText());
    else await runCommand(root, { rawArgs });
    process.exit(); // with the exit code that the command has set
  } catch (error) {
    if (error instanceof OutputClosed) process.exit(EXIT.done);
    const { text, exitCode } = describe(error);
    reportError(text, look);
    process.exit(exitCode);
  }
}
