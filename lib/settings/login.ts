// Logins: the JWT and the seed in a text, and the references that contexts of the `nats` command may have in place of a secret
// or of the path of its file: env://NAME, file://path and data:;base64,…
import { UserError } from "../errors.ts";
import { decodeText, expand, faultOf, readFile } from "./files.ts";
import type { Key, Settings } from "./settings.ts";

export interface LoginText {
  readonly jwt: string | undefined;
  readonly seed: string | undefined;
}

/** The JWT and the nkey seed in a text, such as a creds file, whatever surrounds them. */
export function loginIn(text: string): LoginText {
  return { jwt: /\beyJ[\w-]*\.[\w-]+\.[\w-]+/.exec(text)?.[0], seed: /\bS[ACNOUX][A-Z2-7]{56}\b/.exec(text)?.[0] };
}

/** The owner of a seed, by its second letter. */
const OWNERS: Readonly<Record<string, string>> = {
  A: "an account",
  C: "a cluster",
  N: "a server",
  O: "an operator",
  X: "a curve key",
};

/** What a file or inline data has to contain. */
const WANTED = {
  creds: { what: "a user's JWT and seed", hint: "Use a .creds file as written by nsc, or --nkey for a seed alone." },
  nkey: { what: "an nkey seed", hint: "Use a file with a seed, which starts with SU." },
} as const;

/** @param name what errors call the text @throws UserError when it is not a login of its kind */
export function checkedLogin(text: string, kind: keyof typeof WANTED, name: string): LoginText {
  const login = loginIn(text);
  const { what, hint } = WANTED[kind];
  const fail = (why: string) => new UserError(`${name} ${why}.`, hint);
  const owner = OWNERS[login.seed?.[1] ?? ""];
  if (owner !== undefined) throw fail(`contains the seed of ${owner}, not of a user`);
  const lacks = `does not contain ${what}`;
  if (login.seed === undefined) throw fail(login.jwt === undefined ? lacks : `${lacks}: it has no seed`);
  if (kind === "creds" && login.jwt === undefined) throw fail(`${lacks}: it has no JWT`);
  return login;
}

/** References that zester does not look up, by their scheme. */
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

/** The parts of a reference; undefined for any other text: a password may have a colon. */
function referenceIn(text = ""): Reference | undefined {
  const [, scheme, rest = ""] = /^(env|file|data|nsc|op):(?:\/\/)?(.*)$/is.exec(text) ?? [];
  return scheme === undefined ? undefined : { scheme: scheme.toLowerCase(), rest };
}

/** True for a reference to a secret that is stored elsewhere. */
export const refersElsewhere = (text: string) => (referenceIn(text)?.scheme ?? "data") !== "data";

const CORRECT = "Correct the reference: env://<name>, file://<path> or data:;base64,<content>.";

/** What a reference leads to. @throws UserError when it cannot be read, which never repeats it */
async function contentOf({ scheme, rest }: Reference, name: string, env: NodeJS.ProcessEnv, withinMs: number) {
  const fail = (why: string, hint = CORRECT) => new UserError(`${name} ${why}.`, hint);
  const elsewhere = ELSEWHERE[scheme];
  if (elsewhere) throw fail(`refers to ${elsewhere[0]}, which zester does not run`, elsewhere[1]);
  if (scheme === "env") {
    const value = env[rest];
    if (value) return value;
    throw fail(`refers to the environment variable ${rest}, which is ${value === undefined ? "not set" : "empty"}`);
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
 * The settings with the value of each reference of their login. A creds or seed file stays a path, which is read at each login;
 * of other content the JWT and the seed count. @param nameOf what errors call a setting
 */
export async function followReferences(
  settings: Settings,
  nameOf: (key: Key) => string,
  env: NodeJS.ProcessEnv,
): Promise<Settings> {
  const out: { -readonly [K in keyof Settings]: Settings[K] } = { ...settings };
  const follow = (key: Key, reference: Reference) => contentOf(reference, nameOf(key), env, settings.timeoutMs);
  for (const key of ["password", "token", "jwt", "seed"] as const) {
    const reference = referenceIn(settings[key]);
    if (reference) out[key] = (await follow(key, reference)).replace(/[\r\n]+$/, "");
  }
  for (const key of ["creds", "nkey"] as const) {
    const reference = referenceIn(settings[key]);
    if (reference?.scheme === "file") out[key] = expandPath(reference.rest, env);
    else if (reference) {
      delete out[key];
      Object.assign(out, checkedLogin(await follow(key, reference), key, nameOf(key)));
    }
  }
  return out;
}
