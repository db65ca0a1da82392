// What holds for this call: flag, then environment, then a NATS context or a config file, then default.
import { join } from "node:path";
import { parseDuration } from "../duration.ts";
import { UserError } from "../errors.ts";
import { safe } from "../text.ts";
import { expand, home, lookUp } from "./files.ts";
import { parseUrl, splitUrls } from "./server-url.ts";
import { KEYS, type Key, type Layer, type Resolved, SETTINGS, type SettingFlags, type Settings } from "./settings.ts";

/** One place that settings come from. */
interface Source {
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
  textOf: (key: Key) => string | boolean | undefined,
  name: (key: Key) => string,
  env: NodeJS.ProcessEnv,
): Source {
  const value = (key: Key) => {
    const text = textOf(key);
    return typeof text === "string" ? fromText(key, text, name(key).replace(/^flag |^\$/, ""), env) : text;
  };
  return { has: (key) => Boolean(textOf(key)), value, name };
}

function fromFlags(flags: SettingFlags, env: NodeJS.ProcessEnv): Source {
  const flag = (key: Key) => SETTINGS[key].flag as keyof SettingFlags;
  return ofTexts(
    (key) => flags[flag(key)],
    (key) => `flag --${flag(key)}`,
    env,
  );
}

function fromVariables(env: NodeJS.ProcessEnv): Source {
  const variable = (key: Key) => SETTINGS[key].variables?.find((name) => env[name]) ?? "";
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

const ofFile = (layer: Layer, name: string): Source => ({
  has: (key) => layer[key] !== undefined,
  value: (key) => layer[key],
  name: () => name,
});

type File = NonNullable<Resolved["file"]>;

/**
 * The one file that counts: what was named, else the first that exists. Never two, so that the credentials of one fleet
 * don't reach the servers of another.
 */
async function chooseFile(
  flags: SettingFlags,
  env: NodeJS.ProcessEnv,
  serverNamed: boolean,
): Promise<File | undefined> {
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
  // What is merely selected gives no password to a server that was named otherwise.
  if (serverNamed) return undefined;
  const { selectedContext } = await import("./context.ts");
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
    return ofFile(await readConfig(file.name, env, warn), file.name);
  }
  const { readContext } = await import("./context.ts");
  try {
    return ofFile(readContext(file.name, env, warn), `context "${file.name}"`);
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
    parseUrl(url, `${urls.length === 1 ? "the address" : `address ${i + 1} of ${urls.length}`} from ${source}`);
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

/** What belongs together: the first source that has one setting of a group decides on all of it. */
const GROUPS = [...Map.groupBy(KEYS, (key) => SETTINGS[key].group ?? key).values()];

/** The settings that hold for this call, with their sources. @throws as loadSettings */
export async function resolveSettings(
  flags: SettingFlags,
  env: NodeJS.ProcessEnv,
  warn: (text: string) => void,
): Promise<Resolved> {
  const given = [fromFlags(flags, env), fromVariables(env)];
  const serverNamed = given.some(({ has }) => has("urls"));
  const file = await chooseFile(flags, env, serverNamed);
  // A context on the command line was typed for this call; a variable may be a leftover that points elsewhere.
  if (file) given.splice(flags.context === undefined ? 2 : 1, 0, await readFile(file, env, warn));
  given.push(fromDefaults(env));
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
  const settings = out as Settings;
  checkUrls(settings, sources, file);
  checkSubjects(settings, sources);
  return { settings, sources, ...(file && { file }) };
}

/**
 * The settings that hold for this call.
 * @throws UserError for a bad flag, or a config file or context that is missing or broken
 */
export async function loadSettings(
  flags: SettingFlags,
  env: NodeJS.ProcessEnv,
  warn: (text: string) => void,
): Promise<Settings> {
  return (await resolveSettings(flags, env, warn)).settings;
}
