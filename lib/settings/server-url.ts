// Server URLs as users write them.
import { UserError } from "../errors.ts";

/** The server URLs in a list. A comma before a scheme, or without a later @, separates two; any other is part of a login. */
export function splitUrls(text: string): string[] {
  return text
    .split(/,(?=\s*[a-z][a-z0-9+.-]*:\/\/)/i)
    .flatMap((part) => {
      const host = part.lastIndexOf("@") + 1;
      const [first, ...more] = part.slice(host).split(",");
      return [part.slice(0, host) + first, ...more];
    })
    .map((url) => url.trim())
    .filter(Boolean);
}

/** A valid URL without its login. */
export const maskUrl = (url: string) => url.replace(/^([a-z]+:\/\/)?.*@/is, "$1***@");

export interface ServerUrl {
  /** `nats://host:port`, for messages. */
  readonly shown: string;
  readonly host: string;
  readonly tls: boolean;
  readonly auth: { user?: string; pass?: string; token?: string };
}

/** A login that may be other servers of a list: a comma after `host:port` or `[::1]`, before another user, or after another @. */
const MAYBE_SERVERS = /^(?=.*,)(\[|.*@|[^,:]*:\d+,|[^,:]*,[^:]*:)/s;

/**
 * The parts of a server URL; the scheme and the port may be missing.
 * @param where its source, for errors: ` from $NATS_URL`
 * @throws UserError that repeats no part of it: in an invalid URL, any part may be the secret
 */
export function parseUrl(text: string, where = ""): ServerUrl {
  const fail = (why: string, hint = "Use a form like nats://host:4222 or tls://host:4222.") =>
    new UserError(`invalid server URL${where}: ${why}.`, hint);
  const escapes = "In a user name, a password or a token write % as %25, @ as %40, / as %2F, ? as %3F, # as %23.";
  let url: URL;
  try {
    // The parser ignores tabs and line breaks.
    if (/\p{Cc}/u.test(text)) throw new Error();
    url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `nats://${text}`);
  } catch {
    throw fail("it cannot be parsed", `Use a form like nats://host:4222 or tls://host:4222. ${escapes}`);
  }
  if (url.protocol !== "nats:" && url.protocol !== "tls:") throw fail("its scheme is not supported");
  if (!url.hostname) throw fail("it names no host");
  // The parser accepts any text as a host of these schemes; RFC 1035 allows at most 253 characters.
  if (!/^(\[[^\]]+\]|[\w.-]{1,253})$/.test(url.hostname)) throw fail("its host is not a host name");
  // These end a password early: a part of it would count as the host, and be shown.
  if (!/^\/?$/.test(url.pathname) || url.search || url.hash)
    throw fail("something follows the host and the port", escapes);
  const login = /^(?:[a-z]+:\/\/)?(.*)@/is.exec(text)?.[1] ?? "";
  if (MAYBE_SERVERS.test(login))
    throw fail(
      "a comma before an @ can be a part of the password, or separate two servers",
      "Write it as %2C in a password (and @ as %40), or begin each server with nats:// or tls://.",
    );
  let user: string;
  let pass: string;
  try {
    user = decodeURIComponent(url.username);
    pass = decodeURIComponent(url.password);
  } catch {
    throw fail("the part before @ has a % that escapes nothing", "Write a literal % as %25.");
  }
  const host = `${url.hostname}:${url.port || 4222}`;
  return {
    shown: `${url.protocol}//${host}`,
    host,
    tls: url.protocol === "tls:",
    // With a colon it is a user, whose password may be empty; without one a token.
    auth: pass || (user && login.includes(":")) ? { user, pass } : user ? { token: user } : {},
  };
}

/** Hosts that are this machine. */
export const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])(:|$)/i;
