// Preloaded when the program runs from its sources: writes the loaded modules into the file $LOADED.
import { writeFileSync } from "node:fs";

process.on("exit", () => writeFileSync(process.env.LOADED as string, Object.keys(require.cache).join("\n")));
