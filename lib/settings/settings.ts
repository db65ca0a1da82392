// Every setting of a connection: its sources, and its name in each. Whatever reads or shows settings uses this table.
import type { Fail } from "./files.ts";
import { splitUrls } from "./server-url.ts";

interface Setting {
  readonly kind: "urls" | "path" | "text" | "boolean" | "duration";
  readonly flag?: string;
  /** Environment variables; the first that is set counts. */
  readonly variables?: readonly string[];
  /** The key below `master:` in a config file. */
  readonly config?: string;
  /** The field in a context of the `nats` command line tool. */
  readonly context?: string;
  readonly default?: string;
  /** The first source that has a setting of a group decides on the whole group; a setting without a group is on its own. */
  readonly group?: "login" | "jetstream";
  /** A file that contains it must not be readable by other users, and its value is never shown. */
  readonly secret?: true;
  /** Not secret, but not shown either. */
  readonly hidden?: true;
}

/** In the order of `zester config`. A setting that no flag sets is shown by its name in contexts, and only when it is set. */
const TABLE = {
  urls: {
    kind: "urls",
    flag: "master",
    variables: ["NATS_URL"],
    config: "urls",
    context: "url",
    default: "nats://localhost:4222",
  },
  // One group: credentials that are named elsewhere replace those of the file, of whatever kind.
  creds: {
    kind: "path",
    flag: "creds",
    variables: ["NATS_CREDS"],
    config: "creds_file",
    context: "creds",
    group: "login",
  },
  nkey: {
    kind: "path",
    flag: "nkey",
    variables: ["NATS_NKEY"],
    config: "nkey_seed_file",
    context: "nkey",
    group: "login",
  },
  user: { kind: "text", variables: ["NATS_USER"], context: "user", group: "login" },
  password: { kind: "text", variables: ["NATS_PASSWORD"], context: "password", group: "login", secret: true },
  token: { kind: "text", variables: ["NATS_TOKEN"], context: "token", group: "login", secret: true },
  /** A user's JWT itself, and the seed that belongs to it. */
  jwt: { kind: "text", context: "user_jwt", group: "login", hidden: true },
  seed: { kind: "text", context: "user_seed", group: "login", secret: true },
  tlsCa: { kind: "path", flag: "nats-ca", variables: ["NATS_CA_FILE", "NATS_CA"], config: "tls_ca", context: "ca" },
  tlsCert: { kind: "path", flag: "tls-cert", variables: ["NATS_CERT"], config: "tls_cert", context: "cert" },
  tlsKey: { kind: "path", flag: "tls-key", variables: ["NATS_KEY"], config: "tls_key", context: "key" },
  /** TLS from the first byte, before the server says anything. */
  tlsFirst: { kind: "boolean", flag: "tls-first", config: "tls_first", context: "tls_first" },
  jsDomain: {
    kind: "text",
    flag: "js-domain",
    variables: ["NATS_JS_DOMAIN"],
    config: "js_domain",
    context: "jetstream_domain",
    group: "jetstream",
  },
  jsPrefix: {
    kind: "text",
    flag: "js-prefix",
    config: "js_prefix",
    context: "jetstream_api_prefix",
    group: "jetstream",
  },
  inboxPrefix: { kind: "text", flag: "inbox-prefix", config: "inbox_prefix", context: "inbox_prefix" },
  /** How long the server may stay silent, in ms. */
  timeoutMs: { kind: "duration", flag: "timeout", variables: ["ZESTER_TIMEOUT"], default: "5s" },
} as const satisfies Record<string, Setting>;

type Table = typeof TABLE;
export type Key = keyof Table;
type SettingValue = { urls: readonly string[]; path: string; text: string; boolean: boolean; duration: number };

export type Layer = { readonly [K in Key]?: SettingValue[Table[K]["kind"]] | undefined };

export interface Settings extends Omit<Layer, "urls" | "timeoutMs"> {
  readonly urls: readonly string[];
  readonly timeoutMs: number;
  /** What messages call the JetStream domain or the API prefix, if one is set. */
  readonly apiSetting?: string | undefined;
  /** If the login refers to secrets: reads the settings with their current values, for each login. */
  readonly renewed?: () => Promise<Settings>;
}

export type SettingFlags = {
  readonly [K in Key as Table[K] extends { flag: infer F extends string } ? F : never]?:
    | { urls: readonly string[]; path: string; text: string; boolean: boolean; duration: string }[Table[K]["kind"]]
    | undefined;
} & { readonly config?: string | undefined; readonly context?: string | undefined };

/** Settings, and the source of each that is set: `flag --creds`, `$NATS_CREDS`, a path … */
export interface ResolvedSettings {
  readonly settings: Settings;
  readonly sources: { readonly [K in Key]?: string };
  /** The config file, or the name of the context, that was read. */
  readonly file?: { readonly kind: "config" | "context"; readonly name: string; readonly source: string };
}

export const SETTINGS: { readonly [K in Key]: Setting } = TABLE;

export const KEYS = Object.keys(TABLE) as readonly Key[];

/** The settings of one kind of file, by their names there. */
export function keysIn(file: "config" | "context"): ReadonlyMap<string, Key> {
  return new Map(KEYS.map((key) => [SETTINGS[key][file] ?? "", key] as const).filter(([name]) => name));
}

/**
 * The value of a setting in a file. @param name what errors call it @param pathIn the path in a text
 * @throws UserError for a value of another kind, and for one that names no server: localhost would be another fleet
 */
export function fileValue(key: Key, value: unknown, name: string, fail: Fail, pathIn: (text: string) => string) {
  const { kind } = SETTINGS[key];
  if (kind === "boolean") {
    if (typeof value !== "boolean") throw fail(`${name} must be true or false.`);
    return value;
  }
  if (typeof value !== "string") throw fail(`${name} must be text.`);
  if (kind === "path") return pathIn(value);
  if (kind !== "urls") return value;
  const urls = splitUrls(value);
  if (urls.length === 0) throw fail(`${name} names no server.`);
  return urls;
}
