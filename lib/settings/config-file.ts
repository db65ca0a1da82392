// The config file: YAML with a map `master:`, or the daemon's own file.
import { join } from "node:path";
import { UserError } from "../errors.ts";
import { didYouMean, nearest, nearestName } from "../nearest.ts";
import { decodeText, existsAt, expand, type Fail, faultOf, readFile } from "./files.ts";
import { fileValue, type Key, keysIn, type Layer } from "./settings.ts";

const MASTER_KEYS = keysIn("config");

export interface ConfigLayer extends Layer {
  /** It is the daemon's own file, without an address: the daemon then uses its default. */
  readonly isWithoutAddress?: true;
}

/** The defaults of the daemon. */
export const DAEMON = {
  url: "tls://nats:4222",
  authDir: "/var/lib/zester/auth",
  ca: "/var/lib/zester/auth/nats-ca.crt",
} as const;

/**
 * The settings of a config file: of its map `master:`, or of the daemon. A file with a password or a token that other users can
 * read gets a warning.
 * @param withinMs how long reading may take
 * @throws UserError when the file is missing or broken
 */
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
  const layer = await parseConfig(decodeText(bytes), path, env);
  if (readableByOthers && layer.urls?.some((url) => url.includes("@")))
    warn(`config file ${path} contains a secret and other users can read it: chmod 600 it.`);
  return layer;
}

const configFileError = (path: string, why: string, hint = "Correct the file, or use another with --config.") =>
  new UserError(`config file ${path}: ${why}`, hint);

/** Messages of the YAML parser that repeat a part of the file, which may be a secret. */
const REPEATING = new Set(["UNEXPECTED_TOKEN", "BAD_DIRECTIVE", "BAD_DQ_ESCAPE", "TAG_RESOLVE_FAILED"]);

/** The file's map with aliases resolved, and the line of each key in it and in `master:`. */
async function parseYaml(text: string, fail: Fail) {
  // Loaded on use: start-up without a config file does not pay for the YAML parser.
  const { LineCounter, isMap, parseDocument } = await import("yaml");
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, logLevel: "error" });
  const lineOf = (offset: number | undefined) => `line ${lineCounter.linePos(offset ?? 0).line}`;
  const broken = document.errors[0];
  if (broken) {
    const why =
      broken.code === "MULTIPLE_DOCS"
        ? "more than one document."
        : broken.code === "RESOURCE_EXHAUSTION"
          ? "the values are nested too deeply."
          : REPEATING.has(broken.code)
            ? "invalid YAML."
            : broken.message.split("\n")[0];
    throw fail(`${lineOf(broken.pos[0])}: ${why}`);
  }
  if (document.contents !== null && !isMap(document.contents)) throw fail("line 1: expected a map such as `master:`.");
  const lines = (map: unknown) =>
    new Map(
      isMap(map)
        ? map.items.map(({ key }) => {
            const { value, range } = key as { value?: unknown; range?: [number, number, number] };
            return [String(value), lineOf(range?.[0])] as const;
          })
        : [],
    );
  return {
    values: (document.toJS() ?? {}) as Record<string, unknown>,
    lines: lines(document.contents),
    masterLines: lines(document.get("master")),
  };
}

/** A text, or those that stand directly in a list or a map. */
function directTexts(value: unknown): string[] {
  const parts = typeof value === "object" && value !== null ? Object.values(value) : [value];
  return parts.filter((part) => typeof part === "string");
}

/** The keys of the daemon's own file that count here; it has many more, and ignores those that it does not know. */
const OWN_KEYS = ["nats_url", "nats_ca", "auth_dir"] as const;
const ADDRESS_KEYS = ["master", "nats_url"] as const;
/** Addresses that the daemon hands to peels. */
const FOR_PEELS = "nats_advertise_urls";

/**
 * @throws UserError for a key of ours in another spelling: ignored, it would lead to another server or user. In a file without
 * an address, what is merely near one of its keys, or holds an address, is such a key as well.
 */
