// Values as YAML, written by the `yaml` package (kept, and exact on BigInt); loaded only when YAML is asked for.
import { Document, isCollection, type ScalarTag, visit } from "yaml";
import { escapeUnsafeYaml } from "../text.ts";
import { Extension, NumberText, Timestamp, type Value } from "./value.ts";

/** A number as readers of YAML 1.1 and of 1.2 take it: with an exponent, 1.1 wants a point and the sign. */
const numberText = (text: string): string =>
  text.replace(
    /^(-?\d+)(\.\d+)?[eE]([-+]?)/,
    (_, whole: string, fraction = ".0", sign: string) => `${whole}${fraction}e${sign || "+"}`,
  );

/** Numbers that stand as they were written: the package's own would round them, and drop the fraction of -0.0. */
const WRITTEN: ScalarTag = {
  tag: "tag:yaml.org,2002:float",
  default: true,
  identify: (value) => value instanceof NumberText,
  resolve: () => undefined,
  stringify: ({ value }) => numberText((value as NumberText).text),
};

/** Levels that are indented; in those below, indentation would be most of the text. */
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

/**
 * `value` as a YAML document. Every string is double-quoted: readers of YAML 1.1 and 1.2 then agree on `no`, `1_000`
 * and times, and the escapes of unsafe characters hold.
 */
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
  // Newlines between items are YAML's own; inside strings they are escaped already.
  return text.split("\n").map(escapeUnsafeYaml).join("\n");
}
