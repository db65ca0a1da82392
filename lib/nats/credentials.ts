// Reads and checks secrets and certificates from files. No message repeats their content.
import { type Authenticator, jwtAuthenticator, nkeyAuthenticator } from "nats";
import { UserError } from "../errors.ts";
import { decodeText, faultOf, readFile } from "../settings/files.ts";
import { type LoginText, loginFault, loginIn } from "../settings/login.ts";
import type { Settings } from "../settings/settings.ts";
import type { PemKind } from "./pem.ts";

/** The content of each file at the last read. */
const read = new Map<string, string>();

/** The text of a file. @throws UserError that names the file and why it cannot be read */
async function readSecret(
  path: string,
  what: string,
  withinMs: number,
  warn: (text: string) => void = () => {},
): Promise<string> {
  try {
    const { bytes, readableByOthers } = await readFile(path, withinMs);
    if (readableByOthers && !read.has(path)) warn(`${what} ${path} can be read by other users: chmod 600 it.`);
    const text = decodeText(bytes);
    read.set(path, text);
    return text;
  } catch (error) {
    throw new UserError(
      `cannot read ${what} ${path}: ${faultOf(error)}.`,
      "Check the path and the file's permissions.",
    );
  }
}

/** The claims of a user's JWT. None is secret. */
export interface Claims {
  readonly name?: string;
  readonly sub?: string;
  readonly iss?: string;
  /** In seconds since 1970, as `nbf`. */
  readonly exp?: number;
  readonly nbf?: number;
  readonly nats?: { readonly pub?: { readonly allow?: string[]; readonly deny?: string[] } };
}

/** The claims of a JWT; undefined when they cannot be read. */
export function readClaims(jwt: string): Claims | undefined {
  const claims = /^\s*[\w-]+\.([\w-]+)\.[\w-]+/.exec(jwt)?.[1];
  if (!claims) return undefined;
  try {
    return JSON.parse(Buffer.from(claims, "base64url").toString());
  } catch {
    return undefined; // the server decides about a broken JWT
  }
}

/** The login from credentials in the settings themselves; undefined for none. @throws UserError when they are no JWT or seed */
function inlineLogin({ jwt, seed }: Settings): LoginText | undefined {
  if (jwt === undefined && seed === undefined) return undefined;
  const login = { jwt: loginIn(jwt ?? "").jwt, seed: loginIn(seed ?? "").seed };
  if (jwt !== undefined && login.jwt === undefined)
    throw new UserError("user_jwt does not contain a JWT.", "Use one word that starts with eyJ.");
  if (seed !== undefined && login.seed === undefined)
    throw new UserError("user_seed does not contain an nkey seed.", "Use one word that starts with SU.");
  return login;
}

/**
 * The login from a `.creds` file, a seed file or a JWT; undefined when the settings name none. Reads the file again on each call.
 * @throws UserError when the file is missing or contains something else
 */
export async function authenticator(
  settings: Settings,
  warn: (text: string) => void,
): Promise<Authenticator | undefined> {
  const { creds, nkey, timeoutMs } = settings;
  const path = creds ?? nkey;
  const what = creds === undefined ? "nkey seed file" : "credentials file";
  let login = inlineLogin(settings);
  if (login === undefined && path !== undefined) {
    login = loginIn(await readSecret(path, what, timeoutMs, warn));
    const fault = loginFault(login, creds === undefined ? "nkey" : "creds");
    if (fault) throw new UserError(`${what} ${path} ${fault.why}.`, fault.hint);
  }
  if (login === undefined) return undefined;
  const seed = login.seed === undefined ? undefined : Buffer.from(login.seed);
  // A JWT with a seed works on servers with and without an operator. A JWT alone is a bearer token.
  const auth = login.jwt === undefined ? nkeyAuthenticator(seed) : jwtAuthenticator(login.jwt, seed);
  try {
    auth("probe");
  } catch {
    throw new UserError(
      `${path === undefined ? "the login" : `${what} ${path}`} contains a damaged nkey seed.`,
      "Create the file again.",
    );
  }
  return auth;
}

/** The user's JWT from the settings or from the file at its last read; undefined when the login uses none. */
export function userJwt({ jwt, creds, nkey }: Settings): string | undefined {
  return jwt ?? loginIn(read.get(creds ?? nkey ?? "") ?? "").jwt;
}

