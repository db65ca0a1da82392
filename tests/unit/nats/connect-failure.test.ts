// What is told when connecting fails: one line for each way in which the library, Bun and servers report it.
import { expect, test } from "bun:test";
import type { NatsError } from "nats";
import { BrokenProtocol } from "../../../lib/nats/client.ts";
import { connectFailure } from "../../../lib/nats/connect-failure.ts";
import { parseUrl } from "../../../lib/settings/server-url.ts";
import type { Settings } from "../../../lib/settings/settings.ts";

/** An error as the library throws it; `inner` is the code of what Bun reported to the library. */
function failed(code: string, message = code, inner?: string): Error {
  const chainedError = inner && Object.assign(new Error(), { code: inner });
  return Object.assign(new Error(message), { code, chainedError });
}

/** How the command was called: its settings, and the server's URL. */
type Given = Partial<Settings> & { url?: string };

function told(error: Error, { url = "nats://host", ...settings }: Given) {
  return connectFailure(error as NatsError, parseUrl(url), { urls: [], timeoutMs: 2000, ...settings });
}

const alert = new Error("tlsv1 alert certificate required");

test.each<[string, Error, Given?]>([
  ["the server broke the NATS protocol: x", new BrokenProtocol("x")],
  ["the server timed out the login", failed("AUTHENTICATION_TIMEOUT")],
  ["the server's certificate comes from an unknown CA (it needs TLS)", failed("SELF_SIGNED_CERT_IN_CHAIN")],
  ["the server's certificate comes from an unknown CA", new Error("self signed"), { url: "tls://host" }],
  ["the server's certificate is not for this host name", failed("ERR_TLS_CERT_ALTNAME_INVALID")],
  ["the server's certificate has expired", failed("CERT_HAS_EXPIRED")],
  ["the client certificate and its key do not match", failed("ERR_OSSL_X509_KEY_VALUES_MISMATCH")],
  ["the server does not support TLS 1.2 or newer", failed("ERR_SSL_UNSUPPORTED_PROTOCOL")],
  ["the server does not support TLS 1.2 or newer", new Error("tlsv1 alert protocol version")],
  ["a TLS file contains no usable certificate or key", failed("ERR_OSSL_PEM_NO_START_LINE")],
  ["the server offers no TLS", failed("SERVER_OPT_NA")],
  ["no answer within 2.0s", failed("TIMEOUT")],
  ["connection refused", failed("CONNECTION_REFUSED", "", "ECONNREFUSED")],
  ["unknown host name", failed("CONNECTION_REFUSED", "", "ENOTFOUND")],
  ["no route to the host", failed("CONNECTION_REFUSED", "", "EHOSTUNREACH")],
  ["the server requires a client certificate", new Error("write EBADF")],
  ["the server requires a client certificate", alert],
  ["the server refused the client certificate", alert, { tlsCert: "file" }],
  ["not a NATS server", new SyntaxError("JSON Parse error")],
  ["not a NATS server", failed("UNKNOWN", "unexpected response from server")],
  ["the server closed the connection", failed("CONNECTION_REFUSED", "", "ECONNRESET")],
  ["the server closed the connection", failed("UNKNOWN", "")],
  ["another reason", failed("UNKNOWN", "another reason")],
  ["an escape sequence \\x1b[31m", failed("UNKNOWN", "an escape sequence \x1b[31m")],
])("another attempt may help: %s", (why, error, given = {}) => {
  expect(told(error, given)).toEqual({ why, hint: expect.stringMatching(/^[A-Z].*\.$/) });
});

const denied = failed("AUTHORIZATION_VIOLATION");
/** The JWT of a user that expired one second after 1970 began. */
const expired = `e30.${Buffer.from('{"exp":1}').toString("base64url")}.c2ln`;
const at = "which expired at 1970-01-01T00:00:01Z by this machine's clock";

test.each<[string, Error, Given?]>([
  ["the credentials have expired", failed("AUTHENTICATION_EXPIRED")],
  ["the credentials have expired", failed("NATS_PROTOCOL_ERR", "'User Authentication Expired'")],
  [`the server does not accept these credentials, ${at}`, denied, { jwt: expired }],
  ["the server does not accept these credentials", denied, { nkey: "file" }],
  ["the server does not accept these credentials", denied, { user: "" }],
  ["the server does not accept these credentials", denied, { url: "nats://me:secret@host" }],
  ["the server requires credentials", denied],
  ["the server requires credentials", failed("BAD_AUTHENTICATION")],
  // The first row that fits counts.
  ["the server requires credentials", failed("AUTHORIZATION_VIOLATION", "tls alert", "ECONNRESET")],
])("no other attempt can help: %s", (why, error, given = {}) => {
  expect(told(error, given)).toEqual({ why, hint: expect.stringMatching(/^[A-Z].*\.$/), refused: true });
});
