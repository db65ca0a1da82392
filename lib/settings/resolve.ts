// What holds for this call: flag, then environment, then a NATS context or a config file, then default.
import { join } from "node:path";
import { parseDuration } from "../duration.ts";
import { UserError } from "../errors.ts";
import { secretIn } from "../secrets.ts";
import { safe } from "../text.ts";
import { existsAt, expand, home } from "./files.ts";
import { maskUrl, parseUrl, splitUrls } from "./server-url.ts";
import {
  KEYS,
  type Key,
  type Layer,
  type ResolvedSettings,
  SETTINGS,
  type SettingFlags,
  type Settings,
} from "./settings.ts";

/** One place that settings come from. */
interface SettingSource {
  has(key: Key): boolean;
  /** @throws UserError for a text that is no such value */
  value(key: Key): unknown;
  /** What messages call it. */
  name(key: Key): string;
}

/** A setting's value as users write it. */
function fromText(key: Key, text: string, source: string, env: NodeJS.ProcessEnv): unknown {
  const { kind } = SETTINGS[key];
  if (kind === "urls") return splitUrls(text);
  if (kind === "path") return expand(text, env);
  return kind === "duration" ? parseDuration(text, source) : text;
}

/** A source of texts. */
function ofTexts(
  textOf: (key: Key) => string | readonly string[] | boolean | undefined,
  name: (key: Key) => string,
  env: NodeJS.ProcessEnv,
): SettingSource {
  const value = (key: Key) => {
    const text = textOf(key);
    if (Array.isArray(text)) return text.flatMap(splitUrls);
    return typeof text === "string" ? fromText(key, text, name(key).replace(/^flag |^\$/, ""), env) : text;
  };
  return { has: (key) => Boolean(textOf(key)), value, name };
}

function fromFlags(flags: SettingFlags, env: NodeJS.ProcessEnv): SettingSource {
  const flag = (key: Key) => SETTINGS[key].flag as keyof SettingFlags;
  return ofTexts(
    (key) => flags[flag(key)],
    (key) => `flag --${flag(key)}`,
    env,
  );
}

function fromVariables(env: NodeJS.ProcessEnv): SettingSource {
  // As for the nats command: a user without a password is a token, and a password without a user is nothing.
  const isToken = env.NATS_USER && !env.NATS_PASSWORD && !env.NATS_TOKEN;
  const variable = (key: Key): string => {
    if (key === "password" && !env.NATS_USER) return "";
    if (isToken && (key === "user" || key === "token")) return key === "token" ? "NATS_USER" : "";
    return SETTINGS[key].variables?.find((name) => env[name]) ?? "";
  };
  return ofTexts(
    (key) => env[variable(key)],
    (key) => `$${variable(key)}`,
    env,
  );
}

const fromDefaults = (env: NodeJS.ProcessEnv) =>
  ofTexts(
    (key) => SETTINGS[key].default,
    () => "default",
    env,
  );

const ofFile = (layer: Layer, name: string): SettingSource => ({
  has: (key) => layer[key] !== undefined,
  value: (key) => layer[key],
  name: () => name,
});

type File = NonNullable<ResolvedSettings["file"]>;

/** @throws UserError for a value with what looks like a secret, which does not repeat it */
function checkNoSecret(value: string, source: string, what: string): void {
  const kind = secretIn(value);
  if (kind !== undefined)
    throw new UserError(
      `${source} contains ${kind} instead of ${what}.`,
      "Keep secrets in a file that only you can read, and name that file.",
    );
}

/**
 * The one file that counts: what was named, else the first that exists. Never two, so that the credentials of one fleet
 * don't reach the servers of another.
 */
