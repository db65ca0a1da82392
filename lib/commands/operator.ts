// Who runs the command, as jobs name their users.
import { readFileSync } from "node:fs";

/** The login name of a user id, as /etc/passwd has it; undefined where that has none, or is not there. */
function nameOf(uid: number): string | undefined {
  try {
    const lines = readFileSync("/etc/passwd", "utf8").split("\n");
    return lines.map((line) => line.split(":")).find((fields) => Number(fields[2] || "-1") === uid)?.[0];
  } catch {
    return undefined;
  }
}

/**
 * The operator: who called sudo, else the login name of this process. Bun's userInfo() believes the variables alone; they come
 * after /etc/passwd here, for users of a directory service.
 */
export function operatorName(env: NodeJS.ProcessEnv): string {
  if (env.SUDO_USER) return env.SUDO_USER;
  const uid = process.getuid?.();
  const known = uid === undefined ? undefined : nameOf(uid);
  return known || env.LOGNAME || env.USER || env.USERNAME || (uid === undefined ? "unknown" : `uid ${uid}`);
}
