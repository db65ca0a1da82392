import { formatMs } from "../duration.ts";
import { type RowColumn, rowsView } from "../render/view.ts";
import { hideSecrets } from "../secrets.ts";
import { resolveSettings } from "../settings/resolve.ts";
import { maskUrl } from "../settings/server-url.ts";
import { KEYS, type Key, type ResolvedSettings, SETTINGS, type Settings } from "../settings/settings.ts";
import { plainCommand } from "./answer.ts";
import type { Surroundings } from "./session.ts";
import { type GlobalArgs, globals } from "./shared.ts";

interface SettingRow {
  readonly setting: string;
  readonly value: string | undefined;
  readonly source: string;
}

function shown(key: Key, settings: Settings): string | undefined {
  const value = settings[key];
  const { kind, secret, hidden } = SETTINGS[key];
  if (value === undefined) return undefined;
  if (secret || hidden) return "***";
  if (kind === "duration") return formatMs(settings.timeoutMs);
  return hideSecrets(kind === "urls" ? settings.urls.map(maskUrl).join(",") : String(value));
}

/** Those without a flag have their name in contexts, and are listed only if they are set. */
function describeSettings({ settings, sources, file }: ResolvedSettings): SettingRow[] {
  const named = (kind: "config" | "context"): SettingRow =>
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

/** The format of the variable is shown even if `config` does not have it. */
function formatRow(flags: GlobalArgs, { format, env }: Surroundings): SettingRow {
  if (flags.format !== undefined) return { setting: "format", value: format, source: "flag --format" };
  if (env.ZESTER_FORMAT) return { setting: "format", value: env.ZESTER_FORMAT, source: "$ZESTER_FORMAT" };
  return { setting: "format", value: format, source: "default" };
}

const COLUMNS: readonly RowColumn<SettingRow>[] = [
  { name: "setting", value: ({ setting }) => setting },
  { name: "value", value: ({ value }) => value ?? null, gives: [{ rank: 1, to: 20 }], wraps: true },
  { name: "source", value: ({ source }) => source, gives: [{ rank: 2, to: 12 }], wraps: true },
];
const ALL = "setting value source";

export default plainCommand({
  meta: {
    description: "show the connection settings and their sources",
    example: "zester config",
  },
  args: globals,
  parse: (flags) => flags,
  async answerOf(flags, around) {
    const resolved = await resolveSettings(flags, around.env, around.terminal.warn, around.terminal.note);
    const rows = [...describeSettings(resolved), formatRow(flags, around)];
    return { shown: rowsView(COLUMNS, { table: ALL, sheet: ALL, document: ALL }, rows) };
  },
});
