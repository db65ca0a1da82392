// Paths as users write them.
import { homedir } from "node:os";
import { join } from "node:path";

/** HOME is empty in some containers; then the user data base knows, or nobody does. */
export function home(env: NodeJS.ProcessEnv): string {
  if (env.HOME) return env.HOME;
  try {
    return homedir();
  } catch {
    return "/";
  }
}

/** `path` with a leading `~` replaced by the home directory. */
export function expand(path: string, env: NodeJS.ProcessEnv): string {
  return path === "~" || path.startsWith("~/") ? join(home(env), path.slice(1)) : path;
}
