// Turns errors of the library, Bun and the server while connecting into a reason and a next step.
import type { NatsError } from "nats";
import { formatMs } from "../duration.ts";
import type { ServerUrl } from "../settings/server-url.ts";
import type { Settings } from "../settings/settings.ts";
import { safe } from "../text.ts";
import { BrokenProtocol, NoGreeting } from "./client.ts";
import { caFault, damagedTlsFile, expiredAt, validFrom } from "./credentials.ts";

/** `why` follows the server's address in a message. `refused`: another attempt cannot help. */
export interface ConnectFailure {
  readonly why: string;
  readonly hint: string;
  readonly refused?: true;
}

interface FailedAttempt {
  readonly error: NatsError;
  /** All codes and messages of the error and its cause. */
  readonly text: string;
  readonly url: ServerUrl;
  readonly settings: Settings;
}

type ReasonRow = readonly [
  match: RegExp | ((attempt: FailedAttempt) => boolean),
  why: string | ((attempt: FailedAttempt) => string),
  hint: string,
  refused?: "refused",
];

// The server does not say why it refuses a login; it judges times by its own clock.
const DENIED = /AUTHORIZATION_VIOLATION|Authorization Violation|BAD_AUTHENTICATION/i;
const EXPIRED = /AUTHENTICATION_EXPIRED|Authentication Expired/i;
const CLIENT_CERTIFICATE = /EBADF|CERTIFICATE_REQUIRED|certificate required|bad certificate|alert/i;
const CLOSED = /ECONNRESET|CONNECTION_REFUSED|CONNECTION_CLOSED|DISCONNECT|EPIPE|undefined/;

const WHERE = "Set the server with --master, NATS_URL, a context or a config file; test it with `zester config check`.";

const hasLogin = ({ url, settings: { creds, nkey, jwt, user, token } }: FailedAttempt) =>
  (creds ?? nkey ?? jwt ?? user ?? token) !== undefined || Object.keys(url.auth).length > 0;

