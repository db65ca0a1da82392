// Secrets and certificates from files: read, checked, and never repeated.
import { closeSync, openSync, readFileSync } from "node:fs";
import { type Authenticator, credsAuthenticator, nkeyAuthenticator } from "nats";
import { UserError } from "./errors.ts";
import type { Settings } from "./settings.ts";
import { isReadableByOthers } from "./terminal.ts";

function readSecret(path: string, what: string, warn: (text: string) => void): Buffer {
  let fd: number | undefined;
  try {
    fd = openSync(path, "r");
    const bytes = readFileSync(fd); // first: a folder is no secret that somebody could read
    if (isReadableByOthers(fd)) warn(`${what} ${path} can be read by other users: chmod 600 it.`);
    return bytes;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new UserError(
      `${what} ${path} cannot be read: ${code === "ENOENT" ? "there is no such file" : code}.`,
      "Check the path and the file's permissions.",
    );
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** @throws UserError when the user's JWT has expired: the server would only say "authorization violation". */
function checkExpiry(creds: string, path: string): void {
  const claims = /-----BEGIN NATS USER JWT-----\s+[\w-]+\.([\w-]+)\.[\w-]+/.exec(creds)?.[1];
  if (!claims) return;
  let expires: unknown;
  try {
    expires = JSON.parse(Buffer.from(claims, "base64url").toString()).exp;
  } catch {
    return; // the server is the judge of a broken JWT
  }
  if (typeof expires === "number" && expires > 0 && expires * 1000 < Date.now()) {
    throw new UserError(
      `the credentials in ${path} expired at ${new Date(expires * 1000).toISOString().replace(".000", "")}.`,
      "Ask whoever issues credentials for new ones, or name another file with --creds.",
    );
  }
}

/**
 * How to log in with a `.creds` or seed file; undefined when the settings name none.
 * @throws UserError when the file is missing, holds something else, or has expired
 */
export function authenticator(settings: Settings, warn: (text: string) => void): Authenticator | undefined {
  const path = settings.creds ?? settings.nkey;
  if (path === undefined) return undefined;
  const what = settings.creds ? "credentials file" : "nkey seed file";
  const bytes = readSecret(path, what, warn);
  if (settings.creds) checkExpiry(bytes.toString(), path);
  const auth = settings.creds
    ? credsAuthenticator(bytes)
    : nkeyAuthenticator(Buffer.from(bytes.toString().trim()));
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

/** Paths, in the names of the NATS library. */
interface TlsFiles {
  caFile?: string;
  certFile?: string;
  keyFile?: string;
}

/** TLS options when anything asks for TLS. Files are checked here, where their flag can still be named. */
export function tlsFiles(
  settings: Settings,
  wanted: boolean,
  warn: (text: string) => void,
): TlsFiles | undefined {
  const { tlsCa, tlsCert, tlsKey } = settings;
  if (tlsCa === undefined && tlsCert === undefined && tlsKey === undefined) return wanted ? {} : undefined;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new UserError(
      "a client certificate needs its key, and the key its certificate.",
      "Give both --tls-cert and --tls-key.",
    );
  }
  if (tlsKey !== undefined) readSecret(tlsKey, "TLS key file", warn);
  for (const [path, what] of [
    [tlsCa, "CA file"],
    [tlsCert, "TLS certificate file"],
  ] as const) {
    if (path !== undefined && !/-----BEGIN /.test(readSecret(path, what, () => {}).toString())) {
      throw new UserError(
        `${what} ${path} holds no PEM certificate.`,
        "Name a file that has -----BEGIN CERTIFICATE----- in it.",
      );
    }
  }
  return {
    ...(tlsCa && { caFile: tlsCa }),
    ...(tlsCert && { certFile: tlsCert }),
    ...(tlsKey && { keyFile: tlsKey }),
  };
}
