// Finds text that looks like a secret: people put the content of a file where its path belongs.

/**
 * Every kind in one expression, so that a text is read once; the name of the matching group is the key in SECRET_NAMES. A PEM is
 * hidden up to its end, or all that follows: its line ends may have become spaces or `\n`. Shortened words end in `…`. Host names
 * lose their capitals. A public key, such as the ID of a server, is no secret: it matches first, so that no part of it counts as a
 * seed.
 */
const SECRET = new RegExp(
  [
    /(?<public>\b[ACNOUX][A-Z2-7]{55}\b)/,
    /(?<pem>(?<!-)-{3,8}\s{0,2}BEGIN (?<creds>NATS USER JWT|USER NKEY SEED)?.*?(?:-{3,8}\s{0,2}END [A-Z0-9 ]+-{3,8}|$))/,
    /(?<data>\bdata:[\w/+.;=-]*,[\w+/=%]+|LS0tLS1CRUdJTi[\w+/=]*)/,
    /(?<jwt>eyJ\w{5,}(?:[-.]{1,3}\w+)*|eyJ\w*(?=…))/,
    /(?<seed>S[ANOCUX](?:[A-Z2-7]{24,56}|[A-Z2-7]{8,}(?=…))|s[anocux](?:[a-z2-7]{40,56}|(?=[a-z]{0,56}\d)[a-z2-7]{8,}(?=…)))/,
  ]
    .map(({ source }) => source)
    .join("|"),
  "gs",
);

const SECRET_NAMES = {
  creds: "the content of a creds file",
  pem: "a PEM",
  data: "inline data",
  jwt: "a JWT",
  seed: "an nkey seed",
} as const;

type Groups = Record<string, string | undefined>;

/** Undefined for a public key. */
function kindOfSecret(groups: Groups): string | undefined {
  if (groups.public !== undefined) return undefined;
  const kinds = Object.keys(SECRET_NAMES) as (keyof typeof SECRET_NAMES)[];
  return SECRET_NAMES[kinds.find((kind) => groups[kind] !== undefined) ?? "data"];
}

/** The kind of the first secret in a text, such as `an nkey seed`; undefined for none. */
export function secretIn(text: string): string | undefined {
  for (const { groups } of text.matchAll(SECRET)) {
    const name = kindOfSecret(groups as Groups);
    if (name !== undefined) return name;
  }
  return undefined;
}

/** A text with the kind of each secret in its place. */
export const hideSecrets = (text: string): string =>
  text.replace(SECRET, (found, ...args) => {
    const name = kindOfSecret(args.at(-1) as Groups);
    return name === undefined ? found : `[hidden: ${name}]`;
  });
