// Checks certificates and keys in files, because the library only reports that TLS failed.
import { createPrivateKey, X509Certificate } from "node:crypto";

export type PemKind = "certificate" | "key";

const CERTIFICATES = /-{5}BEGIN (?:TRUSTED |X509 )?CERTIFICATE-{5}.*?-{5}END [A-Z0-9 ]+-{5}/gs;

const BEGINS = {
  certificate: /-{5}BEGIN (?:TRUSTED |X509 )?CERTIFICATE-{5}/,
  key: /-{5}BEGIN [A-Z ]*PRIVATE KEY-{5}/,
} as const;

/** What a file contains instead of the expected kind. */
const OTHERS: readonly (readonly [RegExp, string])[] = [
  [/-{5}BEGIN (NEW )?CERTIFICATE REQUEST-{5}/, "it is a request for a certificate (CSR)"],
  [/-{5}BEGIN [A-Z ]*PUBLIC KEY-{5}/, "it is a public key"],
  [BEGINS.key, "it is a key"],
  [BEGINS.certificate, "it is a certificate"],
  [/-{5}BEGIN /, "it is another kind of PEM"],
  [/[\0\ufffd]/, "it is binary, such as DER or PKCS #12"],
];

/** Why a text is not usable as `kind`, to follow the name of its file in a message; undefined when it looks right. */
export function pemFault(text: string, kind: PemKind): string | undefined {
  if (kind === "key" && /-{5}BEGIN ENCRYPTED PRIVATE KEY-{5}|^Proc-Type: 4,ENCRYPTED/m.test(text))
    return "contains an encrypted key: zester does not ask for passphrases";
  if (BEGINS[kind].test(text)) return undefined;
  const other = OTHERS.find(([pattern]) => pattern.test(text))?.[1];
  return `contains no PEM ${kind}${other === undefined ? "" : `: ${other}`}`;
}

function certificatesIn(text: string): X509Certificate[] {
  return (text.match(CERTIFICATES) ?? []).flatMap((pem) => {
    try {
      return new X509Certificate(pem);
    } catch {
      return [];
    }
  });
}

/** True when a text has no readable certificate, or is no readable key. */
export function isDamaged(text: string, kind: PemKind): boolean {
  if (kind === "certificate") return certificatesIn(text).length === 0;
  try {
    createPrivateKey(text);
    return false;
  } catch {
    return true;
  }
}

export const holdsCa = (text: string): boolean => certificatesIn(text).some(({ ca }) => ca);