/** When the user's JWT expired, by this machine's clock; undefined when it has not, or there is none. */
export function expiredAt(settings: Settings): string | undefined {
  const ms = claimedMs(settings, "exp");
  return ms !== undefined && ms < Date.now() ? isoTime(ms) : undefined;
}

/** When the user's JWT becomes valid; undefined when it already is, by this machine's clock. */
export function validFrom(settings: Settings): string | undefined {
  const ms = claimedMs(settings, "nbf");
  return ms !== undefined && ms > Date.now() ? isoTime(ms) : undefined;
}

/** A time in the user's JWT, in ms since 1970; undefined for none. */
function claimedMs(settings: Settings, claim: "exp" | "nbf"): number | undefined {
  const seconds: unknown = readClaims(userJwt(settings) ?? "")?.[claim];
  return typeof seconds === "number" && seconds > 0 && seconds <= LAST_S ? seconds * 1000 : undefined;
}

/** The last second that a Date can represent. */
const LAST_S = 8.64e12;

const isoTime = (ms: number) => new Date(ms).toISOString().replace(".000", "");

/** The content of the files, under the library's names. Given paths, the library would read them for each connection. */
interface TlsFiles {
  handshakeFirst?: boolean;
  ca?: string;
  cert?: string;
  key?: string;
}

/** The settings that name a TLS file, its name in messages, and its content. */
const TLS_FILES = [
  ["tlsCa", "CA file", "certificate"],
  ["tlsCert", "TLS certificate file", "certificate"],
  ["tlsKey", "TLS key file", "key"],
] as const;

const PEM_HINTS: Readonly<Record<PemKind, string>> = {
  certificate: "Use a PEM file, with a line BEGIN CERTIFICATE.",
  key: "Use a PEM file with an unencrypted key; `openssl pkey -in <file>` writes one.",
};

/**
 * TLS options; undefined when nothing asks for TLS.
 * @throws UserError when a file cannot be used; it names the file
 */
export async function tlsFiles(
  settings: Settings,
  wanted: boolean,
  warn: (text: string) => void,
): Promise<TlsFiles | undefined> {
  const { tlsCa, tlsCert, tlsKey, timeoutMs } = settings;
  const first = settings.tlsFirst && { handshakeFirst: true };
  if (tlsCa === undefined && tlsCert === undefined && tlsKey === undefined)
    return wanted || first ? { ...first } : undefined;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new UserError("--tls-cert and --tls-key must be used together.", "Add the missing one.");
  }
  const { pemFault } = await import("./pem.ts");
  const texts: { [K in (typeof TLS_FILES)[number][0]]?: string } = {};
  for (const [key, what, kind] of TLS_FILES) {
    const path = settings[key];
    if (path === undefined) continue;
    const text = await readSecret(path, what, timeoutMs, kind === "key" ? warn : undefined);
    const fault = pemFault(text, kind);
    if (fault !== undefined) throw new UserError(`${what} ${path} ${fault}.`, PEM_HINTS[kind]);
    texts[key] = text;
  }
  const { tlsCa: ca, tlsCert: cert, tlsKey: pemKey } = texts;
  return { ...first, ...(ca && { ca }), ...(cert && { cert }), ...(pemKey && { key: pemKey }) };
}

/** The first TLS file with unusable content, such as `TLS key file x.key`; undefined for none. */
export function damagedTlsFile(settings: Settings): string | undefined {
  const { isDamaged } = require("./pem.ts") as typeof import("./pem.ts");
  const found = TLS_FILES.find(([key, , kind]) => {
    const text = read.get(settings[key] ?? "");
    return text !== undefined && isDamaged(text, kind);
  });
  return found && `${found[1]} ${settings[found[0]]}`;
}

/** Why the named CA file does not cover the server's certificate; undefined without such a file. */
export function caFault({ tlsCa }: Settings): string | undefined {
  const text = read.get(tlsCa ?? "");
  if (text === undefined) return undefined;
  const { holdsCa } = require("./pem.ts") as typeof import("./pem.ts");
  return holdsCa(text) ? `CA file ${tlsCa} does not have it` : `CA file ${tlsCa} contains no CA certificate`;
}
