// Stores the records that tests and the golden outputs need.

import type { NatsConnection } from "nats";
import { createBuckets, encode, jobRecord, Time } from "./harness.ts";
import fixtures from "./wire-fixtures.json" with { type: "json" };

/** Stores every fixture of a bucket, byte for byte as a Go master wrote it. */
export async function putFixtures(nc: NatsConnection): Promise<void> {
  const { jobs, returns } = await createBuckets(nc);
  for (const { bucket, key, base64 } of fixtures) {
    if (key) await (bucket === "jobs" ? jobs : returns).put(key, Buffer.from(base64, "base64"));
  }
}

/** The jobs and returns of the reference page's examples. */
export async function putReferenceData(nc: NatsConnection): Promise<void> {
  const { jobs, returns } = await createBuckets(nc);
  const put = (jid: string, minute: number, fields: Record<string, unknown>) =>
    jobs.put(
      jid,
      encode(
        jobRecord(jid, {
          function: "state.apply",
          created: Time.at(`2026-01-15T09:0${minute}:00Z`),
          ...fields,
        }),
      ),
    );
  // Written out of order: the order of the table comes from `created`.
  await put("20260115-003", 3, { target_expr: "cache*", status: "failed" });
  await put("20260115-002", 2, {
    target_expr: "db*",
    status: "running",
    targets: ["db-01", "db-02", "db-03"],
  });
  await jobs.put("active.20260115-002", encode({ owner: "master-2hQ...", updated: Time.now() }));
  // The page shows this record under a key that differs from its own jid, without times.
  await jobs.put(
    "20260115-001",
    encode({
      jid: "2hPx1FNsSgJMqVn5bLSTXeBQMpO",
      function: "state.apply",
      args: { state: "nginx.restart" },
      targets: ["web-01", "web-02", "web-03"],
      timeout: 300_000_000_000n,
      status: "complete",
      owner: "master-2hQ...",
    }),
  );
  for (const [peel, duration] of [
    ["web-02", 800_000_000n],
    ["web-01", 1_200_000_000n],
    ["web-03", 1_100_000_000n],
  ] as const) {
    await returns.put(
      `20260115-001.${peel}`,
      encode({
        jid: "20260115-001",
        peel_id: peel,
        success: true,
        return_data: null,
        duration,
        timestamp: Time.now(),
      }),
    );
  }
}

/** The job of the page's `job list`: it has a target expression and a time, which the same job of `job show` lacks. */
export const listedJob = () =>
  encode(
    jobRecord("20260115-001", {
      function: "state.apply",
      target_expr: "web*",
      created: Time.at("2026-01-15T09:00:00Z"),
    }),
  );
