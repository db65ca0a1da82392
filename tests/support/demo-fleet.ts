// The jobs of the demo. The documents show them too.
import type { Fleet } from "./fleet.ts";

const ok = (ms: number) => ({ does: "ok", ms }) as const;

/** A job that ends well. @returns its ID */
export const goodJob = (fleet: Fleet, ms = 300, jid?: string) =>
  fleet.dispatch({
    jid,
    fn: "state.apply",
    args: { state: "nginx.restart" },
    expr: "web*",
    peels: { "web-01": ok(ms + 120), "web-02": ok(ms), "web-03": ok(ms + 60) },
  });

/** A job that fails on one peel, never reaches another, and ends without the return of a third. @returns its ID */
export const badJob = (fleet: Fleet, jid?: string) =>
  fleet.dispatch({
    jid,
    fn: "pkg.installed",
    args: { name: "postgresql", refresh: true },
    expr: "db*",
    user: "ops",
    timeoutMs: 1200,
    peels: {
      "db-01": ok(820),
      "db-02": { does: "fail", ms: 640, error: "could not get lock /var/lib/dpkg/lock" },
      "db-03": { does: "hang" },
      db_eu_example: { does: "unreachable", ms: 300 },
    },
  });

/**
 * A job that hangs on one peel and never reaches another.
 * @param patienceMs after that the master gives up the peel that it cannot reach
 * @returns its ID
 */
export const longJob = (fleet: Fleet, patienceMs = 600, jid?: string) =>
  fleet.dispatch({
    jid,
    fn: "cmd.run",
    args: { command: "rebuild-cache" },
    expr: "cache*",
    user: "ops",
    peels: {
      "cache-01": ok(310),
      "cache-02": { does: "hang" },
      "cache-03": { does: "unreachable", ms: patienceMs },
    },
  });

/** A job of a minute: its peels return one after the other, one of them as failed. @returns its ID */
export const slowJob = (fleet: Fleet) => {
  const error = "write /etc/app.conf: no space left on device";
  const peels = Array.from({ length: 12 }, (_, i) => {
    const ms = 5_000 * (i + 1);
    const peel = `app-${String(i + 1).padStart(2, "0")}`;
    return [peel, i === 4 ? ({ does: "fail", ms, error } as const) : ok(ms)] as const;
  });
  return fleet.dispatch({ fn: "state.highstate", expr: "app*", user: "ops", peels: Object.fromEntries(peels) });
};

/** What `npm run demo -- --keep` starts again and again. The job that hangs ends at its deadline, after five minutes. */
export const KEPT_JOBS = [
  { start: (fleet: Fleet) => longJob(fleet), everyMs: 300_000 },
  { start: (fleet: Fleet) => slowJob(fleet), everyMs: 70_000 },
  { start: (fleet: Fleet) => goodJob(fleet), everyMs: 5_000 },
  { start: (fleet: Fleet) => badJob(fleet), everyMs: 20_000 },
] as const;
