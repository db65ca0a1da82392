// Keys and certificates for tests: decentralized JWTs signed with nkeys, and a CA made with openssl.
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nkeys } from "nats";
import { tempDir } from "./harness.ts";

type KeyPair = ReturnType<typeof nkeys.createUser>;
const base64url = (data: string | Uint8Array) => Buffer.from(data).toString("base64url");

/** A NATS JWT (v2 claims). `exp` in seconds since 1970, 0: never. */
function jwt(
  issuer: KeyPair,
  subject: KeyPair,
  name: string,
  nats: Record<string, unknown>,
  exp = 0,
): string {
  const claims = {
    jti: "test",
    iat: Math.floor(Date.now() / 1000),
    iss: issuer.getPublicKey(),
    name,
    sub: subject.getPublicKey(),
    ...(exp && { exp }),
    nats: { version: 2, ...nats },
  };
  const body = `${base64url('{"typ":"JWT","alg":"ed25519-nkey"}')}.${base64url(JSON.stringify(claims))}`;
  return `${body}.${base64url(issuer.sign(Buffer.from(body)))}`;
}

/** Writes a file that only its owner reads. */
export function secretFile(name: string, text: string): string {
  const path = join(tempDir(), name);
  writeFileSync(path, text);
  chmodSync(path, 0o600);
  return path;
}

/** An operator with one account that has JetStream: the server's configuration, and `.creds` files of its users. */
export function operator(): { config: string; creds(exp?: number): string } {
  const op = nkeys.createOperator();
  const account = nkeys.createAccount();
  const system = nkeys.createAccount();
  const limits = {
    subs: -1,
    data: -1,
    payload: -1,
    imports: -1,
    exports: -1,
    wildcards: true,
    conn: -1,
    leaf: -1,
    mem_storage: -1,
    disk_storage: -1,
    streams: -1,
    consumer: -1,
  };
  const accountJwt = jwt(op, account, "fleet", {
    type: "account",
    limits,
    default_permissions: { pub: {}, sub: {} },
  });
  const systemJwt = jwt(op, system, "SYS", {
    type: "account",
    limits: { ...limits, disk_storage: 0, mem_storage: 0 },
    default_permissions: { pub: {}, sub: {} },
  });
  return {
    // JetStream wants a system account when there is an operator.
    config: `system_account: ${system.getPublicKey()}\noperator: ${jwt(op, op, "test", { type: "operator" })}\nresolver: MEMORY\nresolver_preload {
  ${account.getPublicKey()}: ${accountJwt}
  ${system.getPublicKey()}: ${systemJwt}
}`,
    creds(exp) {
      const user = nkeys.createUser();
      const token = jwt(
        account,
        user,
        "ops",
        { type: "user", pub: {}, sub: {}, subs: -1, data: -1, payload: -1 },
        exp,
      );
      const seed = Buffer.from(user.getSeed()).toString();
      return secretFile(
        "user.creds",
        `-----BEGIN NATS USER JWT-----\n${token}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`,
      );
    },
  };
}

export interface Tls {
  readonly ca: string;
  /** Paths without extension: `.crt` and `.key`. */
  readonly server: string;
  readonly elsewhere: string;
  readonly client: string;
}

/** A CA; certificates for 127.0.0.1 and localhost, for another host, and for a client. */
export function certificates(): Tls {
  const dir = tempDir();
  const openssl = (...args: string[]) => {
    const done = Bun.spawnSync(["openssl", ...args], { stderr: "pipe" });
    if (done.exitCode !== 0) throw new Error(`openssl ${args[0]}: ${done.stderr}`);
  };
  const at = (name: string) => join(dir, name);
  const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  openssl("req", "-x509", ...ec, "-subj", "/CN=Test CA", "-keyout", at("ca.key"), "-out", at("ca.crt"));
  const issue = (name: string, san: string) => {
    openssl(
      "req",
      "-x509",
      ...ec,
      "-subj",
      `/CN=${name}`,
      "-addext",
      `subjectAltName=${san}`,
      "-addext",
      "basicConstraints=critical,CA:FALSE",
      "-CA",
      at("ca.crt"),
      "-CAkey",
      at("ca.key"),
      "-keyout",
      at(`${name}.key`),
      "-out",
      at(`${name}.crt`),
    );
    chmodSync(at(`${name}.key`), 0o600);
    return at(name);
  };
  return {
    ca: at("ca.crt"),
    server: issue("server", "IP:127.0.0.1,DNS:localhost"),
    elsewhere: issue("elsewhere", "DNS:elsewhere.example"),
    client: issue("client", "DNS:client"),
  };
}
