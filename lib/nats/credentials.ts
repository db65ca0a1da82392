// Reads and checks secrets and certificates from files. No message repeats their content.
import { type Authenticator, jwtAuthenticator, nkeyAuthenticator, type TlsOptions } from "nats";
import { UserError } from "../errors.ts";
import { decodeText, faultOf, readFile } from "../settings/files.ts";
import { checkedLogin, type LoginText, loginIn } from "../settings/login.ts";
import type { Settings } from "../settings/settings.ts";

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

/** Permissions to publish. */
export interface Rights {
  readonly allow?: string[];
  readonly deny?: string[];
}

/** The claims of a user's JWT. None is secret. */
export interface Claims {
  readonly name?: string;
  readonly sub?: string;
  readonly iss?: string;
  /** In seconds since 1970, as `nbf`. */
  readonly exp?: number;
  readonly nbf?: number;
  readonly nats?: { readonly pub?: Rights };
}

export function readClaims(jwt: string): Claims | undefined {
  const claims = /^\s*[\w-]+\.([\w-]+)\.[\w-]+/.exec(jwt)?.[1];
  if (!claims) return undefined;
  try {
    return JSON.parse(Buffer.from(claims, "base64url").toString());
  } catch {
    return undefined; // the server decides about a broken JWT
  }
}

/** The login from credentials in the settings themselves; undefined for none. @throws UserError when they are not a JWT or a seed */
function inlineLogin({ jwt, seed }: Settings): LoginText | undefined {
  if (jwt === undefined && seed === undefined) return undefined;
  const login = { jwt: loginIn(jwt ?? "").jwt, seed: loginIn(seed ?? "").seed };
  if (jwt !== undefined && login.jwt === undefined)
    throw new UserError("user_jwt does not contain a JWT.", "Use one word that starts with eyJ.");
  if (seed !== undefined && login.seed === undefined)
    throw new UserError("user_seed does not contain an nkey seed.", "Use one word that starts with SU.");
  return login;
}

