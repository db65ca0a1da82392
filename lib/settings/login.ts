// What stands in a creds file or a seed file, however it was stored: with line ends of Windows, comments, and lines that say
// BEGIN and END.

/** What a text holds to log in with. */
export interface LoginText {
  readonly jwt: string | undefined;
  readonly seed: string | undefined;
}

/** The JWT and the nkey seed in a text, whatever surrounds them. */
export function loginIn(text: string): LoginText {
  return {
    jwt: /\beyJ[\w-]*\.[\w-]+\.[\w-]+/.exec(text)?.[0],
    seed: /\bS[ACNOUX][A-Z2-7]{56}\b/.exec(text)?.[0],
  };
}

/** The owner of a seed, by its second letter. */
const OWNERS: Readonly<Record<string, string>> = {
  A: "an account",
  C: "a cluster",
  N: "a server",
  O: "an operator",
  X: "a curve key",
};

/** What messages call what a file, or inline data, should hold. */
const WANTED = {
  creds: {
    what: "a user's JWT and seed",
    hint: "Use a .creds file as written by nsc, or --nkey for a seed alone.",
  },
  nkey: { what: "an nkey seed", hint: "Use a file with a seed, which starts with SU." },
} as const;

/** Why a text is no login of its kind: words that follow the name of the file, and what to do; undefined when it is one. */
export function loginFault(
  { jwt, seed }: LoginText,
  kind: keyof typeof WANTED,
): { readonly why: string; readonly hint: string } | undefined {
  const { what, hint } = WANTED[kind];
  const owner = OWNERS[seed?.[1] ?? ""];
  if (owner !== undefined) return { why: `contains the seed of ${owner}, not of a user`, hint };
  if (kind === "creds" && jwt === undefined && seed !== undefined)
    return { why: `does not contain ${what}: it has no JWT`, hint };
  if (seed !== undefined) return undefined;
  return { why: `does not contain ${what}${jwt === undefined ? "" : ": it has no seed"}`, hint };
}
