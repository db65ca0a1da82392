// Who made a job: an operator, a peel's own schedule, or a rule (wire.md, at the end of "Subjects and the story of a job").
import { asText, type ValueMap } from "../codec/value.ts";
import { oneOf } from "../nearest.ts";
import { displayPeel, peelList } from "./peel.ts";

export const SOURCES = ["operator", "schedule", "reactor"] as const;
export type Source = (typeof SOURCES)[number];

/** The key in a job's metadata that names the job which it repeats. */
export const RETRY_OF = "retry_of";

/** The job that a job repeats, as `retry` writes it down; undefined for any other job. */
export function retryOf(record: ValueMap): string | undefined {
  const metadata = record.get("metadata");
  return metadata instanceof Map ? asText(metadata.get(RETRY_OF)) || undefined : undefined;
}

/** What a peel's own schedule leaves in each record that it makes: no master, one target, and the name of its entry. */
interface Shape {
  readonly owner?: string | undefined;
  readonly targets?: readonly string[] | undefined;
  readonly schedule?: string | undefined;
}

/**
 * What made a job. Metadata is what the caller of a master's REST interface writes: a schedule is believed only of a record that
 * has its shape. A source that is none of ours counts as an operator: nothing else is known of it.
 * @param said the metadata's `source`
 */
export function sourceFrom(said: string | undefined, { owner, targets, schedule }: Shape): Source {
  if (said === "schedule" && (owner || targets?.length !== 1 || !schedule)) return "operator";
  return SOURCES.find((name) => name === said) ?? "operator";
}

/** What made the job of a record. */
export function sourceOf(record: ValueMap): Source {
  const metadata = record.get("metadata");
  if (!(metadata instanceof Map)) return "operator";
  return sourceFrom(asText(metadata.get("source")), {
    owner: asText(record.get("owner")),
    targets: peelList(record.get("targets")),
    schedule: asText(metadata.get("schedule")),
  });
}

/** The entry of the peel's own schedule that made a job; undefined for another job. */
export function scheduleOf(record: ValueMap): string | undefined {
  const metadata = record.get("metadata");
  if (sourceOf(record) !== "schedule" || !(metadata instanceof Map)) return undefined;
  return asText(metadata.get("schedule")) || undefined;
}

/** @throws UserError for a name that is none of a source */
export const parseSource = (text: string): Source => oneOf(SOURCES, text, "--source", "a source");

/** `schedule "nightly" on web-01`, `rule restart-nginx, event beacon/nginx/down`; undefined for an operator's job. */
export function sourceWords(record: ValueMap): string | undefined {
  const source = sourceOf(record);
  const metadata = record.get("metadata");
  if (source === "operator" || !(metadata instanceof Map)) return undefined;
  const field = (name: string) => asText(metadata.get(name)) || undefined;
  if (source === "schedule") {
    const entry = field("schedule");
    const peel = peelList(record.get("targets"))?.[0];
    return `schedule${entry === undefined ? "" : ` "${entry}"`}${peel === undefined ? "" : ` on ${displayPeel(peel)}`}`;
  }
  const event = field("event_tag");
  return `rule ${field("rule") ?? "without a name"}${event === undefined ? "" : `, event ${event}`}`;
}
