// Server URLs as users write them.
import { UserError } from "./errors.ts";
import { safe } from "./text.ts";

/** The servers in a list separated by commas. */
export const splitUrls = (text: string) =>
  text
    .split(",")
    .map((url) => url.trim())
    .filter(Boolean);

/** `text` without what stands before the @, safe to show, whatever it is. */
export const maskUrl = (text: string) => safe(text.replace(/^([a-z+]*:\/\/)?.*@/is, "$1***@").slice(0, 200));

export interface ServerUrl {
  /** `nats://host:port`, without any secret: what messages may show. */
  readonly shown: string;
  readonly host: string;
  readonly tls: boolean;
  readonly auth: { user?: string; pass?: string; token?: string };
}

/**
 * The parts of a server URL; the scheme and the port may be missing.
 * @throws UserError that never repeats what stands before the @
 */
export function parseUrl(text: string): ServerUrl {
  const shown = maskUrl(text);
  let url: URL;
  try {
    url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `nats://${text}`);
  } catch {
    throw new UserError(
      `"${shown}" is not a server URL.`,
      "Write it like nats://host:4222 or tls://host:4222.",
    );
  }
  if (url.protocol !== "nats:" && url.protocol !== "tls:") {
    throw new UserError(
      `"${shown}": the scheme ${url.protocol}// is not supported.`,
      "Write it like nats://host:4222 or tls://host:4222.",
    );
  }
  if (!url.hostname) throw new UserError(`"${shown}" names no host.`, "Write it like nats://host:4222.");
  // Of this scheme URLs take any text as a host; what is no ASCII comes with % (RFC 1035: 253 characters at most).
  if (!/^(\[[^\]]+\]|[\w.-]{1,253})$/.test(url.hostname))
    throw new UserError(`"${shown}": that is no host name.`, "Write it like nats://host:4222.");
  let user: string;
  let pass: string;
  try {
    user = decodeURIComponent(url.username);
    pass = decodeURIComponent(url.password);
  } catch {
    throw new UserError(
      `"${shown}": the part before @ has a % that escapes nothing.`,
      "Write a literal % as %25.",
    );
  }
  const host = `${url.hostname}:${url.port || 4222}`;
  return {
    shown: `${url.protocol}//${host}`,
    host,
    tls: url.protocol === "tls:",
    auth: pass ? { user, pass } : user ? { token: user } : {},
  };
}

/** Hosts that no network lies between. */
export const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])(:|$)/i;
