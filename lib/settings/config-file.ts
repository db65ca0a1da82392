// The config file: YAML with a map `master:`, or the daemon's own file.
import { join } from "node:path";
import { UserError } from "../errors.ts";
import { didYouMean, nearest, nearestName } from "../nearest.ts";
import { decodeText, existsAt, expand, type Fail, faultOf, readFile } from "./files.ts";
import { fileValue, type Key, keysIn, type Layer } from "./settings.ts";

const MASTER_KEYS = keysIn("config");

interface ConfigLayer extends Layer {
  /** It is the daemon's own file, without an address: the daemon then uses its default. */
  readonly isWithoutAddress?: true;
}

/** The defaults of the daemon. */
export const DAEMON = {
  url: "tls://nats:4222",
  authDir: "/var/lib/zester/auth",
  ca: "/var/lib/zester/auth/nats-ca.crt",
} as const;

/** The settings of `master:`, or of the daemon. Warns of a secret that others can read. @throws UserError for a bad file */
export async function readConfig(
  path: string,
  env: NodeJS.ProcessEnv,
  warn: (text: string) => void,
  withinMs = 5_000,
): Promise<ConfigLayer> {
  const { bytes, readableByOthers } = await readFile(path, withinMs).catch((error) => {
    throw new UserError(
      `cannot read config file ${path}: ${faultOf(error)}.`,
      "Check the path and the file's permissions.",
    );
  });
  const fail: Fail = (why, hint = "Correct the file, or use another with --config.") =>
    new UserError(`config file ${path}: ${why}`, hint);
  const file = await parseYaml(decodeText(bytes), fail);
  checkSpelling(file);
  const layer = Object.hasOwn(file.values, "master") ? fromMaster(file, env) : fromOwn(file, env);
  if (readableByOthers && layer.urls?.some((url) => url.includes("@")))
    warn(`config file ${path} contains a secret and other users can read it: chmod 600 it.`);
  return layer;
}

const INVALID = "invalid YAML.";
/** Errors of the YAML parser. The message of those that are only invalid repeats a part of the file, which may be a secret. */
const YAML_ERRORS: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: "more than one document.",
  RESOURCE_EXHAUSTION: "the values are nested too deeply.",
  UNEXPECTED_TOKEN: INVALID,
  BAD_DIRECTIVE: INVALID,
  BAD_DQ_ESCAPE: INVALID,
  TAG_RESOLVE_FAILED: INVALID,
};

/** For each key of a map an error that names its line. */
type KeyFaults = ReadonlyMap<string, Fail>;

interface ConfigText {
  readonly values: Record<string, unknown>;
  /** The error for an unusual key, such as an alias. */
  readonly fail: Fail;
  readonly keys: KeyFaults;
  /** The keys in `master:`. */
  readonly masterKeys: KeyFaults;
}

/** The file's map with aliases resolved. */
async function parseYaml(text: string, fail: Fail): Promise<ConfigText> {
  // Loaded on use: start-up without a config file does not pay for the YAML parser.
  const { LineCounter, isMap, parseDocument } = await import("yaml");
  const lineCounter = new LineCounter();
  const failAt =
    (offset = 0): Fail =>
    (why, hint) =>
      fail(`line ${lineCounter.linePos(offset).line}: ${why}`, hint);
  const keysOf = (map: unknown): KeyFaults =>
    new Map(
      (isMap(map) ? map.items : []).map(({ key }) => {
        const { value, range } = key as { value?: unknown; range?: [number, number, number] };
        return [String(value), failAt(range?.[0])];
      }),
    );
  try {
    const document = parseDocument(text, { lineCounter, prettyErrors: false, logLevel: "error" });
    const [broken] = document.errors;
    if (broken) throw failAt(broken.pos[0])(YAML_ERRORS[broken.code] ?? broken.message.split("\n")[0] ?? "");
    if (document.contents !== null && !isMap(document.contents)) throw failAt()("expected a map such as `master:`.");
    return {
      values: document.toJS() ?? {},
      fail,
      keys: keysOf(document.contents),
      masterKeys: keysOf(document.get("master")),
    };
  } catch (error) {
    if (error instanceof UserError) throw error;
    // The parser lists most errors and throws these: a ReferenceError about aliases, a RangeError from deep nesting.
    throw fail(
      error instanceof ReferenceError
        ? "an alias (*name) has no anchor, or the aliases repeat each other too often."
        : "invalid YAML: the values may be nested too deeply.",
    );
  }
}

