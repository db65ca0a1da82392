// Server URLs as users write them.
import { UserError } from "../errors.ts";

/**
 * The server URLs in a list. A comma separates two of them when a scheme follows, or when no @ does:
 * any other comma stands in a user name, a password or a token.
 */
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

/** A URL that `parseUrl` takes, without what stands before the @. */
export const maskUrl = (url: string) => url.replace(/^([a-z]+:\/\/)?.*@/is, "$1***@");

export interface ServerUrl {
  /** `nats://host:port`, without any secret: what messages may show. */
  readonly shown: string;
  readonly host: string;
  readonly tls: boolean;
  readonly auth: { user?: string; pass?: string; token?: string };
}

/**
 * Text before the @ that could as well be other servers of a list: a comma after `host:port` or `[::1]`, in front of
 * another user name, or after another @.
 */
const MAYBE_SERVERS = /^(?=.*,)(\[|.*@|[^,:]*:\d+,|[^,:]*,[^:]*:)/s;

/**
 * The parts of a server URL; the scheme and the port may be missing.
 * @param where the place that it comes from, for errors: ` from $NATS_URL`
 * @throws UserError that repeats nothing of it: in what cannot be parsed, any part may be the secret
 */
export function parseUrl(text: string, where = ""): ServerUrl {
  const fail = (why: string, hint = "Use a form like nats://host:4222 or tls://host:4222.") =>
    new UserError(`invalid server URL${where}: ${why}.`, hint);
  const escapes = "In a user name, a password or a token write % as %25, @ as %40, / as %2F, ? as %3F, # as %23.";
  let url: URL;
  try {
    // The parser leaves tabs and line breaks out in silence.
    if (/\p{Cc}/u.test(text)) throw new Error();
    url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `nats://${text}`);
  } catch {
    throw fail("it cannot be parsed", `Use a form like nats://host:4222 or tls://host:4222. ${escapes}`);
  }
  if (url.protocol !== "nats:" && url.protocol !== "tls:") throw fail("its scheme is not supported");
  if (!url.hostname) throw fail("it names no host");
  // The parser takes any text as a host of these schemes; RFC 1035 allows 253 characters at most.
  if (!/^(\[[^\]]+\]|[\w.-]{1,253})$/.test(url.hostname)) throw fail("its host is not a host name");
  // A password with one of these ends early: what stands before would be taken for the host, and shown.
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
    // With a colon it is a user, with an empty password maybe; without one a token.
    auth: pass || (user && login.includes(":")) ? { user, pass } : user ? { token: user } : {},
  };
}

/** Hosts that no network lies between. */
export const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])(:|$)/i;
