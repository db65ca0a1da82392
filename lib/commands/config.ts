// zester config

import { defineCommand } from "../cli/command.ts";
import type { Value } from "../codec/value.ts";
import { formatMs } from "../duration.ts";
import { renderTable } from "../render/table.ts";
import { hideSecrets } from "../secrets.ts";
import { resolveSettings } from "../settings/resolve.ts";
import { maskUrl } from "../settings/server-url.ts";
import { KEYS, type Key, type ResolvedSettings, SETTINGS, type Settings } from "../settings/settings.ts";
import { type GlobalArgs, globals } from "./shared.ts";
import { type Surroundings, surroundings } from "./surroundings.ts";

interface Row {
  readonly setting: string;
  /** Undefined when it is not set. */
  readonly value: string | undefined;
  readonly source: string;
}

/** A value as it may be shown. */
function shown(key: Key, settings: Settings): string | undefined {
  const value = settings[key];
  const { kind, secret, hidden } = SETTINGS[key];
  if (value === undefined) return undefined;
  if (secret || hidden) return "***";
  if (kind === "duration") return formatMs(settings.timeoutMs);
  return hideSecrets(kind === "urls" ? settings.urls.map(maskUrl).join(",") : String(value));
}

/** Each setting with its source. Those that no flag can set are called as contexts call them, and listed only when set. */
function describeSettings({ settings, sources, file }: ResolvedSettings): Row[] {
  const named = (kind: "config" | "context"): Row =>
    file?.kind === kind
      ? { setting: kind, value: file.name, source: file.source }
      : { setting: kind, value: undefined, source: "not set" };
  const rows = [named("config"), named("context")];
  for (const key of KEYS) {
    const { flag, context } = SETTINGS[key];
    const value = shown(key, settings);
    if (value === undefined && flag === undefined) continue;
    rows.push({ setting: flag ?? context ?? key, value, source: sources[key] ?? "not set" });
  }
  return rows;
}

/** The default that the variable sets is told also where `config` itself can't honour it. */
function formatRow(flags: GlobalArgs, { format, env }: Surroundings): Row {
  if (flags.format !== undefined) return { setting: "format", value: format, source: "flag --format" };
  if (env.ZESTER_FORMAT) return { setting: "format", value: env.ZESTER_FORMAT, source: "$ZESTER_FORMAT" };
  return { setting: "format", value: format, source: "default" };
}

async function run(flags: GlobalArgs): Promise<void> {
  const around = surroundings(flags);
  const { terminal, format, env } = around;
  const resolved = await resolveSettings(flags, env, terminal.warn, terminal.note);
  const rows = [...describeSettings(resolved), formatRow(flags, around)];
  if (format === "text") {
    const columns = [
      { title: "SETTING" },
      { title: "VALUE", gives: [{ rank: 1, to: 20 }], wraps: true },
      { title: "SOURCE", gives: [{ rank: 2, to: 12 }], wraps: true },
    ];
    const cells = rows.map(({ setting, value, source }) => [setting, value ?? "-", source].map((text) => ({ text })));
    return terminal.write(renderTable(columns, cells, true, terminal));
  }
  const list = rows.map(
    ({ setting, value, source }) =>
      new Map<string, Value>([
        ["setting", setting],
        ["value", value ?? null],
        ["source", source],
      ]),
  );
  const { writeDocument } = await import("./output.ts");
  await writeDocument(list, format, terminal);
}

export default defineCommand({
  meta: {
    description: "show the connection settings and their sources",
    example: "zester config",
  },
  args: globals,
  run: ({ args }) => run(args),
});
