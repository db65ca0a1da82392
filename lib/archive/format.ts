// The file of an export: JSON Lines (docs/formats.md). A header; each message as its stream stores it; then their number and the
// SHA-256 of all lines before.
import { quote, toJsonLine } from "../codec/json.ts";
import { mapOf, Timestamp } from "../codec/value.ts";
import type { Part, ServerFacts, StoredMessage } from "../store.ts";

/** The version of the format. */
export const FORMAT_VERSION = 1;

/** The prefix of the subjects of a part, and its bucket or stream in NATS. */
export const STORED: Readonly<Record<Part, { readonly prefix: string; readonly title: string }>> = {
  jobs: { prefix: "$KV.jobs.", title: 'bucket "jobs"' },
  returns: { prefix: "$KV.job-returns.", title: 'bucket "job-returns"' },
  events: { prefix: "zester.job.", title: 'stream "job-events"' },
  masters: { prefix: "$KV.master-heartbeat.", title: 'bucket "master-heartbeat"' },
  peels: { prefix: "$KV.peel-heartbeat.", title: 'bucket "peel-heartbeat"' },
};

export interface Header {
  /** When it was exported, by the server's clock, in ns. */
  readonly ns: bigint;
  readonly version: string;
  readonly server: ServerFacts;
  /** The flags, or the IDs, that selected the jobs. */
  readonly selection: string;
  readonly redacted: boolean;
  /** The parts that the server lacked or did not show. */
  readonly missing: readonly Part[];
}

export function headerLine({ ns, version, server, selection, redacted, missing }: Header): string {
  return toJsonLine(
    mapOf({
      zester_export: FORMAT_VERSION,
      time: Timestamp.at(ns),
      version,
      server: mapOf({ ...server }),
      selection,
      redacted,
      missing: [...missing],
    }),
  );
}

/** Written in one go: an export has millions of them. */
export function messageLine({ subject, sequence, storedNs, headers, bytes }: StoredMessage): string {
  const pairs = headers.length === 0 ? "" : `"headers":${toJsonLine(headers.map((pair) => [...pair]))},`;
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
  return `{"subject":${quote(subject)},"seq":${sequence},"time":"${Timestamp.at(storedNs)}",${pairs}"data":"${data}"}`;
}

export const lastLine = (messages: number, sha256: string): string => toJsonLine(mapOf({ messages, sha256 }));
