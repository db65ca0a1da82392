// Where connection settings come from: flag, then environment, then config file, then default.
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { parseDuration } from "./duration.ts";
import { UserError } from "./errors.ts";
import { nearest } from "./nearest.ts";

/** Everything that a connection needs. File settings are paths. */
export interface Settings {
  readonly urls: readonly string[];
  readonly creds?: string | undefined;
  readonly nkey?: string | undefined;
  readonly tlsCa?: string | undefined;
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  /** How long the server may stay silent, in ms. */
  readonly timeoutMs: number;
}

/** The connection flags, as strings, undefined when not given. */
export interface ConnectionFlags {
  readonly config?: string | undefined;
  readonly master?: string | undefined;
  readonly creds?: string | undefined;
  readonly nkey?: string | undefined;
  readonly "nats-ca"?: string | undefined;
  readonly "tls-cert"?: string | undefined;
  readonly "tls-key"?: string | undefined;
  readonly timeout?: string | undefined;
}

interface FileSettings {
  urls?: string[] | undefined;
  creds?: string | undefined;
  nkey?: string | undefined;
  tlsCa?: string | undefined;
  tlsCert?: string | undefined;
  tlsKey?: string | undefined;
}

const MASTER_KEYS: Record<string, keyof FileSettings> = {
  urls: "urls",
  creds_file: "creds",
  nkey_seed_file: "nkey",
  tls_cert: "tlsCert",
  tls_key: "tlsKey",
  tls_ca: "tlsCa",
};

/** HOME is empty in some containers; then the user data base knows, or nobody does. */
function home(env: NodeJS.ProcessEnv): string {
  if (env.HOME) return env.HOME;
  try {
    return homedir();
  } catch {
    return "/";
  }
}

function expand(path: string, env: NodeJS.ProcessEnv): string {
  return path === "~" || path.startsWith("~/") ? join(home(env), path.slice(1)) : path;
}

const splitUrls = (text: string) =>
  text
    .split(",")
    .map((url) => url.trim())
    .filter(Boolean);

async function readConfig(path: string, env: NodeJS.ProcessEnv): Promise<FileSettings> {
  // Loaded on use: without a config file nobody pays for the YAML parser.
  const { LineCounter, isMap, isScalar, parseDocument } = await import("yaml");
  const fail = (why: string, hint = "Correct the file, or name another one with --config.") =>
    new UserError(`config file ${path}: ${why}`, hint);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw fail(
      code === "ENOENT" ? "there is no such file." : `it cannot be read (${code}).`,
      "Check the path after --config and the file's permissions.",
    );
  }
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

  const out: FileSettings = {};
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
      if (field !== "urls") out[field] = expand(string(value, `master.${name}`, at), env);
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

/**
 * The settings that hold for this call.
 * @throws UserError for a bad flag, or a config file that is missing or broken
 */
export async function loadSettings(flags: ConnectionFlags, env: NodeJS.ProcessEnv): Promise<Settings> {
  const timeoutMs =
    flags.timeout === undefined && env.ZESTER_TIMEOUT
      ? parseDuration(env.ZESTER_TIMEOUT, "ZESTER_TIMEOUT")
      : parseDuration(flags.timeout ?? "5s", "--timeout");
  const named = flags.config ?? (env.ZESTER_CONFIG || undefined);
  const path =
    named !== undefined
      ? expand(named, env)
      : ["/etc/zester/master.yaml", join(home(env), ".zester/config.yaml")].find((candidate) =>
          existsSync(candidate),
        );
  const file = path === undefined ? {} : await readConfig(path, env);
  const pick = (flag: string | undefined, ...names: string[]) => {
    const value = flag ?? names.map((name) => env[name]).find(Boolean);
    return value === undefined ? undefined : expand(value, env);
  };
  const given = flags.master ?? env.NATS_URL;
  const urls = given ? splitUrls(given) : (file.urls ?? []);
  // Somebody who names other credentials on the command line does not mean the file's kind as well.
  const creds = pick(flags.creds, ...(flags.nkey ? [] : ["NATS_CREDS"]));
  const nkey = pick(flags.nkey, ...(creds ? [] : ["NATS_NKEY"]));
  return {
    urls: urls.length > 0 ? urls : ["nats://localhost:4222"],
    creds: creds ?? (nkey ? undefined : file.creds),
    nkey: nkey ?? (creds ? undefined : file.nkey),
    tlsCa: pick(flags["nats-ca"], "NATS_CA_FILE", "NATS_CA") ?? file.tlsCa,
    tlsCert: pick(flags["tls-cert"], "NATS_CERT") ?? file.tlsCert,
    tlsKey: pick(flags["tls-key"], "NATS_KEY") ?? file.tlsKey,
    timeoutMs,
  };
}
