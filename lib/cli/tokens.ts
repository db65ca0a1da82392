// argv → tokens: what is a flag, its value, or a word of its own. The same as `parseArgs` of node:util tells (with `tokens`,
// not strict), which takes as long to load as the rest of a command line to read.

/** What is known of the flags. */
export interface FlagNames {
  /** The name of the flag with this one-letter form. */
  nameOf(letter: string): string | undefined;
  /** True when the flag of this name takes a value. */
  takesValue(name: string): boolean;
}

/** A flag on the command line. */
export interface Flag {
  readonly kind: "option";
  readonly name: string;
  /** As it was typed: `-n`, `--limit`. */
  readonly rawName: string;
  readonly value: string | undefined;
  /** The value stands in the same word. */
  readonly inlineValue: boolean;
}

export type Token =
  | Flag
  | { readonly kind: "positional"; readonly value: string }
  | { readonly kind: "option-terminator" };

/** The tokens of `argv`, in order. A flag that is not known takes no value but after an equals sign. */
export function tokensOf(argv: readonly string[], known: FlagNames): Token[] {
  const tokens: Token[] = [];
  const words = [...argv];
  const nameOf = (letter: string) => known.nameOf(letter) ?? letter;
  const flag = (rawName: string, name: string, inline?: string) => {
    const value = inline ?? (known.takesValue(name) ? words.shift() : undefined);
    tokens.push({ kind: "option", name, rawName, value, inlineValue: inline !== undefined });
  };
  /** `-qn5` is `-q -n5`: what follows a flag with a value is the value. */
  const letters = (word: string) => {
    for (let i = 1; i < word.length; i++) {
      const letter = word.charAt(i);
      const rest = word.slice(i + 1);
      const takesRest = rest !== "" && known.takesValue(nameOf(letter));
      flag(`-${letter}`, nameOf(letter), takesRest ? rest : undefined);
      if (takesRest) return;
    }
  };
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === "--") {
      tokens.push({ kind: "option-terminator" });
      for (const value of words.splice(0)) tokens.push({ kind: "positional", value });
    } else if (word.startsWith("--")) {
      const equals = word.indexOf("=", 3);
      if (equals < 0) flag(word, word.slice(2));
      else flag(word.slice(0, equals), word.slice(2, equals), word.slice(equals + 1));
    } else if (word.startsWith("-") && word !== "-") letters(word);
    else tokens.push({ kind: "positional", value: word });
  }
  return tokens;
}
