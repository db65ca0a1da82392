// zester version
import { writeAll } from "../terminal.ts";
import { versionText } from "../version.ts";

export function run(): void {
  writeAll(1, versionText());
}
