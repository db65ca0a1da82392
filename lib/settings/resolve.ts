// The settings of this call: from a flag, then the environment, then a NATS context or a config file, then the default.
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

/** A source of settings: its name in messages, and the value there; undefined for none. */
type SettingSource = (key: Key) => { readonly name: string; value(): unknown } | undefined;

type NamedText = readonly [name: string, text: string | readonly string[] | boolean | undefined];

/** A source of settings as users write them. `value` throws a UserError for an invalid text. */
const fromTexts =
  (env: NodeJS.ProcessEnv, textOf: (key: Key) => NamedText): SettingSource =>
  (key) => {
    const [name, text] = textOf(key);
    if (!text) return undefined;
    const { kind } = SETTINGS[key];
    const value = () => {
      if (kind === "urls") return [text].flat().flatMap((urls) => splitUrls(String(urls)));
      if (kind === "path") return expand(String(text), env);
      return kind === "duration" ? parseDuration(String(text), name.replace(/^flag |^\$/, "")) : text;
    };
    return { name, value };
  };

function inFlags(flags: SettingFlags, key: Key): NamedText {
  const flag = SETTINGS[key].flag as keyof SettingFlags;
  return [`flag --${flag}`, flags[flag]];
}

/** As for the nats command, a user without a password is a token, and a password without a user does not count. */
function inVariables(env: NodeJS.ProcessEnv, key: Key): NamedText {
  const isToken = env.NATS_USER && !env.NATS_PASSWORD && !env.NATS_TOKEN;
  const ofKey = SETTINGS[key].variables ?? [];
  const ignored = key === "password" ? !env.NATS_USER : isToken && key === "user";
  const variables = isToken && key === "token" ? ["NATS_USER"] : ofKey;
  const name = ignored ? undefined : variables.find((variable) => env[variable]);
  return [`$${name}`, name && env[name]];
}

const fromFile =
  (layer: Layer, name: string): SettingSource =>
  (key) =>
    layer[key] === undefined ? undefined : { name, value: () => layer[key] };

type File = NonNullable<ResolvedSettings["file"]>;
/** The source of settings, for messages about them. */
type Origin = Pick<ResolvedSettings, "sources" | "file">;

/** @throws UserError for a value with what looks like a secret, which does not repeat it */
function checkNoSecret(value: string, source: string, what: string): void {
  const kind = secretIn(value);
  if (kind !== undefined)
    throw new UserError(
      `${source} contains ${kind} instead of ${what}.`,
      "Keep secrets in a file that only you can read, and name that file.",
    );
}

/** The named file, else the first that exists. Never two: credentials of one fleet must not reach another. */
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
    // The user meant --master. An error that the file was not found would show the password.
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
  // A server that was named elsewhere gets no password of a context that is only selected.
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

/** @param note undefined when a server is named elsewhere: a daemon's file without an address then adds none */
async function readSource(
  file: File,
  env: NodeJS.ProcessEnv,
  withinMs: number,
  warn: (text: string) => void,
  note: ((text: string) => void) | undefined,
): Promise<SettingSource> {
  if (file.kind === "config") {
    const { DAEMON, readConfig } = await import("./config-file.ts");
    const layer = await readConfig(file.name, env, warn, withinMs);
    if (!layer.isWithoutAddress || !note) return fromFile(layer, file.name);
    note(`config file ${file.name} names no server: using the default of the master, ${DAEMON.url}.`);
    return fromFile({ ...layer, urls: [DAEMON.url] }, file.name);
  }
  const { readContext } = await import("./context.ts");
  try {
    return fromFile(await readContext(file.name, env, warn, withinMs), `context "${file.name}"`);
  } catch (error) {
    if (file.source !== "selected" || !(error instanceof UserError)) throw error;
    throw new UserError(
      `the selected context is not usable: ${error.message}`,
      "Choose another with `nats context select` or --context, or name a server with --master.",
    );
  }
}

/** @throws UserError when no server is named, or a URL is invalid */
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

/** @throws UserError when a setting that becomes part of a subject would change the meaning of the subject */
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
  if (settings.jsDomain !== undefined && settings.jsPrefix !== undefined)
    throw new UserError(
      `a JetStream domain (${sources.jsDomain}) and an API prefix (${sources.jsPrefix}) cannot be used together.`,
      "Use one of them.",
    );
}