/** The first row that matches applies. */
const REASONS: readonly ReasonRow[] = [
  [
    ({ error }) => error instanceof BrokenProtocol,
    ({ error }) => `the server broke the NATS protocol: ${error.message}`,
    "Check the port and any proxy in between.",
  ],
  [EXPIRED, "the credentials have expired", "Ask the issuer of the credentials for new ones.", "refused"],
  [/AUTHENTICATION_TIMEOUT/, "the server timed out the login", "Run the command again: the server may be overloaded."],
  [
    ({ text, settings }) => DENIED.test(text) && validFrom(settings) !== undefined,
    ({ settings }) =>
      `the server does not accept these credentials, which are valid from ${validFrom(settings)} on, later than this machine's clock`,
    "Run the command again then, or use another file with --creds.",
    "refused",
  ],
  [
    ({ text, settings }) => DENIED.test(text) && expiredAt(settings) !== undefined,
    ({ settings }) =>
      `the server does not accept these credentials, which expired at ${expiredAt(settings)} by this machine's clock`,
    "Ask the issuer of the credentials for new ones, or use another file with --creds.",
    "refused",
  ],
  [
    (attempt) => DENIED.test(attempt.text) && hasLogin(attempt),
    "the server does not accept these credentials",
    "Check that they belong to this server and were not revoked.",
    "refused",
  ],
  [
    DENIED,
    "the server requires credentials",
    "Use --creds <file>, --nkey <file>, or user and password in the URL.",
    "refused",
  ],
  [
    /UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED|UNABLE_TO_GET_ISSUER|self.signed|unable to (verify|get)/i,
    ({ url, settings }) => {
      const fault = caFault(settings);
      const aside = url.tls ? "" : " (it needs TLS)";
      return `the server's certificate comes from an unknown CA${fault === undefined ? aside : `: ${fault}`}`;
    },
    "Use --nats-ca <file> with the certificate of the CA.",
  ],
  [
    /ALTNAME|altnames|Hostname\/IP/i,
    "the server's certificate is not for this host name",
    "Use a name that is in the certificate.",
  ],
  [
    /CERT_HAS_EXPIRED|certificate has expired/i,
    "the server's certificate has expired",
    "Renew the server's certificate.",
  ],
  [
    /KEY_VALUES_MISMATCH/,
    "the client certificate and its key do not match",
    "Use a matching pair with --tls-cert and --tls-key.",
  ],
  [
    /UNSUPPORTED_PROTOCOL|(alert|tlsv\d)[ _]protocol[ _]version/i,
    "the server does not support TLS 1.2 or newer",
    "Older versions are not safe: upgrade the server.",
  ],
  [
    /ERR_OSSL_|ERR_BORINGSSL/,
    ({ settings }) => `${damagedTlsFile(settings) ?? "a TLS file"} contains no usable certificate or key`,
    "Check the files of --nats-ca, --tls-cert and --tls-key.",
  ],
  [
    ({ text, settings }) => settings.tlsFirst === true && /WRONG_VERSION_NUMBER|wrong version number/.test(text),
    "the server does not start with TLS",
    "Omit --tls-first: it is for servers with handshake_first.",
  ],
  [/SERVER_OPT_NA/, "the server offers no TLS", "To connect without TLS, use nats:// in the URL and no TLS flags."],
  [
    /\bTIMEOUT\b/,
    ({ settings }) => `no answer within ${formatMs(settings.timeoutMs)}`,
    "Check the address, or use a longer --timeout.",
  ],
  [/ECONNREFUSED/, "connection refused", WHERE],
  [/ENOTFOUND|EAI_AGAIN|getaddrinfo|DNS/i, "unknown host name", `${WHERE} To select jobs by master, use --owner.`],
  [/EHOSTUNREACH|ENETUNREACH/, "no route to the host", "Check the address and the network."],
  [
    ({ text, settings }) => CLIENT_CERTIFICATE.test(text) && settings.tlsCert === undefined,
    "the server requires a client certificate",
    "Use --tls-cert <file> and --tls-key <file>.",
  ],
  [
    CLIENT_CERTIFICATE,
    "the server refused the client certificate",
    "Check that --tls-cert and --tls-key match and come from a CA that the server trusts.",
  ],
  [
    ({ error, text }) => error instanceof SyntaxError || /unexpected response/.test(text),
    ({ error }) => {
      const said = [error, error.chainedError].find((one) => one instanceof NoGreeting)?.said;
      return `not a NATS server${said ? `: it answered ${said}` : ""}`;
    },
    "Check the port: NATS clients usually connect to 4222.",
  ],
  [
    ({ error, text }) => error.message === "" || CLOSED.test(text),
    "the server closed the connection",
    "It may require TLS (tls://) or a client certificate (--tls-cert, --tls-key), be full, or be shutting down.",
  ],
  [() => true, ({ error }) => safe(error.message), "Check the address and the connection settings."],
];

function errorText(error: NatsError): string {
  const inner = error.chainedError as NodeJS.ErrnoException | undefined;
  // join() writes undefined as an empty text.
  return [error.code, inner?.code, error.message, inner?.message].join(" ");
}

/** True when the server refused an expired login: its file may contain a new one by now. */
export function isExpired(error: NatsError, settings: Settings): boolean {
  const text = errorText(error);
  return EXPIRED.test(text) || (DENIED.test(text) && expiredAt(settings) !== undefined);
}

export function connectFailure(error: NatsError, url: ServerUrl, settings: Settings): ConnectFailure {
  const attempt = { error, text: errorText(error), url, settings };
  const row = REASONS.find(([match]) => (match instanceof RegExp ? match.test(attempt.text) : match(attempt)));
  const [, why, hint, refused] = row as ReasonRow;
  return { why: typeof why === "string" ? why : why(attempt), hint, ...(refused && { refused: true }) };
}
