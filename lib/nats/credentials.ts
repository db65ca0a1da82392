// Secrets and certificates from files: read, checked, and never repeated.
import { type Authenticator, credsAuthenticator, jwtAuthenticator, nkeyAuthenticator } from "nats";
import { UserError } from "../errors.ts";
import { readFileAndMode } from "../settings/files.ts";
import type { Settings } from "../settings/settings.ts";

/** What has been read: a pipe (`--creds <(…)`) gives its content once, and a command that connects again needs it. */
const read = new Map<string, Buffer>();

function readSecret(path: string, what: string, warn: (text: string) => void): Buffer {
  const known = read.get(path);
  if (known) return known;
  try {
    const { bytes, readableByOthers } = readFileAndMode(path);
    read.set(path, bytes);
    if (readableByOthers) warn(`${what} ${path} can be read by other users: chmod 600 it.`);
    return bytes;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new UserError(
      `${what} ${path} cannot be read: ${code === "ENOENT" ? "there is no such file" : code}.`,
      "Check the path and the file's permissions.",
    );
  }
}

/** What a user's JWT says of its user; nothing in it is secret. */
export interface Claims {
  readonly name?: string;
  readonly sub?: string;
  readonly iss?: string;
  /** Seconds since 1970. */
  readonly exp?: number;
  readonly nats?: { readonly pub?: { readonly allow?: string[]; readonly deny?: string[] } };
}

/** The claims of the JWT in `text` (alone, or a `.creds` file); undefined when there is none that can be read. */
export function readClaims(text: string): Claims | undefined {
  const claims = /(?:^|-----BEGIN NATS USER JWT-----)\s*[\w-]+\.([\w-]+)\.[\w-]+/.exec(text)?.[1];
  if (!claims) return undefined;
  try {
    return JSON.parse(Buffer.from(claims, "base64url").toString());
  } catch {
    return undefined; // the server is the judge of a broken JWT
  }
}

/** How to log in with a JWT and seed that stand in the settings. */
function inlineAuthenticator(jwt: string, seed: string): Authenticator {
  const auth = jwtAuthenticator(jwt.trim(), Buffer.from(seed.trim()));
  try {
    auth("probe");
  } catch {
    throw new UserError("user_seed does not hold an nkey seed.", "It must be one word that starts with SU.");
  }
  return auth;
}

/**
 * How to log in with a `.creds` or seed file, or a JWT; undefined when the settings name none.
 * @throws UserError when the file is missing, or holds something else
 */
export function authenticator(settings: Settings, warn: (text: string) => void): Authenticator | undefined {
  if (settings.jwt !== undefined && settings.seed !== undefined)
    return inlineAuthenticator(settings.jwt, settings.seed);
  const path = settings.creds ?? settings.nkey;
  if (path === undefined) return undefined;
  const what = settings.creds ? "credentials file" : "nkey seed file";
  const bytes = readSecret(path, what, warn);
  const auth = settings.creds ? credsAuthenticator(bytes) : nkeyAuthenticator(Buffer.from(bytes.toString().trim()));
  try {
    auth("probe");
  } catch {
    throw new UserError(
      `${what} ${path} does not hold ${settings.creds ? "a user's JWT and seed" : "an nkey seed"}.`,
      settings.creds
        ? "Name a .creds file as made by nsc, or use --nkey for a bare seed."
        : "The file must hold one line that starts with SU.",
    );
  }
  return auth;
}

/** The text with the user's JWT, when that is how the settings log in: as it stands there, or the `.creds` file. */
export function jwtText({ jwt, creds }: Settings): string | undefined {
  return jwt ?? (creds && readSecret(creds, "credentials file", () => {}).toString());
}

/** When the user's JWT expired, by this machine's clock; undefined when it did not, or there is none. */
export function expiredAt(settings: Settings): string | undefined {
  const expires: unknown = readClaims(jwtText(settings) ?? "")?.exp;
  if (typeof expires !== "number" || expires <= 0 || expires * 1000 >= Date.now()) return undefined;
  return new Date(expires * 1000).toISOString().replace(".000", "");
}

/** What the files hold, in the names of the NATS library, which would read them again for each connection. */
interface TlsFiles {
  handshakeFirst?: boolean;
  ca?: string;
  cert?: string;
  key?: string;
}

/** TLS options when anything asks for TLS. Files are checked here, where their flag can still be named. */
export function tlsFiles(settings: Settings, wanted: boolean, warn: (text: string) => void): TlsFiles | undefined {
  const { tlsCa, tlsCert, tlsKey } = settings;
  const first = settings.tlsFirst && { handshakeFirst: true };
  if (tlsCa === undefined && tlsCert === undefined && tlsKey === undefined)
    return wanted || first ? { ...first } : undefined;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new UserError(
      "a client certificate needs its key, and the key its certificate.",
      "Give both --tls-cert and --tls-key.",
    );
  }
  const pem = (path: string | undefined, what: string) => {
    if (path === undefined) return undefined;
    const text = readSecret(path, what, () => {}).toString();
    if (/-----BEGIN /.test(text)) return text;
    throw new UserError(
      `${what} ${path} holds no PEM certificate.`,
      "Name a file that has -----BEGIN CERTIFICATE----- in it.",
    );
  };
  const key = tlsKey === undefined ? undefined : readSecret(tlsKey, "TLS key file", warn).toString();
  const [ca, cert] = [pem(tlsCa, "CA file"), pem(tlsCert, "TLS certificate file")];
  return { ...first, ...(ca && { ca }), ...(cert && { cert }), ...(key !== undefined && { key }) };
}
