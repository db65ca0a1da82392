// Where connection settings come from: flag, then environment, then a NATS context or a config file, then default.
import { join } from "node:path";
import { parseDuration } from "../duration.ts";
import { UserError } from "../errors.ts";
import { safe } from "../text.ts";
import { expand, home, lookUp } from "./files.ts";
import { parseUrl, splitUrls } from "./server-url.ts";

/** Everything that a connection needs. `creds`, `nkey` and the three of TLS are paths. */
export interface Settings {
  readonly urls: readonly string[];
  readonly creds?: string | undefined;
  readonly nkey?: string | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
  /** A user's JWT and the seed that belongs to it, themselves. */
  readonly jwt?: string | undefined;
  readonly seed?: string | undefined;
  readonly tlsCa?: string | undefined;
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  /** TLS from the first byte, before the server says anything. */
  readonly tlsFirst?: boolean | undefined;
  readonly jsDomain?: string | undefined;
  readonly jsPrefix?: string | undefined;
  readonly inboxPrefix?: string | undefined;
  /** How long the server may stay silent, in ms. */
  readonly timeoutMs: number;
}

/** What one source says. */
export type Layer = { -readonly [K in Exclude<keyof Settings, "urls" | "timeoutMs">]?: Settings[K] } & {
  urls?: string[] | undefined;
};

/** Settings, and for each that is set where it came from: `flag --creds`, `$NATS_CREDS`, a path … */
export interface Resolved {
  readonly settings: Settings;
  readonly sources: { readonly [K in keyof Settings]?: string };
  /** The config file, or the name of the context, that was read. */
  readonly file?: { readonly kind: "config" | "context"; readonly name: string; readonly source: string };
}

/** The connection flags, as strings, undefined when not given. */
export interface ConnectionFlags {
  readonly config?: string | undefined;
  readonly context?: string | undefined;
  readonly master?: string | undefined;
  readonly creds?: string | undefined;
  readonly nkey?: string | undefined;
  readonly "nats-ca"?: string | undefined;
  readonly "tls-cert"?: string | undefined;
  readonly "tls-key"?: string | undefined;
  readonly "tls-first"?: boolean | undefined;
  readonly "js-domain"?: string | undefined;
  readonly "js-prefix"?: string | undefined;
  readonly "inbox-prefix"?: string | undefined;
  readonly timeout?: string | undefined;
}

type Key = Exclude<keyof Settings, "timeoutMs">;
interface Source {
  readonly layer: Layer;
  readonly name: (key: Key) => string;
}

const PATHS: readonly Key[] = ["creds", "nkey", "tlsCa", "tlsCert", "tlsKey"];
const FLAGS: { readonly [K in Key]?: keyof ConnectionFlags } = {
  urls: "master",
  creds: "creds",
  nkey: "nkey",
  tlsCa: "nats-ca",
  tlsCert: "tls-cert",
  tlsKey: "tls-key",
  tlsFirst: "tls-first",
  jsDomain: "js-domain",
  jsPrefix: "js-prefix",
  inboxPrefix: "inbox-prefix",
};
const VARIABLES: { readonly [K in Key]?: readonly string[] } = {
  urls: ["NATS_URL"],
  creds: ["NATS_CREDS"],
  nkey: ["NATS_NKEY"],
  tlsCa: ["NATS_CA_FILE", "NATS_CA"],
  tlsCert: ["NATS_CERT"],
  tlsKey: ["NATS_KEY"],
  jsDomain: ["NATS_JS_DOMAIN"],
};
/** What belongs together: the first source that has one of a group decides on all of it. */
const GROUPS: readonly (readonly Key[])[] = [
  ["urls"],
  // Somebody who names other credentials does not mean the file's kind as well.
  ["creds", "nkey", "user", "password", "token", "jwt", "seed"],
  ["tlsCa"],
  ["tlsCert"],
  ["tlsKey"],
  ["tlsFirst"],
  ["jsDomain", "jsPrefix"],
  ["inboxPrefix"],
];

