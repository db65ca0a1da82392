// Secrets that a setting only refers to, as contexts of the `nats` command have them: env://NAME, file://path and
// data:;base64,… in place of the secret itself, or of the path of its file.
import { UserError } from "../errors.ts";
import { decodeText, expand, faultOf, readFile } from "./files.ts";
import { loginFault, loginIn } from "./login.ts";
import type { Key, Settings } from "./settings.ts";

/** What is looked up where zester does not look, by its scheme. */
const ELSEWHERE: Readonly<Record<string, readonly [by: string, hint: string]>> = {
  nsc: ["nsc", "Write a creds file with `nsc generate creds`, and name that file."],
  op: ["1Password", "Put the secret into a file or a variable, and write file://<path> or env://<name>."],
};

/** A path as the `nats` command has it: `$VAR`, `${VAR}` and `~` are understood. */
export function expandPath(path: string, env: NodeJS.ProcessEnv): string {
  const whole = path.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced, bare) => env[braced ?? bare] ?? "");
  return expand(whole, env);
}

interface Reference {
  readonly scheme: string;
  readonly rest: string;
}

/** The parts of a reference; undefined for a text that is none: a password may have a colon. */
function referenceIn(text: string): Reference | undefined {
  const [, scheme, rest] = /^(env|file|data|nsc|op):(?:\/\/)?(.*)$/is.exec(text) ?? [];
  return scheme === undefined ? undefined : { scheme: scheme.toLowerCase(), rest: rest ?? "" };
}

/** True for a secret that is held elsewhere. */
export const refersElsewhere = (text: string) => {
  const scheme = referenceIn(text)?.scheme;
  return scheme !== undefined && scheme !== "data";
};

/** How settings are followed: what messages call them, the environment, and how long reading a file may take. */
export interface FollowedReferences {
  readonly nameOf: (key: Key) => string;
  readonly env: NodeJS.ProcessEnv;
  readonly withinMs: number;
}

const CORRECT = "Correct the reference: env://<name>, file://<path> or data:;base64,<content>.";

/** What a reference leads to. @throws UserError when that can't be had, which never repeats it */
async function contentOf(
  { scheme, rest }: Reference,
  name: string,
  { env, withinMs }: FollowedReferences,
): Promise<string> {
  const fail = (why: string, hint = CORRECT) => new UserError(`${name} ${why}.`, hint);
  const elsewhere = ELSEWHERE[scheme];
  if (elsewhere) throw fail(`refers to ${elsewhere[0]}, which zester does not run`, elsewhere[1]);
  if (scheme === "env") {
    const value = env[rest];
    if (!value)
      throw fail(`refers to the environment variable ${rest}, which is ${value === undefined ? "not set" : "empty"}`);
    return value;
  }
  if (scheme === "data") {
    const [, header = "", payload = ""] = /^([^,]*),(.*)$/s.exec(rest) ?? [];
    if (!header.split(";").some((part) => part.trim() === "base64")) throw fail("is inline data without ;base64");
    if (!/^(?:[\w+/]{4})*(?:[\w+/]{2}==|[\w+/]{3}=)?$/.test(payload)) throw fail("is inline data that is not base64");
    return decodeText(Buffer.from(payload, "base64"));
  }
  const path = expandPath(rest, env);
  try {
    return decodeText((await readFile(path, withinMs)).bytes);
  } catch (error) {
    throw fail(
      `refers to the file ${path}, which cannot be read: ${faultOf(error)}`,
      "Check the path and the file's permissions.",
    );
  }
}

/**
 * The settings of a login with what they refer to in place of each reference. A file of credentials stays a path, which is read
 * at each login; of other content the JWT and the seed count.
 */
export async function followReferences(settings: Settings, following: FollowedReferences): Promise<Settings> {
  const out: { -readonly [K in keyof Settings]: Settings[K] } = { ...settings };
  for (const key of ["password", "token", "jwt", "seed"] as const) {
    const reference = referenceIn(settings[key] ?? "");
    if (reference) out[key] = (await contentOf(reference, following.nameOf(key), following)).replace(/[\r\n]+$/, "");
  }
  for (const key of ["creds", "nkey"] as const) {
    const reference = referenceIn(settings[key] ?? "");
    if (reference?.scheme === "file") out[key] = expandPath(reference.rest, following.env);
    else if (reference) {
      const name = following.nameOf(key);
      const login = loginIn(await contentOf(reference, name, following));
      const fault = loginFault(login, key);
      if (fault) throw new UserError(`${name} ${fault.why}.`, fault.hint);
      delete out[key];
      Object.assign(out, login);
    }
  }
  return out;
}
