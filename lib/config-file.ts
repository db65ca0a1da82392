// The config file: YAML with a map `master:`, or the daemon's own file.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "./errors.ts";
import { nearest } from "./nearest.ts";
import { expand, readFileAndMode } from "./paths.ts";
import { splitUrls } from "./server-url.ts";
import type { Layer } from "./settings.ts";

type TextKey = "creds" | "nkey" | "tlsCa" | "tlsCert" | "tlsKey" | "jsDomain" | "jsPrefix" | "inboxPrefix";

const MASTER_KEYS: Record<string, TextKey | "urls" | "tlsFirst"> = {
  urls: "urls",
  creds_file: "creds",
  nkey_seed_file: "nkey",
  tls_cert: "tlsCert",
  tls_key: "tlsKey",
  tls_ca: "tlsCa",
  tls_first: "tlsFirst",
  js_domain: "jsDomain",
  js_prefix: "jsPrefix",
  inbox_prefix: "inboxPrefix",
};

/**
 * What a config file says: the map `master:`, or the daemon's own settings. A file that has a password or a token, and
 * that others can read, gets a warning.
 * @throws UserError when the file is missing or broken
 */
export async function readConfig(
  path: string,
  env: NodeJS.ProcessEnv,
  warn: (text: string) => void,
): Promise<Layer> {
  const { bytes, readableByOthers } = readFile(path);
  const layer = await parseConfig(bytes.toString(), path, env);
  if (readableByOthers && layer.urls?.some((url) => url.includes("@")))
    warn(`config file ${path} holds a secret and can be read by other users: chmod 600 it.`);
  return layer;
}

const failure = (path: string, why: string, hint = "Correct the file, or name another one with --config.") =>
  new UserError(`config file ${path}: ${why}`, hint);

function readFile(path: string) {
  try {
    return readFileAndMode(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw failure(
      path,
      code === "ENOENT" ? "there is no such file." : `it cannot be read (${code}).`,
      "Check the path after --config and the file's permissions.",
    );
  }
}

async function parseConfig(text: string, path: string, env: NodeJS.ProcessEnv): Promise<Layer> {
  // Loaded on use: without a config file nobody pays for the YAML parser.
  const { LineCounter, isMap, isScalar, parseDocument } = await import("yaml");
  const fail = (why: string, hint?: string) => failure(path, why, hint);
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const lineOf = (offset: number | undefined) => `line ${lineCounter.linePos(offset ?? 0).line}`;
  const broken = document.errors[0];
  if (broken) {
    const several = broken.code === "MULTIPLE_DOCS";
    throw fail(
      `${lineOf(broken.pos[0])}: ${several ? "a second document begins; one is expected." : broken.message.split("\n")[0]}`,
    );
  }
  if (document.contents === null) return {};
  if (!isMap(document.contents)) throw fail("line 1: expected a map such as `master:`.");

  const out: Layer = {};
  const string = (value: unknown, name: string, offset: number | undefined): string => {
    if (typeof value === "string") return value;
    throw fail(`${lineOf(offset)}: ${name} must be text.`);
  };
  const rangeOf = (node: unknown) => (node as { range?: [number, number, number] } | null)?.range?.[0];
  const master = document.contents.items.find((item) => isScalar(item.key) && item.key.value === "master");
  if (master) {
    if (!isMap(master.value)) throw fail(`${lineOf(rangeOf(master.key))}: master must be a map.`);
    // Plain values, so that an alias counts as what it stands for.
    const plain = (document.toJS() as { master: Record<string, unknown> }).master;
    for (const item of master.value.items) {
      const name = String(isScalar(item.key) ? item.key.value : item.key);
      const at = rangeOf(item.key);
      const field = Object.hasOwn(MASTER_KEYS, name) ? MASTER_KEYS[name] : undefined;
      if (!field) {
        throw fail(
          `${lineOf(at)}: unknown key "${name}" under master.${nearest(name, Object.keys(MASTER_KEYS))}`,
          `Known keys: ${Object.keys(MASTER_KEYS).join(", ")}.`,
        );
      }
      const value = plain[name];
      if (field === "tlsFirst") {
        if (typeof value !== "boolean") throw fail(`${lineOf(at)}: master.${name} must be true or false.`);
        out.tlsFirst = value;
      } else if (field !== "urls") out[field] = expand(string(value, `master.${name}`, at), env);
      else {
        const list = Array.isArray(value) ? value : [value];
        out.urls = list.flatMap((url) => splitUrls(string(url, "each of master.urls", at)));
        // Falling back to localhost would send a kill to another fleet than the file's author meant.
        if (out.urls.length === 0) throw fail(`${lineOf(at)}: master.urls is empty.`);
      }
    }
    return out;
  }
  // The daemon's own file: it has the server and the directory where the daemon keeps credentials.
  const own = (name: string) => {
    const value = document.get(name) as unknown;
    return value === undefined || value === null ? undefined : string(value, name, undefined);
  };
  const url = own("nats_url");
  const ca = own("nats_ca");
  const authDir = own("auth_dir");
  if (url) out.urls = splitUrls(url);
  if (ca) out.tlsCa = expand(ca, env);
  const creds = authDir && join(expand(authDir, env), "admin.creds");
  if (creds && existsSync(creds)) out.creds = creds;
  return out;
}