async function chooseFile(
  flags: SettingFlags,
  env: NodeJS.ProcessEnv,
  serverNamed: boolean,
  withinMs: number,
): Promise<File | undefined> {
  if (flags.context !== undefined && flags.config !== undefined)
    throw new UserError("--context and --config cannot be used together.", "Use one of them.");
  const named = (kind: File["kind"], value: string, source: string): File => {
    const what = kind === "config" ? "the path of a config file" : "the name of a context";
    checkNoSecret(value, source, what);
    // Meant for --master; a message that says that it was not found would show the password in it.
    if (value.includes("://"))
      throw new UserError(`${source} contains a URL instead of ${what}.`, "Name a server with --master or NATS_URL.");
    return { kind, name: kind === "config" ? expand(value, env) : value, source };
  };
  if (flags.context !== undefined) return named("context", flags.context, "flag --context");
  if (flags.config !== undefined) return named("config", flags.config, "flag --config");
  if (env.NATS_CONTEXT) return named("context", env.NATS_CONTEXT, "$NATS_CONTEXT");
  if (env.ZESTER_CONFIG) return named("config", env.ZESTER_CONFIG, "$ZESTER_CONFIG");
  const places = ["/etc/zester/master.yaml", join(home(env), ".zester/config.yaml")];
  const path = places.find((candidate) => existsAt(candidate) === true);
  if (path !== undefined) return { kind: "config", name: path, source: "default" };
  // What is merely selected gives no password to a server that was named otherwise.
  if (serverNamed) return undefined;
  const { selectedContext } = await import("./context.ts");
  const name = await selectedContext(env, withinMs);
  if (name !== undefined) {
    checkNoSecret(name, "the selected NATS context", "a name");
    return { kind: "context", name, source: "selected" };
  }
  for (const candidate of places) {
    const found = existsAt(candidate);
    // It may name a server: going to localhost instead could reach another fleet.
    if (found !== false)
      throw new UserError(
        `cannot tell whether config file ${candidate} exists: ${found}.`,
        "Check the permissions of its folder, or use --master or --config.",
      );
  }
  return undefined;
}

/** What a call is told beside the settings: `warn` what may be wrong, `note` what was assumed. */
type Tell = Readonly<Record<"warn" | "note", (text: string) => void>>;

/** @param serverNamed something that wins over the file names a server */
async function readSource(
  file: File,
  env: NodeJS.ProcessEnv,
  { warn, note }: Tell,
  serverNamed: boolean,
  withinMs: number,
): Promise<SettingSource> {
  if (file.kind === "config") {
    const { DAEMON, readConfig } = await import("./config-file.ts");
    const layer = await readConfig(file.name, env, warn, withinMs);
    if (!layer.isWithoutAddress || serverNamed) return ofFile(layer, file.name);
    note(`config file ${file.name} names no server: using the default of the master, ${DAEMON.url}.`);
    return ofFile({ ...layer, urls: [DAEMON.url] }, file.name);
  }
  const { readContext } = await import("./context.ts");
  try {
    return ofFile(await readContext(file.name, env, warn, withinMs), `context "${file.name}"`);
  } catch (error) {
    if (file.source !== "selected" || !(error instanceof UserError)) throw error;
    throw new UserError(
      `the selected context is not usable: ${error.message}`,
      "Choose another with `nats context select` or --context, or name a server with --master.",
    );
  }
}

/** @throws UserError when what was given names no server, or what is not one: localhost was not meant then */
function checkUrls({ urls }: Settings, { urls: source }: ResolvedSettings["sources"], file: File | undefined): void {
  if (urls.length === 0)
    throw new UserError(`${source} names no server.`, "Use a form like nats://host:4222 or tls://host:4222.");
  if (source === "default" && file?.kind === "config")
    throw new UserError(
      `config file ${file.name} names no server.`,
      "Add `urls:` under `master:` (in the daemon's own file `nats_url:`), or name a server with --master.",
    );
  for (const [i, url] of urls.entries())
    parseUrl(url, `${urls.length === 1 ? "" : ` (${i + 1} of ${urls.length})`} from ${source}`);
}

/** @throws UserError when a part of a subject would change what the subject means */
function checkSubjects(settings: Settings, sources: ResolvedSettings["sources"]): void {
  for (const [key, valid, what, form] of [
    ["jsDomain", /^[^\s.*>\p{Cc}]+$/u, "JetStream domain", "one word without dots"],
    ["jsPrefix", /^[^\s.*>\p{Cc}]+(\.[^\s.*>\p{Cc}]+)*$/u, "JetStream API prefix", "a form like $JS.hub.API"],
    ["inboxPrefix", /^[^\s.*>\p{Cc}]+(\.[^\s.*>\p{Cc}]+)*$/u, "inbox prefix", "a form like _INBOX_ops"],
  ] as const) {
    const value = settings[key];
    if (value !== undefined && !valid.test(value))
      throw new UserError(`invalid ${what} "${safe(value).slice(0, 100)}" for ${sources[key]}.`, `Use ${form}.`);
  }
  if (settings.jsDomain !== undefined && settings.jsPrefix !== undefined) {
    throw new UserError(
      `a JetStream domain (${sources.jsDomain}) and an API prefix (${sources.jsPrefix}) cannot be used together.`,
      "Use one of them.",
    );
  }
}