/** What messages call a setting: its flag, its variable, or its name in the file. */
function settingName(key: Key, { sources, file }: Origin): string {
  const source = sources[key] ?? "";
  const name = file && SETTINGS[key][file.kind];
  return /^(flag |\$)/.test(source) || name === undefined ? source : `${name} of ${source}`;
}

/** @throws UserError for a secret in the place of a path or a name, which the messages and `zester config` would repeat */
function checkPlaces(settings: Settings, origin: Origin): void {
  for (const key of KEYS) {
    const { kind, group } = SETTINGS[key];
    const value = settings[key];
    const name = settingName(key, origin);
    if (kind === "urls") checkNoSecret(settings.urls.map(maskUrl).join(" "), name, "the address of a server");
    else if (typeof value !== "string") continue;
    else if (kind === "path") checkNoSecret(value, name, "the path of a file");
    // A login is meant to be secret, and the name of a user may look like anything.
    else if (group !== "login") checkNoSecret(value, name, "a name");
  }
}

/** The ways to log in; one of them counts. A token is sent in addition to any of them. */
const LOGINS = ["creds", "nkey", "user", "jwt"] as const satisfies readonly Key[];

/** @throws UserError for two logins */
function checkLogin(settings: Settings, origin: Origin): void {
  const [first, second] = LOGINS.filter((key) => settings[key] !== undefined).map((key) => settingName(key, origin));
  if (second !== undefined) throw new UserError(`${first} and ${second} cannot be used together.`, "Use one of them.");
}

/** The first source that has one setting of a group decides on the whole group. */
const GROUPS = [...Map.groupBy(KEYS, (key) => SETTINGS[key].group ?? key).values()];

/** The settings of this call, with their sources. @throws UserError for an invalid value, file or context */
export async function resolveSettings(
  flags: SettingFlags,
  env: NodeJS.ProcessEnv,
  warn: (text: string) => void,
  note = warn,
): Promise<ResolvedSettings> {
  const given = [fromTexts(env, (key) => inFlags(flags, key)), fromTexts(env, (key) => inVariables(env, key))];
  const defaults = fromTexts(env, (key) => ["default", SETTINGS[key].default]);
  const withinMs = [...given, defaults]
    .map((source) => source("timeoutMs"))
    .find(Boolean)
    ?.value() as number;
  const serverNamed = given.some((source) => source("urls"));
  const file = await chooseFile(flags, env, serverNamed, withinMs);
  if (file) {
    // A context on the command line was typed for this call; a variable may be a leftover that points elsewhere.
    const before = flags.context === undefined ? 2 : 1;
    given.splice(before, 0, await readSource(file, env, withinMs, warn, serverNamed ? undefined : note));
  }
  given.push(defaults);
  const out: { [K in Key]?: unknown } = {};
  const sources: { [K in Key]?: string } = {};
  for (const group of GROUPS) {
    const source = given.find((one) => group.some((key) => one(key)));
    for (const key of group) {
      const found = source?.(key);
      if (!found) continue;
      out[key] = found.value();
      sources[key] = found.name;
    }
  }
  const origin = { sources, ...(file && { file }) };
  const picked = out as Settings;
  checkLogin(picked, origin);
  const settings = await resolveLogin(picked, sources, origin, env);
  checkPlaces(settings, origin);
  checkUrls(settings, sources, file);
  checkSubjects(settings, sources);
  const place = (["jsDomain", "jsPrefix"] as const).find((key) => settings[key] !== undefined);
  return { settings: { ...settings, apiSetting: place && settingName(place, origin) }, ...origin };
}

/** The settings with the values that their login refers to; login.ts is loaded only for a possible reference. */
async function resolveLogin(
  settings: Settings,
  sources: { [K in Key]?: string },
  origin: Origin,
  env: NodeJS.ProcessEnv,
): Promise<Settings> {
  const { creds, nkey, password, token, jwt, seed } = settings;
  if (![creds, nkey, password, token, jwt, seed].some((text) => text?.includes(":"))) return settings;
  const { followReferences } = await import("./login.ts");
  const renewed = () => followReferences(settings, (key) => settingName(key, origin), env);
  const followed = { ...(await renewed()), renewed };
  const from = sources.creds ?? sources.nkey;
  for (const key of ["jwt", "seed"] as const)
    if (followed[key] !== undefined && from !== undefined) sources[key] ??= from;
  return followed;
}
