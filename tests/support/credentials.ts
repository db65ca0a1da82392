// Keys and certificates for tests: decentralized JWTs signed with nkeys, and a CA made with openssl.
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nkeys } from "nats";
import { tempDir } from "./harness.ts";

type KeyPair = ReturnType<typeof nkeys.createUser>;
const base64url = (data: string | Uint8Array) => Buffer.from(data).toString("base64url");

/**
 * A NATS JWT (v2 claims).
 * @param subject a key pair, or its public key
 * @param more other claims, such as `exp` in seconds since 1970 (0: never)
 */
export function jwt(
  issuer: KeyPair,
  subject: KeyPair | string,
  name: string,
  nats: Record<string, unknown>,
  { exp = 0, nbf = 0, aud }: { exp?: number; nbf?: number; aud?: string } = {},
): string {
  const claims = {
    jti: "test",
    iat: Math.floor(Date.now() / 1000),
    iss: issuer.getPublicKey(),
    name,
    sub: typeof subject === "string" ? subject : subject.getPublicKey(),
    ...(exp && { exp }),
    ...(nbf && { nbf }),
    ...(aud && { aud }),
    nats: { version: 2, ...nats },
  };
  const body = `${base64url('{"typ":"JWT","alg":"ed25519-nkey"}')}.${base64url(JSON.stringify(claims))}`;
  return `${body}.${base64url(issuer.sign(Buffer.from(body)))}`;
}

/** Writes a file that only its owner can read. */
export function secretFile(name: string, text: string): string {
  const path = join(tempDir(), name);
  writeFileSync(path, text);
  chmodSync(path, 0o600);
  return path;
}

/** Writes contexts of the nats command, and the selected one, into a folder for $XDG_CONFIG_HOME. @returns the folder */
export function contextsIn(home: string, contexts: Record<string, unknown>, selected?: string): string {
  const dir = join(home, "nats/context");
  mkdirSync(dir, { recursive: true });
  for (const [name, fields] of Object.entries(contexts)) {
    const text = typeof fields === "string" ? fields : JSON.stringify(fields);
    writeFileSync(join(dir, `${name}.json`), text, { mode: 0o600 });
  }
  if (selected !== undefined) writeFileSync(join(home, "nats/context.txt"), `${selected}\n`);
  return home;
}

const NO_LIMITS = {
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

export interface UserClaims {
  /** When they expire, in seconds since 1970. */
  readonly exp?: number;
  /** When they become valid. */
  readonly nbf?: number;
  /** The only subjects that the user may publish on; undefined for any. */
  readonly pub?: readonly string[];
  readonly sub?: readonly string[];
  /** The largest message that the user may send, in bytes. */
  readonly payload?: number;
  /** True for a bearer token: the JWT is enough without the seed. */
  readonly bearer?: boolean;
  /** The user's key pair; undefined for a new user. */
  readonly user?: KeyPair;
}

/** An operator with one account that has JetStream. */
export interface Operator {
  /** The server's configuration, including revocations. */
  readonly config: string;
  /** The `.creds` file of a new user. */
  creds(claims?: UserClaims): string;
  /** Revokes a user. */
  revoke(creds: string): void;
}

export function operator(): Operator {
  const op = nkeys.createOperator();
  const account = nkeys.createAccount();
  const system = nkeys.createAccount();
  const users = new Map<string, string>();
  const revocations: Record<string, number> = {};
  // Always the same: a server that reads its configuration again refuses another operator.
  const operatorJwt = jwt(op, op, "test", { type: "operator" });
  const claims = { type: "account", limits: NO_LIMITS, default_permissions: { pub: {}, sub: {} } };
  return {
    get config() {
      const accountJwt = jwt(op, account, "fleet", { ...claims, revocations });
      const limits = { ...NO_LIMITS, disk_storage: 0, mem_storage: 0 };
      const systemJwt = jwt(op, system, "SYS", { ...claims, limits });
      // JetStream wants a system account when there is an operator.
      return `system_account: ${system.getPublicKey()}\noperator: ${operatorJwt}\nresolver: MEMORY\nresolver_preload {
  ${account.getPublicKey()}: ${accountJwt}
  ${system.getPublicKey()}: ${systemJwt}
}`;
    },
    creds({ exp = 0, nbf = 0, pub, sub, payload = -1, bearer, user = nkeys.createUser() } = {}) {
      const rights = (allow?: readonly string[]) => (allow ? { allow } : {});
      const limits = { subs: -1, data: -1, payload, ...(bearer && { bearer_token: true }) };
      const token = jwt(
        account,
        user,
        "ops",
        { type: "user", pub: rights(pub), sub: rights(sub), ...limits },
        { exp, nbf },
      );
      const seed = Buffer.from(user.getSeed()).toString();
      const path = secretFile(
        "user.creds",
        `-----BEGIN NATS USER JWT-----\n${token}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`,
      );
      users.set(path, user.getPublicKey());
      return path;
    },
    revoke(creds) {
      // Every JWT of that user that was issued up to this second.
      revocations[users.get(creds) as string] = Math.floor(Date.now() / 1000);
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

/** A CA; certificates for an address and localhost, for another host, and for a client. */
export function certificates(address = "127.0.0.1"): Tls {
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
    server: issue("server", `IP:${address},DNS:localhost`),
    elsewhere: issue("elsewhere", "DNS:elsewhere.example"),
    client: issue("client", "DNS:client"),
  };
}
