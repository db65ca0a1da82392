// Unfolds names by reading the short form character by character: an oracle that shares no code with the product.

/** The names of `web-[01-03,05],db-01,"a b"`, in order. */
export function unfold(text: string): string[] {
  const names: string[] = [];
  let rest = text;
  while (rest !== "") {
    if (rest.startsWith('"')) {
      let end = 1;
      while (end < rest.length && rest[end] !== '"') end += rest[end] === "\\" ? 2 : 1;
      names.push(JSON.parse(rest.slice(0, end + 1)));
      rest = rest.slice(end + 1);
    } else {
      let [end, depth] = [0, 0];
      for (; end < rest.length && (rest[end] !== "," || depth > 0); end++) {
        if (rest[end] === "[") depth++;
        if (rest[end] === "]") depth--;
      }
      names.push(...expand(rest.slice(0, end)));
      rest = rest.slice(end);
    }
    if (rest.startsWith(",")) rest = rest.slice(1);
    else if (rest !== "") throw new Error(`no comma before ${rest}`);
  }
  return names;
}

function expand(element: string): string[] {
  const open = element.indexOf("[");
  if (open < 0) return [element];
  const close = element.indexOf("]");
  const [head, tail] = [element.slice(0, open), element.slice(close + 1)];
  const names: string[] = [];
  for (const range of element.slice(open + 1, close).split(",")) {
    const [from = "", to = from] = range.split("-");
    if (from.length !== to.length || Number(from) > Number(to)) throw new Error(`range ${range}`);
    for (let n = Number(from); n <= Number(to); n++) names.push(head + String(n).padStart(from.length, "0") + tail);
  }
  return names;
}
