// Secrets of every kind that people put in the wrong place, and the test for repeating one.
import { nkeys } from "nats";

export interface Secret {
  readonly name: string;
  readonly text: string;
  /** Its name in messages. */
  readonly looks: string;
}

const seedOf = (pair: ReturnType<typeof nkeys.createUser>) => Buffer.from(pair.getSeed()).toString();
const seed = seedOf(nkeys.createUser());
const base64url = (text: string) => Buffer.from(text).toString("base64url");
const jwt = [
  base64url('{"typ":"JWT","alg":"ed25519-nkey"}'),
  base64url(`{"name":"ops","jti":"${crypto.randomUUID()}","nats":{"type":"user","version":2}}`),
  Buffer.from(crypto.getRandomValues(new Uint8Array(64))).toString("base64url"),
].join(".");
const creds = `-----BEGIN NATS USER JWT-----
${jwt}
------END NATS USER JWT------

************************* IMPORTANT *************************
NKEY Seed printed below can be used to sign and prove identity.

-----BEGIN USER NKEY SEED-----
${seed}
------END USER NKEY SEED------
`;
const lines = Array.from({ length: 4 }, () =>
  Buffer.from(crypto.getRandomValues(new Uint8Array(48))).toString("base64"),
);
const pem = (type: string) => `-----BEGIN ${type}-----\n${lines.join("\n")}\n-----END ${type}-----\n`;
const CREDS = "the content of a creds file";

export const SECRETS: readonly Secret[] = [
  { name: "a user's seed", text: seed, looks: "an nkey seed" },
  { name: "an account's seed", text: seedOf(nkeys.createAccount()), looks: "an nkey seed" },
  { name: "an operator's seed", text: seedOf(nkeys.createOperator()), looks: "an nkey seed" },
  { name: "a seed as host names are written", text: seed.toLowerCase(), looks: "an nkey seed" },
  { name: "a JWT", text: jwt, looks: "a JWT" },
  { name: "a creds file", text: creds, looks: CREDS },
  { name: "a creds file on one line", text: creds.replaceAll("\n", " "), looks: CREDS },
  { name: "a creds file of Windows", text: creds.replaceAll("\n", "\r\n"), looks: CREDS },
  { name: "a key", text: pem("PRIVATE KEY"), looks: "a PEM" },
  { name: "an RSA key", text: pem("RSA PRIVATE KEY"), looks: "a PEM" },
  { name: "a certificate", text: pem("CERTIFICATE"), looks: "a PEM" },
  { name: "inline data", text: `data:;base64,${Buffer.from(creds).toString("base64")}`, looks: "inline data" },
  { name: "creds in base64", text: Buffer.from(creds).toString("base64"), looks: "inline data" },
];

/** This many characters of a secret in a row count as repeating it. */
const WINDOW = 12;

/** A piece of a secret that a text repeats; undefined when it repeats none. */
export function leakedFrom({ text }: Secret, said: string): string | undefined {
  const heard = said.toLowerCase();
  // The words around it are not secret.
  const words = text
    .replace(/-{3,}[A-Z ]*-{3,}|\*{3,}.*\*{3,}|NKEY Seed printed below.*|^LS0tLS1CRUdJTi/g, " ")
    .toLowerCase();
  for (const word of words.split(/[^\w+/=-]+/))
    for (let at = 0; at + WINDOW <= word.length; at++) {
      const piece = word.slice(at, at + WINDOW);
      if (heard.includes(piece)) return piece;
    }
  return undefined;
}