function fromFlags(flags: ConnectionFlags, env: NodeJS.ProcessEnv): Source {
  const layer: Record<string, unknown> = {};
  for (const [key, flag] of Object.entries(FLAGS)) {
    const value = flags[flag];
    if (value !== undefined && value !== false) layer[key] = fromText(key as Key, value, env);
  }
  return { layer, name: (key) => `flag --${FLAGS[key]}` };
}

function fromVariables(env: NodeJS.ProcessEnv): Source {
  const layer: Record<string, unknown> = {};
  const variable = (key: Key) => VARIABLES[key]?.find((name) => env[name]);
  for (const key of Object.keys(VARIABLES) as Key[]) {
    const name = variable(key);
    if (name) layer[key] = fromText(key, env[name] as string, env);
  }
  return { layer, name: (key) => `$${variable(key)}` };
}

function fromText(key: Key, value: string | true, env: NodeJS.ProcessEnv): unknown {
  if (value === true) return true;
  if (key === "urls") return splitUrls(value);
  return PATHS.includes(key) ? expand(value, env) : value;
}

type File = NonNullable<Resolved["file"]>;

/**
 * The one file that counts: what was named, else the first that exists. Never two, so that the credentials of one fleet
 * don't reach the servers of another.
 */
function chooseFile(flags: ConnectionFlags, env: NodeJS.ProcessEnv, serverNamed: boolean): File | undefined {
  if (flags.context !== undefined && flags.config !== undefined)
    throw new UserError("--context and --config exclude each other.", "Give one of them.");
  const named = (kind: File["kind"], value: string, source: string): File => {
    // Meant for --master; a message that says that it was not found would show the password in it.
    if (value.includes("://"))
      throw new UserError(
        `${source} holds a URL, not ${kind === "config" ? "the path of a config file" : "the name of a context"}.`,
        "Name a server with --master or NATS_URL.",
      );
    return { kind, name: kind === "config" ? expand(value, env) : value, source };
  };
  if (flags.context !== undefined) return named("context", flags.context, "flag --context");
  if (flags.config !== undefined) return named("config", flags.config, "flag --config");
  if (env.NATS_CONTEXT) return named("context", env.NATS_CONTEXT, "$NATS_CONTEXT");
  if (env.ZESTER_CONFIG) return named("config", env.ZESTER_CONFIG, "$ZESTER_CONFIG");
  const places = ["/etc/zester/master.yaml", join(home(env), ".zester/config.yaml")];
  const path = places.find((candidate) => lookUp(candidate) === true);
  if (path !== undefined) return { kind: "config", name: path, source: "default" };
  // What is merely selected gives no password to a server that somebody named otherwise.
  if (serverNamed) return undefined;
  const { selectedContext } = require("./context.ts") as typeof import("./context.ts");
  const name = selectedContext(env);
  if (name !== undefined) return { kind: "context", name, source: "selected" };
  for (const candidate of places) {
    const found = lookUp(candidate);
    // It may name a server: going to localhost instead could reach another fleet.
    if (found !== false)
      throw new UserError(
        `whether there is a config file ${candidate} cannot be found out (${found}).`,
        "Check the permissions of its folder, or name a server with --master, or a file with --config.",
      );
  }
  return undefined;
}

async function readFile(file: File, env: NodeJS.ProcessEnv, warn: (text: string) => void): Promise<Source> {
  if (file.kind === "config") {
    const { readConfig } = await import("./config-file.ts");
    return { layer: await readConfig(file.name, env, warn), name: () => file.name };
  }
  const { readContext } = await import("./context.ts");
  try {
    return { layer: readContext(file.name, env, warn), name: () => `context "${file.name}"` };
  } catch (error) {
    if (file.source !== "selected" || !(error instanceof UserError)) throw error;
    throw new UserError(
      `the selected ${error.message.replace(/^there is no /, "context does not exist: there is no ")}`,
      "Choose another with `nats context select` or --context, or name a server with --master.",
    );
  }
}

