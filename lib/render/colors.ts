// States coloured by meaning.
const CODES: Record<string, number> = {
  complete: 32,
  running: 36,
  pending: 34,
  claimed: 34,
  partial: 33,
  timeout: 33,
  canceled: 35,
  failed: 31,
  unreadable: 31,
};

/** Colours text by the state that it names; undefined when there is nothing to colour. */
export function paintState(state: string, color: boolean): ((text: string) => string) | undefined {
  if (!color) return undefined;
  const code = Object.hasOwn(CODES, state) ? CODES[state] : undefined;
  return code !== undefined ? (text) => `\x1b[${code}m${text}\x1b[0m` : undefined;
}