function checkSpelling(values: Record<string, unknown>, lines: ReadonlyMap<string, string>, fail: Fail): void {
  const bare = (key: string) => key.toLowerCase().replace(/[^a-z0-9]/g, "");
  const hasAddress = ADDRESS_KEYS.some((key) => Object.hasOwn(values, key));
  const looksLikeAddress = (key: string) =>
    key !== FOR_PEELS && directTexts(values[key]).some((text) => /\b(nats|tls):\/\//i.test(text))
      ? "nats_url"
      : undefined;
  for (const [key, line] of lines) {
    if (key === "master" || (OWN_KEYS as readonly string[]).includes(key)) continue;
    const meant =
      ["master", ...OWN_KEYS].find((name) => bare(name) === bare(key)) ??
      (hasAddress ? undefined : (nearestName(key, ADDRESS_KEYS) ?? looksLikeAddress(key)));
    if (meant !== undefined) throw fail(`${line}: unknown key ${shownKey(key)}.${didYouMean(meant)}`);
  }
}

/** A key as messages may show it: what is not a plain word may be a URL in the wrong place. */
const shownKey = (key: string) => (/^[\w-]{1,60}$/.test(key) ? `"${key}"` : "(not a plain word)");

async function parseConfig(text: string, path: string, env: NodeJS.ProcessEnv): Promise<ConfigLayer> {
  const fail: Fail = (why, hint) => configFileError(path, why, hint);
  let parsed: Awaited<ReturnType<typeof parseYaml>>;
  try {
    parsed = await parseYaml(text, fail);
  } catch (error) {
    if (error instanceof UserError) throw error;
    // The parser lists most errors and throws these: a ReferenceError about aliases, a RangeError from deep nesting.
    throw fail(
      error instanceof ReferenceError
        ? "an alias (*name) has no anchor, or the aliases repeat each other too often."
        : "invalid YAML: the values may be nested too deeply.",
    );
  }
  const { values, lines, masterLines } = parsed;
  checkSpelling(values, lines, fail);
  return Object.hasOwn(values, "master")
    ? fromMaster(values.master, masterLines, lines.get("master"), env, fail)
    : fromOwn(values, lines, env, fail);
}

function fromMaster(
  master: unknown,
  lines: ReadonlyMap<string, string>,
  ownLine: string | undefined,
  env: NodeJS.ProcessEnv,
  fail: Fail,
): Layer {
  if (typeof master !== "object" || master === null || Array.isArray(master))
    throw fail(`${ownLine}: master must be a map.`);
  const out: { [K in Key]?: unknown } = {};
  for (const [name, value] of Object.entries(master)) {
    const line = lines.get(name) ?? ownLine;
    const key = MASTER_KEYS.get(name);
    if (key === undefined) {
      const known = [...MASTER_KEYS.keys()];
      throw fail(
        `${line}: unknown key ${shownKey(name)} under master.${nearest(name, known)}`,
        `Known keys: ${known.join(", ")}.`,
      );
    }
    const failHere: Fail = (why) => fail(`${line}: ${why}`);
    const valueIn = (one: unknown, its: string) => fileValue(key, one, its, failHere, (path) => expand(path, env));
    if (key !== "urls" || !Array.isArray(value)) out[key] = valueIn(value, `master.${name}`);
    else if (value.length === 0) throw failHere("master.urls is empty.");
    else out[key] = value.flatMap((url) => valueIn(url, "an entry of master.urls"));
  }
  return out as Layer;
}

/** The daemon's own file: it has the server and the directory where the daemon keeps credentials. */
function fromOwn(
  values: Record<string, unknown>,
  lines: ReadonlyMap<string, string>,
  env: NodeJS.ProcessEnv,
  fail: Fail,
): ConfigLayer {
  const own = (key: Key, name: (typeof OWN_KEYS)[number]) =>
    fileValue(
      key,
      values[name] ?? "",
      name,
      (why) => fail(`${lines.get(name)}: ${why}`),
      (path) => expand(path, env),
    );
  const hasAddress = Object.hasOwn(values, "nats_url");
  const urls = hasAddress ? { urls: own("urls", "nats_url") } : { isWithoutAddress: true };
  const tlsCa = own("tlsCa", "nats_ca") || (existsAt(DAEMON.ca) === true && DAEMON.ca);
  const authDir = own("creds", "auth_dir");
  const creds = join(String(authDir || DAEMON.authDir), "admin.creds");
  const found = existsAt(creds);
  // In a directory that the file names, a file whose existence is unknown counts: reading it fails.
  const counts = authDir ? found !== false : found === true;
  return { ...urls, ...(tlsCa && { tlsCa }), ...(counts && { creds }) } as ConfigLayer;
}
