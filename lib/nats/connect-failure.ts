// What the library, Bun and the server say when connecting fails, as a reason and a next step.
import type { NatsError } from "nats";
import { formatMs } from "../duration.ts";
import type { ServerUrl } from "../settings/server-url.ts";
import type { Settings } from "../settings/settings.ts";
import { safe } from "../text.ts";
import { BrokenProtocol } from "./client.ts";
import { expiredAt } from "./credentials.ts";

/** Why a server could not be used, and what to do about it; `refused` when trying again can't help. */
export function connectFailure(
  error: NatsError,
  url: ServerUrl,
  settings: Settings,
): { why: string; hint: string; refused?: boolean } {
  if (error instanceof BrokenProtocol)
    return {
      why: `what answers there does not keep to the NATS protocol: ${error.message}`,
      hint: "Check the port, and what stands between here and the server.",
    };
  const chained = error.chainedError as NodeJS.ErrnoException | undefined;
  const code = String((error as { code?: string }).code ?? "");
  const inner = String(chained?.code ?? "");
  const text = `${code} ${inner} ${error.message} ${chained?.message ?? ""}`;
  const has = (pattern: RegExp) => pattern.test(text);
  if (has(/AUTHENTICATION_EXPIRED|Authentication Expired/i)) {
    return {
      why: "the credentials have expired",
      hint: "Ask whoever issues credentials for new ones.",
      refused: true,
    };
  }
  if (has(/AUTHENTICATION_TIMEOUT/))
    return { why: "the server timed out the login", hint: "Try again; the server may be overloaded." };
  if (has(/AUTHORIZATION_VIOLATION|Authorization Violation|BAD_AUTHENTICATION/i)) {
    // The server judges, by its own clock; it does not say why it refuses.
    const expired = expiredAt(settings);
    if (expired !== undefined)
      return {
        why: `the server does not accept these credentials, which expired at ${expired} by this machine's clock`,
        hint: "Ask whoever issues credentials for new ones, or name another file with --creds.",
        refused: true,
      };
    const given = settings.creds ?? settings.nkey ?? settings.jwt ?? settings.user ?? settings.token;
    return given !== undefined || Object.keys(url.auth).length > 0
      ? {
          why: "the server does not accept these credentials",
          hint: "Check that they are meant for this server, and that they were not revoked.",
          refused: true,
        }
      : {
          why: "the server wants credentials",
          hint: "Give --creds <file>, --nkey <file>, or user and password in the URL.",
          refused: true,
        };
  }
  if (
    has(
      /UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED|UNABLE_TO_GET_ISSUER|self.signed|unable to (verify|get)/i,
    )
  ) {
    const upgraded = url.tls ? "" : " (it needs TLS)";
    return {
      why: `the server's certificate comes from an unknown CA${upgraded}`,
      hint: "Name the CA's certificate with --nats-ca <file>.",
    };
  }
  if (has(/ALTNAME|altnames|Hostname\/IP/i)) {
    return {
      why: "the server's certificate is not for this host name",
      hint: "Use the name that stands in the certificate.",
    };
  }
  if (has(/CERT_HAS_EXPIRED|certificate has expired/i))
    return { why: "the server's certificate has expired", hint: "Renew the server's certificate." };
  if (has(/KEY_VALUES_MISMATCH/))
    return {
      why: "the client certificate and its key do not belong together",
      hint: "Name a pair with --tls-cert and --tls-key.",
    };
  if (has(/UNSUPPORTED_PROTOCOL|(alert|tlsv\d)[ _]protocol[ _]version/i))
    return {
      why: "the server knows no TLS version from 1.2 on",
      hint: "Older versions are not safe: renew the server.",
    };
  if (has(/ERR_OSSL_|ERR_BORINGSSL/))
    return {
      why: "a TLS file holds no usable certificate or key",
      hint: "Check the files after --nats-ca, --tls-cert and --tls-key.",
    };
  if (has(/SERVER_OPT_NA/))
    return {
      why: "the server offers no TLS",
      hint: "Use nats:// in the URL and no TLS flags, if that is what you want.",
    };
  if (has(/\bTIMEOUT\b/)) {
    return {
      why: `no answer within ${formatMs(settings.timeoutMs)}`,
      hint: "Check the address, or wait longer with --timeout.",
    };
  }
  if (has(/ECONNREFUSED/)) {
    return {
      why: "connection refused",
      hint: "Is the server running there? Set the address with --master or NATS_URL.",
    };
  }
  if (has(/ENOTFOUND|EAI_AGAIN|getaddrinfo|DNS/i))
    return { why: "the host name is unknown", hint: "Check the name, or use an address." };
  if (has(/EHOSTUNREACH|ENETUNREACH/))
    return { why: "there is no route to the host", hint: "Check the address and the network." };
  if (has(/EBADF|CERTIFICATE_REQUIRED|certificate required|bad certificate|alert/i)) {
    return settings.tlsCert === undefined
      ? {
          why: "the server demands a client certificate",
          hint: "Give --tls-cert <file> and --tls-key <file>.",
        }
      : {
          why: "the server refused the client certificate",
          hint: "Check that --tls-cert and --tls-key belong together and come from a CA that the server knows.",
        };
  }
  if (error instanceof SyntaxError || has(/unexpected response/))
    return {
      why: "what answers there is not a NATS server",
      hint: "Check the port: NATS clients usually connect to 4222.",
    };
  if (
    has(/ECONNRESET|CONNECTION_REFUSED|CONNECTION_CLOSED|DISCONNECT|EPIPE|undefined/) ||
    error.message === ""
  ) {
    return {
      why: "the server closed the connection",
      hint: "It may demand TLS (tls://) or a client certificate (--tls-cert, --tls-key), be full, or be shutting down.",
    };
  }
  return { why: safe(error.message || code), hint: "Check the address and the connection settings." };
}