/** The texts in a text, a list or a map. */
function directTexts(value: unknown): string[] {
  const parts = typeof value === "object" && value !== null ? Object.values(value) : [value];
  return parts.filter((part) => typeof part === "string");
}

/** The keys of the daemon's own file that zester uses. It has many more, and the daemon ignores unknown ones. */
const OWN_KEYS = ["nats_url", "nats_ca", "auth_dir"] as const;
const ADDRESS_KEYS = ["master", "nats_url"] as const;
/** Addresses for peels. */
const FOR_PEELS = "nats_advertise_urls";

/**
 * @throws UserError for a misspelled key: ignored, it would lead to another server or user. In a file without an address this
 *   includes keys that are similar to those of an address, or whose value contains one
 */
function checkSpelling({ values, keys }: ConfigText): void {
  const bare = (key: string) => key.toLowerCase().replace(/[^a-z0-9]/g, "");
  const hasAddress = ADDRESS_KEYS.some((key) => Object.hasOwn(values, key));
  const looksLikeAddress = (key: string) =>
    key !== FOR_PEELS && directTexts(values[key]).some((text) => /\b(nats|tls):\/\//i.test(text))
      ? "nats_url"
      : undefined;
  for (const [key, fail] of keys) {
    if (key === "master" || (OWN_KEYS as readonly string[]).includes(key)) continue;
    const meant =
      ["master", ...OWN_KEYS].find((name) => bare(name) === bare(key)) ??
      (hasAddress ? undefined : (nearestName(key, ADDRESS_KEYS) ?? looksLikeAddress(key)));
    if (meant !== undefined) throw fail(`unknown key ${shownKey(key)}.${didYouMean(meant)}`);
  }
}

/** A key for messages: one that is not a plain word may be a URL in the wrong place. */
const shownKey = (key: string) => (/^[\w-]{1,60}$/.test(key) ? `"${key}"` : "(not a plain word)");

function fromMaster(
  { values: { master }, fail: failFile, keys, masterKeys }: ConfigText,
  env: NodeJS.ProcessEnv,
): Layer {
  const failMaster = keys.get("master") ?? failFile;
  if (typeof master !== "object" || master === null || Array.isArray(master)) throw failMaster("master must be a map.");
  const out: { [K in Key]?: unknown } = {};
  for (const [name, value] of Object.entries(master)) {
    const fail = masterKeys.get(name) ?? failMaster;
    const key = MASTER_KEYS.get(name);
    if (key === undefined) {
      const known = [...MASTER_KEYS.keys()];
      throw fail(
        `unknown key ${shownKey(name)} under master.${nearest(name, known)}`,
        `Known keys: ${known.join(", ")}.`,
      );
    }
    const valueIn = (one: unknown, its: string) => fileValue(key, one, its, fail, (path) => expand(path, env));
    if (key !== "urls" || !Array.isArray(value)) out[key] = valueIn(value, `master.${name}`);
    else if (value.length === 0) throw fail("master.urls is empty.");
    else out[key] = value.flatMap((url) => valueIn(url, "an entry of master.urls"));
  }
  return out as Layer;
}

/** The daemon's own file has the server and the directory of the daemon's credentials. */
function fromOwn({ values, keys, fail }: ConfigText, env: NodeJS.ProcessEnv): ConfigLayer {
  const own = (key: Key, name: (typeof OWN_KEYS)[number]) =>
    fileValue(key, values[name] ?? "", name, keys.get(name) ?? fail, (path) => expand(path, env));
  const urls = Object.hasOwn(values, "nats_url") ? { urls: own("urls", "nats_url") } : { isWithoutAddress: true };
  const tlsCa = own("tlsCa", "nats_ca") || (existsAt(DAEMON.ca) === true && DAEMON.ca);
  const authDir = own("creds", "auth_dir");
  const creds = join(String(authDir || DAEMON.authDir), "admin.creds");
  const found = existsAt(creds);
  // In a directory that the file names, a file whose existence is unknown counts: reading it fails.
  const counts = authDir ? found !== false : found === true;
  return { ...urls, ...(tlsCa && { tlsCa }), ...(counts && { creds }) } as ConfigLayer;
}
