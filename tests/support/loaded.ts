// Preloaded into a run of the program from its sources: writes the modules that were loaded into the file that $LOADED names.
import { writeFileSync } from "node:fs";

process.on("exit", () => writeFileSync(process.env.LOADED as string, Object.keys(require.cache).join("\n")));