/** What messages call a setting that is given: its flag, its variable, or its name in the file. */
function settingName(key: Key, { sources, file }: Pick<ResolvedSettings, "sources" | "file">): string {
  const source = sources[key] ?? "";
  const name = file && SETTINGS[key][file.kind];
  return /^(flag |\$)/.test(source) || name === undefined ? source : `${name} of ${source}`;
}

/** @throws UserError for a secret in the place of a path or a name, which the messages and `zester config` would repeat */
function checkPlaces(settings: Settings, given: Pick<ResolvedSettings, "sources" | "file">): void {
  for (const key of KEYS) {
    const { kind, group } = SETTINGS[key];
    const value = settings[key];
    const name = settingName(key, given);
    if (kind === "urls") checkNoSecret(settings.urls.map(maskUrl).join(" "), name, "the address of a server");
    else if (typeof value !== "string") continue;
    else if (kind === "path") checkNoSecret(value, name, "the path of a file");
    // Of a login the rest is what it should be; a user's name is not refused for its looks.
    else if (group !== "login") checkNoSecret(value, name, "a name");
  }
}

/** The ways to log in, of which one counts. A token goes beside any of them. */
const LOGINS = ["creds", "nkey", "user", "jwt"] as const satisfies readonly Key[];

/** @throws UserError for two logins, of which one would be left aside in silence */
function checkLogin(settings: Settings, given: Pick<ResolvedSettings, "sources" | "file">): void {
  const [first, second] = LOGINS.filter((key) => settings[key] !== undefined).map((key) => settingName(key, given));
  if (second !== undefined) throw new UserError(`${first} and ${second} cannot be used together.`, "Use one of them.");
}

/** What belongs together: the first source that has one setting of a group decides on all of it. */
const GROUPS = [...Map.groupBy(KEYS, (key) => SETTINGS[key].group ?? key).values()];

/**
 * The settings that hold for this call, with their sources.
 * @throws UserError for a bad flag, or a config file or context that is missing or broken
 */
export async function resolveSettings(
  flags: SettingFlags,
  env: NodeJS.ProcessEnv,
  warn: (text: string) => void,
  note = warn,
): Promise<ResolvedSettings> {
  const given = [fromFlags(flags, env), fromVariables(env)];
  const defaults = fromDefaults(env);
  const withinMs = [...given, defaults].find(({ has }) => has("timeoutMs"))?.value("timeoutMs") as number;
  const serverNamed = given.some(({ has }) => has("urls"));
  const file = await chooseFile(flags, env, serverNamed, withinMs);
  if (file) {
    // A context on the command line was typed for this call; a variable may be a leftover that points elsewhere.
    const before = flags.context === undefined ? 2 : 1;
    given.splice(before, 0, await readSource(file, env, { warn, note }, serverNamed, withinMs));
  }
  given.push(defaults);
  const out: { [K in Key]?: unknown } = {};
  const sources: { [K in Key]?: string } = {};
  for (const group of GROUPS) {
    const source = given.find(({ has }) => group.some(has));
    for (const key of group) {
      if (!source?.has(key)) continue;
      out[key] = source.value(key);
      sources[key] = source.name(key);
    }
  }
  const named = { sources, ...(file && { file }) };
  const picked = out as Settings;
  checkLogin(picked, named);
  const settings = await resolveLogin(picked, sources, named, env);
  checkPlaces(settings, named);
  checkUrls(settings, sources, file);
  checkSubjects(settings, sources);
  return { settings, ...named };
}

/** The settings with what their login refers to; references.ts is loaded only for one that may be a reference. */
async function resolveLogin(
  settings: Settings,
  sources: { [K in Key]?: string },
  named: Pick<ResolvedSettings, "sources" | "file">,
  env: NodeJS.ProcessEnv,
): Promise<Settings> {
  const { creds, nkey, password, token, jwt, seed, timeoutMs } = settings;
  if (![creds, nkey, password, token, jwt, seed].some((text) => text?.includes(":"))) return settings;
  const { followReferences } = await import("./references.ts");
  const following = { nameOf: (key: Key) => settingName(key, named), env, withinMs: timeoutMs };
  const renewed = () => followReferences(settings, following);
  const followed = { ...(await renewed()), renewed };
  const from = sources.creds ?? sources.nkey;
  for (const key of ["jwt", "seed"] as const)
    if (followed[key] !== undefined && from !== undefined) sources[key] ??= from;
  return followed;
}
