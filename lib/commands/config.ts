// zester config

import type { Value } from "../codec/value.ts";
import { formatMs } from "../duration.ts";
import { renderTable } from "../render/table.ts";
import { maskUrl } from "../settings/server-url.ts";
import { type Resolved, resolveSettings, type Settings } from "../settings/settings.ts";
import { systemTerminal } from "../terminal/terminal.ts";
import type { GlobalArgs } from "./flags.ts";
import { writeDocument } from "./output.ts";
import { parseFormat } from "./session.ts";

interface Row {
  readonly setting: string;
  /** Undefined when it is not set. */
  readonly value: string | undefined;
  readonly source: string;
}

const MASK = "***";

/** The settings by the names of their flags, or as contexts call what no flag can set. */
const SHOWN: readonly (readonly [keyof Settings, string, { secret?: boolean; onlyWhenSet?: boolean }?])[] = [
  ["urls", "master"],
  ["creds", "creds"],
  ["nkey", "nkey"],
  ["user", "user", { onlyWhenSet: true }],
  ["password", "password", { secret: true, onlyWhenSet: true }],
  ["token", "token", { secret: true, onlyWhenSet: true }],
  ["jwt", "user_jwt", { secret: true, onlyWhenSet: true }],
  ["seed", "user_seed", { secret: true, onlyWhenSet: true }],
  ["tlsCa", "nats-ca"],
  ["tlsCert", "tls-cert"],
  ["tlsKey", "tls-key"],
  ["tlsFirst", "tls-first"],
  ["jsDomain", "js-domain"],
  ["jsPrefix", "js-prefix"],
  ["inboxPrefix", "inbox-prefix"],
  ["timeoutMs", "timeout"],
];

function shown(key: keyof Settings, settings: Settings): string | undefined {
  if (key === "urls") return settings.urls.map(maskUrl).join(",");
  if (key === "timeoutMs") return formatMs(settings.timeoutMs);
  const value = settings[key];
  return value === undefined ? undefined : String(value);
}

/** Each setting with its source, secrets masked. */
function describeSettings({ settings, sources, file }: Resolved): Row[] {
  const named = (kind: "config" | "context"): Row =>
    file?.kind === kind
      ? { setting: kind, value: file.name, source: file.source }
      : { setting: kind, value: undefined, source: "not set" };
  const rows = [named("config"), named("context")];
  for (const [key, setting, { secret = false, onlyWhenSet = false } = {}] of SHOWN) {
    const value = shown(key, settings);
    if (value === undefined && onlyWhenSet) continue;
    rows.push({
      setting,
      value: value !== undefined && secret ? MASK : value,
      source: sources[key] ?? "not set",
    });
  }
  return rows;
}

/** Which source gives the output format; its flag, its variable, or nobody. */
function formatRow(flags: GlobalArgs, format: string): Row {
  const source =
    flags.format !== undefined ? "flag --format" : process.env.ZESTER_FORMAT ? "$ZESTER_FORMAT" : "default";
  return { setting: "format", value: format, source };
}

export async function run(flags: GlobalArgs): Promise<void> {
  const format = parseFormat(flags.format ?? (process.env.ZESTER_FORMAT || undefined));
  const terminal = systemTerminal({
    ...(flags.color === false && { color: false }),
    ...(flags["force-color"] && { forceColor: true }),
  });
  const resolved = await resolveSettings(flags, process.env, terminal.warn);
  const rows = [...describeSettings(resolved), formatRow(flags, format)];
  if (format === "text") {
    const columns = [{ title: "SETTING" }, { title: "VALUE" }, { title: "SOURCE" }];
    const cells = rows.map(({ setting, value, source }) =>
      [setting, value ?? "-", source].map((text) => ({ text })),
    );
    return terminal.write(renderTable(columns, cells));
  }
  const list = rows.map(
    ({ setting, value, source }) =>
      new Map<string, Value>([
        ["setting", setting],
        ["value", value ?? null],
        ["source", source],
      ]),
  );
  await writeDocument(list, format, terminal);
}
