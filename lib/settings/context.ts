// Contexts of the `nats` command line tool: the connections that an operator has set up there.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { safe } from "../text.ts";
import { decodeText, type Fail, faultOf, home, readFile } from "./files.ts";
import { expandPath, refersElsewhere } from "./login.ts";
import { fileValue, KEYS, type Key, keysIn, type Layer, SETTINGS } from "./settings.ts";

const contextRoot = (env: NodeJS.ProcessEnv) => join(env.XDG_CONFIG_HOME || join(home(env), ".config"), "nats");

/** Undefined when there is no such file. @throws UserError when it can't be read */
async function readIfThere(path: string, withinMs: number, what: string, hint: string) {
  try {
    return await readFile(path, withinMs);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (["ENOENT", "ENOTDIR", "ENAMETOOLONG"].includes(code)) return undefined;
    throw new UserError(`cannot read ${what}: ${faultOf(error)}.`, hint);
  }
}

/** The context that `nats context select` chose; undefined for none. */
export async function selectedContext(env: NodeJS.ProcessEnv, withinMs: number): Promise<string | undefined> {
  const path = join(contextRoot(env), "context.txt");
  const what = `${path}, which names the selected NATS context`;
  // An error: the user means the server that it names, not localhost.
  const file = await readIfThere(path, withinMs, what, "Check its permissions, or use --master or --context.");
  return (file && decodeText(file.bytes).trim()) || undefined;
}

/** The names of all contexts; none when their folder can't be read. */
export function contextNames(env: NodeJS.ProcessEnv): string[] {
  try {
    return readdirSync(join(contextRoot(env), "context"))
      .filter((file) => file.endsWith(".json"))
      .map((file) => file.slice(0, -".json".length))
      .sort();
  } catch {
    return [];
  }
}

const LISTED = 20;

function unknown(name: string, env: NodeJS.ProcessEnv): UserError {
  const names = contextNames(env);
  const rest = names.length > LISTED ? `, and ${names.length - LISTED} more` : "";
  return new UserError(
    `no NATS context "${safe(name).slice(0, 200)}" in ${join(contextRoot(env), "context")}.${nearest(name, names)}`,
    names.length > 0
      ? `Use one of: ${safe(names.slice(0, LISTED).join(", "))}${rest}.`
      : "Create one with `nats context save`, or name a server with --master.",
  );
}

const CONTEXT_FIELDS = keysIn("context");
/** Fields that zester does not need. */
const IRRELEVANT = new Set(["name", "description", "color_scheme", "jetstream_event_prefix"]);

/** The path in a field: `$VAR`, `${VAR}`, `~` and `file://` are understood. A login's file may be a reference (login.ts). */
function filePath(key: Key, text: string, field: string, fail: Fail, env: NodeJS.ProcessEnv): string {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme === "nsc") throw fail(`${field} refers to nsc, which zester does not run.`, NSC_HINT);
  if (SETTINGS[key].group === "login" && (scheme === "env" || scheme === "data")) return text;
  if (scheme !== undefined && scheme !== "file" && (text.startsWith("//", scheme.length + 1) || scheme === "data"))
    throw fail(`${field} refers to "${scheme}:…", which zester cannot read.`, "Use a file.");
  return expandPath(text.replace(/^file:(\/\/)?/i, ""), env);
}

const NSC_HINT = "Write a creds file with `nsc generate creds`, and name it with --creds or in the context's `creds`.";

/** @throws UserError for an unknown field without which another server would be reached, or none */
function checkOther(field: string, value: unknown, fail: Fail): void {
  if (/^(urls?|servers?)$/i.test(field)) throw fail(`unknown field ${safe(field)}. Did you mean url?`);
  if (field !== "nsc" && field !== "socks_proxy") return;
  if (typeof value !== "string") throw fail(`${field} must be text.`);
  if (field === "nsc") throw fail("its credentials refer to nsc, which zester does not run.", NSC_HINT);
  throw fail(
    "it needs a SOCKS proxy (socks_proxy), which zester does not support.",
    "Use a context without a proxy, for example through `ssh -L`.",
  );
}

/** @throws UserError for credentials of two kinds, or half of a pair */
function checkContextLogin(layer: Layer, fail: Fail): void {
  const kinds = [layer.user, layer.creds, layer.nkey, layer.jwt].filter((kind) => kind !== undefined);
  if (kinds.length > 1) throw fail("it has more than one kind of credentials.", "Keep one of them.");
  if (layer.seed !== undefined && layer.jwt === undefined) throw fail("user_seed needs user_jwt.");
}

function parseFields(text: string, fail: Fail): Record<string, unknown> {
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch {
    throw fail("invalid JSON."); // the parser's message would repeat a part of it, which may be a secret
  }
  if (typeof fields === "object" && fields !== null && !Array.isArray(fields)) return fields as Record<string, unknown>;
  throw fail("expected a JSON object.");
}

/** The settings of a context. @throws UserError when it does not exist, is broken, or needs something that zester lacks */
export async function readContext(
  name: string,
  env: NodeJS.ProcessEnv,
  warn: (text: string) => void,
  withinMs: number,
): Promise<Layer> {
  if (/[/\\\0]|\.\./.test(name)) throw unknown(name, env);
  const path = join(contextRoot(env), "context", `${name}.json`);
  const what = `NATS context "${safe(name)}" (${path})`;
  const fail: Fail = (why, hint = "Correct the file, or use another context with --context.") =>
    new UserError(`${what}: ${why}`, hint);
  const file = await readIfThere(path, withinMs, what, "Check the file's permissions.");
  if (!file) throw unknown(name, env);
  const out: { [K in Key]?: unknown } = { urls: [SETTINGS.urls.default] };
  for (const [field, value] of Object.entries(parseFields(decodeText(file.bytes), fail))) {
    // The tool writes every field, empty ones too.
    if (value === "" || value === null || IRRELEVANT.has(field)) continue;
    if (field !== "url" && (value === false || (Array.isArray(value) && value.length === 0))) continue;
    const key = CONTEXT_FIELDS.get(field);
    if (key === undefined) {
      checkOther(field, value, fail);
      warn(`NATS context "${name}": the field ${safe(field)} has no meaning here and is ignored.`);
    } else {
      const pathIn = (text: string) => filePath(key, text, field, fail, env);
      // Without a URL the tool connects to localhost. An empty one is an error.
      out[key] = fileValue(key, value, key === "urls" ? "its url" : field, fail, pathIn);
    }
  }
  const layer = out as Layer;
  checkContextLogin(layer, fail);
  const isInline = (key: Key) => SETTINGS[key].secret || String(layer[key]).startsWith("data:");
  const holdsSecret =
    KEYS.some((key) => layer[key] !== undefined && isInline(key) && !refersElsewhere(String(layer[key]))) ||
    layer.urls?.some((url) => url.includes("@"));
  if (file.readableByOthers && holdsSecret)
    warn(`NATS context file ${path} contains a secret and other users can read it: chmod 600 it.`);
  return layer;
}
