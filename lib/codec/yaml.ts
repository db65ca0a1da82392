// Values as YAML, by the package `yaml`. Loaded on use.
import { Document, isCollection, type ScalarTag, visit } from "yaml";
import { escapeUnsafeYaml } from "../text.ts";
import { Extension, NumberText, Timestamp, type Value } from "./value.ts";

/** For readers of YAML 1.1, a number with an exponent needs a point and a sign. */
const numberText = (text: string): string =>
  text.replace(
    /^(-?\d+)(\.\d+)?[eE]([-+]?)/,
    (_, whole: string, fraction = ".0", sign: string) => `${whole}${fraction}e${sign || "+"}`,
  );

/** Numbers as written: those of the package are rounded, and -0.0 loses its fraction. */
const WRITTEN: ScalarTag = {
  tag: "tag:yaml.org,2002:float",
  default: true,
  identify: (value) => value instanceof NumberText,
  resolve: () => undefined,
  stringify: ({ value }) => numberText((value as NumberText).text),
};

/** Deeper levels are not indented: that would be most of the text. */
const DEEPEST = 20;

function plainValue(value: Value): unknown {
  if (Array.isArray(value)) return value.map(plainValue);
  if (value instanceof Map) return new Map(Array.from(value, ([key, item]) => [key.toWellFormed(), plainValue(item)]));
  if (typeof value === "string") return value.toWellFormed();
  if (value instanceof Timestamp) return String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (Object.is(value, -0)) return new NumberText("-0.0");
  if (typeof value === "number" && Number.isFinite(value)) return new NumberText(String(value));
  if (value instanceof Extension) return { ext: value.type, data: Buffer.from(value.data).toString("base64") };
  return value;
}

/** With all strings in double quotes: readers of YAML 1.1 and 1.2 agree on `no`, `1_000` and times, and escapes work. */
export function toYaml(value: Value): string {
  const document = new Document(plainValue(value), { aliasDuplicateObjects: false, customTags: [WRITTEN] });
  visit(document, {
    Collection(_, node, path) {
      if (path.filter(isCollection).length < DEEPEST) return undefined;
      node.flow = true;
      return visit.SKIP;
    },
  });
  const text = document.toString({
    defaultStringType: "QUOTE_DOUBLE",
    defaultKeyType: "QUOTE_DOUBLE",
    doubleQuotedAsJSON: true,
    lineWidth: 0,
  });
  // Newlines in strings are escaped already.
  return text.split("\n").map(escapeUnsafeYaml).join("\n");
}
