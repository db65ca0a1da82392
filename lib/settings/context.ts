// Contexts of the `nats` command line tool: the connections that an operator has set up there already.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { safe } from "../text.ts";
import { expand, home, readFileAndMode } from "./files.ts";
import { splitUrls } from "./server-url.ts";
import type { Layer } from "./settings.ts";

const root = (env: NodeJS.ProcessEnv) => join(env.XDG_CONFIG_HOME || join(home(env), ".config"), "nats");

/** Where the context `name` is stored. */
export const contextPath = (name: string, env: NodeJS.ProcessEnv) =>
  join(root(env), "context", `${name}.json`);

/** The context that `nats context select` chose, if any. @throws UserError when that can't be read */
export function selectedContext(env: NodeJS.ProcessEnv): string | undefined {
  const path = join(root(env), "context.txt");
  try {
    return readFileSync(path, "utf8").trim() || undefined;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    // The server that it names is the one meant: going to localhost instead would be a lie.
    throw new UserError(
      `${path}, which names the selected NATS context, cannot be read (${code}).`,
      "Check its permissions, or name a server with --master or a context with --context.",
    );
  }
}

/** The names of all contexts; none when their folder can't be read. */
export function contextNames(env: NodeJS.ProcessEnv): string[] {
  try {
    return readdirSync(join(root(env), "context"))
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
    `there is no NATS context "${safe(name).slice(0, 200)}" in ${join(root(env), "context")}.${nearest(name, names)}`,
    names.length > 0
      ? `Contexts: ${safe(names.slice(0, LISTED).join(", "))}${rest}.`
      : "There are none; `nats context save` makes one, or name a server with --master.",
  );
}

const TEXT: Record<string, Exclude<keyof Layer, "urls" | "tlsFirst">> = {
  user: "user",
  password: "password",
  token: "token",
  creds: "creds",
  nkey: "nkey",
  cert: "tlsCert",
  key: "tlsKey",
  ca: "tlsCa",
  jetstream_domain: "jsDomain",
  jetstream_api_prefix: "jsPrefix",
  inbox_prefix: "inboxPrefix",
  user_jwt: "jwt",
  user_seed: "seed",
};
const FILES = new Set(["creds", "nkey", "cert", "key", "ca"]);
const SECRETS = ["password", "token", "user_seed"];
/** Nothing here depends on these. */
const HARMLESS = new Set(["name", "description", "color_scheme", "jetstream_event_prefix"]);

/** A path as these files have it: `$VAR`, `${VAR}`, `~` and `file://` are understood. */
function filePath(text: string, field: string, fail: Fail, env: NodeJS.ProcessEnv): string {
  const scheme = /^([a-z]+):/.exec(text)?.[1];
  if (scheme === "nsc") throw fail(`${field} is looked up by nsc, which zester does not run.`, NSC_HINT);
  if (scheme && scheme !== "file" && (text.startsWith(`${scheme}://`) || scheme === "data")) {
    throw fail(`${field} is not a file but "${scheme}:…", which zester cannot read.`, "Name a file there.");
  }
  const path = text.replace(/^file:\/\//, "");
  return expand(
    path.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced, bare) => env[braced ?? bare] ?? ""),
    env,
  );
}

const NSC_HINT =
  "Write a creds file with `nsc generate creds`, and name it with --creds or in the context's `creds`.";
type Fail = (why: string, hint?: string) => UserError;

function readContextFile(path: string, name: string, env: NodeJS.ProcessEnv, fail: Fail) {
  try {
    return readFileAndMode(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ENAMETOOLONG") throw unknown(name, env);
    throw fail(`it cannot be read (${code}).`, "Check the file's permissions.");
  }
}

/**
 * What the context `name` says of a connection. Fields that have no meaning here get a warning.
 * @throws UserError when there is no such context, when it is broken, or when it needs what zester does not have
 */
export function readContext(
  name: string,
  env: NodeJS.ProcessEnv,
  warn: (text: string) => void,
): Layer & { urls: string[] } {
  if (/[/\\\0]|\.\./.test(name)) throw unknown(name, env);
  const path = contextPath(name, env);
  const fail: Fail = (why, hint = "Correct the file, or name another context with --context.") =>
    new UserError(`NATS context "${safe(name)}" (${path}): ${why}`, hint);
  const { bytes, readableByOthers } = readContextFile(path, name, env, fail);
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(bytes.toString().replace(/^\ufeff/, ""));
  } catch {
    throw fail("it is not JSON."); // the parser's own words would repeat a part of it, secrets among them
  }
  if (typeof fields !== "object" || fields === null || Array.isArray(fields))
    throw fail("it is not a JSON object.");

  const out: Layer & { urls: string[] } = { urls: [] };
  for (const [field, value] of Object.entries(fields)) {
    // The tool writes every field, empty ones too.
    if (value === "" || value === null || HARMLESS.has(field)) continue;
    if (field !== "url" && (value === false || (Array.isArray(value) && value.length === 0))) continue;
    if (field === "tls_first") {
      if (value !== true) throw fail("tls_first must be true or false.");
      out.tlsFirst = true;
      continue;
    }
    const target = Object.hasOwn(TEXT, field) ? TEXT[field] : undefined;
    const known = target !== undefined || field === "url" || field === "nsc" || field === "socks_proxy";
    if (!known) {
      // Ignoring it would lead to localhost.
      if (/^(urls?|servers?)$/i.test(field))
        throw fail(`the field ${safe(field)} is not known: the server stands in url.`);
      warn(`NATS context "${name}": the field ${safe(field)} has no meaning here and is ignored.`);
      continue;
    }
    if (typeof value !== "string") throw fail(`${field} must be text.`);
    if (field === "nsc")
      throw fail("its credentials are looked up by nsc, which zester does not run.", NSC_HINT);
    // Going past the proxy would reach another network than the one that was meant, or none.
    if (field === "socks_proxy")
      throw fail(
        "it wants a SOCKS proxy (socks_proxy), which zester does not support.",
        "Use a context without one, for example through `ssh -L`.",
      );
    if (field === "url") {
      out.urls = splitUrls(value);
      // Without a URL the tool goes to localhost; with one that holds nothing something else was meant.
      if (out.urls.length === 0) throw fail("its url names no server.");
    } else if (target) out[target] = FILES.has(field) ? filePath(value, field, fail, env) : value;
  }
  const kinds = [out.user, out.token, out.creds, out.nkey, out.jwt].filter((kind) => kind !== undefined);
  if (kinds.length > 1) throw fail("it has more than one kind of credentials.", "Keep one of them.");
  if ((out.jwt === undefined) !== (out.seed === undefined))
    throw fail("user_jwt and user_seed belong together; one is missing.");
  if (
    readableByOthers &&
    (SECRETS.some((field) => fields[field]) || out.urls.some((url) => url.includes("@")))
  )
    warn(`NATS context file ${path} holds a secret and can be read by other users: chmod 600 it.`);
  return out.urls.length > 0 ? out : { ...out, urls: ["nats://localhost:4222"] };
}