/** The login from a JWT or a file, which is read on each call; undefined for none. @throws UserError for an unusable file */
export async function authenticator(
  settings: Settings,
  warn: (text: string) => void,
): Promise<Authenticator | undefined> {
  const { creds, nkey, timeoutMs } = settings;
  const path = creds ?? nkey;
  const [kind, what] =
    creds === undefined ? (["nkey", "nkey seed file"] as const) : (["creds", "credentials file"] as const);
  let login = inlineLogin(settings);
  let name = "the login";
  if (login === undefined && path !== undefined) {
    name = `${what} ${path}`;
    login = checkedLogin(await readSecret(path, what, timeoutMs, warn), kind, name);
  }
  if (login === undefined) return undefined;
  const seed = login.seed === undefined ? undefined : Buffer.from(login.seed);
  // A JWT with a seed works on servers with and without an operator. A JWT alone is a bearer token.
  const auth = login.jwt === undefined ? nkeyAuthenticator(seed) : jwtAuthenticator(login.jwt, seed);
  try {
    auth("probe");
  } catch {
    throw new UserError(`${name} contains a damaged nkey seed.`, "Create the file again.");
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

/** The last second that a Date can represent. */
const LAST_S = 8.64e12;

/** A time in the user's JWT, in ms since 1970; undefined for none. */
function claimedMs(settings: Settings, claim: "exp" | "nbf"): number | undefined {
  const seconds: unknown = readClaims(userJwt(settings) ?? "")?.[claim];
  return typeof seconds === "number" && seconds > 0 && seconds <= LAST_S ? seconds * 1000 : undefined;
}

const isoTime = (ms: number) => new Date(ms).toISOString().replace(".000", "");

type PemKind = "certificate" | "key";

const CERTIFICATES = /-{5}BEGIN (?:TRUSTED |X509 )?CERTIFICATE-{5}.*?-{5}END [A-Z0-9 ]+-{5}/gs;

const BEGINS = {
  certificate: /-{5}BEGIN (?:TRUSTED |X509 )?CERTIFICATE-{5}/,
  key: /-{5}BEGIN [A-Z ]*PRIVATE KEY-{5}/,
} as const;

/** What a file may contain instead. */
const OTHERS: readonly (readonly [RegExp, string])[] = [
  [/-{5}BEGIN (NEW )?CERTIFICATE REQUEST-{5}/, "it is a request for a certificate (CSR)"],
  [/-{5}BEGIN [A-Z ]*PUBLIC KEY-{5}/, "it is a public key"],
  [BEGINS.key, "it is a key"],
  [BEGINS.certificate, "it is a certificate"],
  [/-{5}BEGIN /, "it is another kind of PEM"],
  [/[\0\ufffd]/, "it is binary, such as DER or PKCS #12"],
];

/** Why a file is not usable as `kind`; undefined when it looks right. The library only reports that TLS failed. */
function pemFault(text: string, kind: PemKind): string | undefined {
  if (kind === "key" && /-{5}BEGIN ENCRYPTED PRIVATE KEY-{5}|^Proc-Type: 4,ENCRYPTED/m.test(text))
    return "contains an encrypted key: zester does not ask for passphrases";
  if (BEGINS[kind].test(text)) return undefined;
  const other = OTHERS.find(([pattern]) => pattern.test(text))?.[1];
  return `contains no PEM ${kind}${other === undefined ? "" : `: ${other}`}`;
}

/** Loaded only for a connection that failed. */
const crypto = () => require("node:crypto") as typeof import("node:crypto");

function certificatesIn(text: string) {
  return (text.match(CERTIFICATES) ?? []).flatMap((pem) => {
    try {
      return new (crypto().X509Certificate)(pem);
    } catch {
      return [];
    }
  });
}

function isDamaged(text: string, kind: PemKind): boolean {
  if (kind === "certificate") return certificatesIn(text).length === 0;
  try {
    crypto().createPrivateKey(text);
    return false;
  } catch {
    return true;
  }
}

/** The settings that name a TLS file: the library's name for its content, its name in messages, and what it has to contain. */
const TLS_FILES = [
  ["tlsCa", "ca", "CA file", "certificate"],
  ["tlsCert", "cert", "TLS certificate file", "certificate"],
  ["tlsKey", "key", "TLS key file", "key"],
] as const;

const PEM_HINTS: Readonly<Record<PemKind, string>> = {
  certificate: "Use a PEM file, with a line BEGIN CERTIFICATE.",
  key: "Use a PEM file with an unencrypted key; `openssl pkey -in <file>` writes one.",
};

/**
 * TLS options with the content of the files: given paths, the library would read them for each connection. Undefined when no
 * setting asks for TLS. @throws UserError that names a file which cannot be used
 */
export async function tlsFiles(
  settings: Settings,
  wanted: boolean,
  warn: (text: string) => void,
): Promise<Pick<TlsOptions, "handshakeFirst" | "ca" | "cert" | "key"> | undefined> {
  if ((settings.tlsCert === undefined) !== (settings.tlsKey === undefined))
    throw new UserError("--tls-cert and --tls-key must be used together.", "Add the missing one.");
  const tls: { handshakeFirst?: boolean; ca?: string; cert?: string; key?: string } = {};
  if (settings.tlsFirst) tls.handshakeFirst = true;
  for (const [setting, option, what, kind] of TLS_FILES) {
    const path = settings[setting];
    if (path === undefined) continue;
    const text = await readSecret(path, what, settings.timeoutMs, kind === "key" ? warn : undefined);
    const fault = pemFault(text, kind);
    if (fault !== undefined) throw new UserError(`${what} ${path} ${fault}.`, PEM_HINTS[kind]);
    tls[option] = text;
  }
  return wanted || Object.keys(tls).length > 0 ? tls : undefined;
}

/** The first TLS file with unusable content, such as `TLS key file x.key`; undefined for none. */
export function damagedTlsFile(settings: Settings): string | undefined {
  const found = TLS_FILES.find(([setting, , , kind]) => {
    const text = read.get(settings[setting] ?? "");
    return text !== undefined && isDamaged(text, kind);
  });
  return found && `${found[2]} ${settings[found[0]]}`;
}

/** Why the named CA file does not cover the server's certificate; undefined without such a file. */
export function caFault({ tlsCa }: Settings): string | undefined {
  const text = read.get(tlsCa ?? "");
  if (text === undefined) return undefined;
  const hasCa = certificatesIn(text).some(({ ca }) => ca);
  return `CA file ${tlsCa} ${hasCa ? "does not have it" : "contains no CA certificate"}`;
}
