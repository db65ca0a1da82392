// NATS subjects with wildcards.

/** True when every subject that `subject` stands for also matches `pattern`. */
export function covers(pattern: string, subject: string): boolean {
  const wanted = pattern.split(".");
  const tokens = subject.split(".");
  for (const [i, token] of wanted.entries()) {
    if (token === ">") return tokens.length > i;
    const other = tokens[i];
    if (other === undefined || other === ">" || (token !== "*" && token !== other)) return false;
  }
  return wanted.length === tokens.length;
}