/** @throws UserError when what was given names no server, or what is not one: localhost was not meant then */
function checkUrls({ urls }: Settings, { urls: source }: Resolved["sources"], file: File | undefined): void {
  if (urls.length === 0)
    throw new UserError(`${source} names no server.`, "Write it like nats://host:4222 or tls://host:4222.");
  if (source === "default" && file?.kind === "config")
    throw new UserError(
      `config file ${file.name} names no server.`,
      "Add `urls:` under `master:` (in the daemon's own file `nats_url:`), or name a server with --master.",
    );
  for (const [i, url] of urls.entries())
    parseUrl(
      url,
      `${urls.length === 1 ? "the address" : `address ${i + 1} of ${urls.length}`} from ${source}`,
    );
}

/** @throws UserError when a part of a subject would change what the subject means */
function checkSubjects(settings: Settings, sources: Resolved["sources"]): void {
  for (const [key, valid, what] of [
    ["jsDomain", /^[^\s.*>\p{Cc}]+$/u, "a JetStream domain: one word without dots"],
    ["jsPrefix", /^[^\s.*>\p{Cc}]+(\.[^\s.*>\p{Cc}]+)*$/u, "a JetStream API prefix, such as $JS.hub.API"],
    ["inboxPrefix", /^[^\s.*>\p{Cc}]+(\.[^\s.*>\p{Cc}]+)*$/u, "an inbox prefix, such as _INBOX_ops"],
  ] as const) {
    const value = settings[key];
    if (value !== undefined && !valid.test(value))
      throw new UserError(`${sources[key]}: "${safe(value).slice(0, 100)}" is not ${what}.`, "Correct it.");
  }
  if (settings.jsDomain !== undefined && settings.jsPrefix !== undefined) {
    throw new UserError(
      `a JetStream domain (${sources.jsDomain}) and an API prefix (${sources.jsPrefix}) exclude each other.`,
      "Give one of them.",
    );
  }
}

/** The settings that hold for this call, with their sources. @throws as loadSettings */
export async function resolveSettings(
  flags: ConnectionFlags,
  env: NodeJS.ProcessEnv,
  warn: (text: string) => void,
): Promise<Resolved> {
  const byVariable = flags.timeout === undefined && Boolean(env.ZESTER_TIMEOUT);
  const timeoutMs = byVariable
    ? parseDuration(env.ZESTER_TIMEOUT as string, "ZESTER_TIMEOUT")
    : parseDuration(flags.timeout ?? "5s", "--timeout");
  const given = [fromFlags(flags, env), fromVariables(env)];
  const file = chooseFile(
    flags,
    env,
    given.some(({ layer }) => layer.urls),
  );
  if (file) {
    const source = await readFile(file, env, warn);
    // A context on the command line was typed for this call; a variable may be a leftover that points elsewhere.
    given.splice(flags.context === undefined ? 2 : 1, 0, source);
  }
  const out: Record<string, unknown> = { urls: ["nats://localhost:4222"], timeoutMs };
  const sources: Record<string, string> = {
    urls: "default",
    timeoutMs: flags.timeout !== undefined ? "flag --timeout" : byVariable ? "$ZESTER_TIMEOUT" : "default",
  };
  for (const group of GROUPS) {
    const source = given.find(({ layer }) => group.some((key) => layer[key] !== undefined));
    if (!source) continue;
    for (const key of group) {
      if (source.layer[key] === undefined) continue;
      out[key] = source.layer[key];
      sources[key] = source.name(key);
    }
  }
  const settings = out as unknown as Settings;
  checkUrls(settings, sources, file);
  checkSubjects(settings, sources);
  return { settings, sources, ...(file && { file }) };
}

/**
 * The settings that hold for this call.
 * @throws UserError for a bad flag, or a config file or context that is missing or broken
 */
export async function loadSettings(
  flags: ConnectionFlags,
  env: NodeJS.ProcessEnv,
  warn: (text: string) => void,
): Promise<Settings> {
  return (await resolveSettings(flags, env, warn)).settings;
}
