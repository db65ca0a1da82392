import { paintState } from "../colors.ts";
import { EXIT, UserError } from "../errors.ts";
import { newestVersion } from "../jobs/read-jobs.ts";
import { RECORD_VERSION } from "../model/job.ts";
import {
  checkBuckets,
  checkClock,
  checkEvents,
  checkMasters,
  checkServer,
  checkSteering,
  checkTls,
  checkUser,
  type Finding,
  failure,
} from "../nats/check.ts";
import { openConnection } from "../nats/connect.ts";
import type { Connection } from "../nats/connection.ts";
import { userJwt } from "../nats/credentials.ts";
import { NatsStore } from "../nats/store.ts";
import type { Look } from "../render/table.ts";
import { hideSecrets } from "../secrets.ts";
import { resolveSettings } from "../settings/resolve.ts";
import type { Settings } from "../settings/settings.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { count, safe, width, wrap } from "../text.ts";
import { plainCommand } from "./answer.ts";
import { refuseFiles } from "./session.ts";
import { globals } from "./shared.ts";

/** Messages of the bucket that are read for the versions of their records. */
const NEWEST = 1000;

async function checkRecords(connection: Connection): Promise<Finding> {
  const check = "records";
  const { version, messages } = await newestVersion(new NatsStore(connection), NEWEST);
  const where = messages <= NEWEST ? "" : ` (the newest ${count(NEWEST)} messages)`;
  if (version === undefined)
    return { check, result: "ok", detail: `${messages === 0 ? "none" : "no version found"}${where}` };
  const isKnown = version <= RECORD_VERSION;
  return {
    check,
    result: isKnown ? "ok" : "FAIL",
    detail: isKnown
      ? `version ${version}, supported${where}`
      : `version ${version}, newer than this zester supports (${RECORD_VERSION}): it may show them wrong or in part${where}`,
    hint: isKnown ? undefined : "Install the zester that came with your master.",
  };
}

/** Runs the checks in turn; ends early if the server is lost. */
async function examine(connection: Connection, settings: Settings, findings: Finding[]): Promise<void> {
  findings.push(await checkServer(connection), checkTls(connection));
  const { findings: buckets, clock } = await checkBuckets(connection);
  const user = await checkUser(connection, userJwt(settings), clock);
  findings.push(user.finding);
  findings.push(...buckets, ...checkSteering(user.publish));
  if (buckets.some(({ check, result }) => check === "jetstream" && result === "FAIL")) return;
  if (!buckets.some(({ check, result }) => check === "bucket jobs" && result === "FAIL"))
    findings.push(await checkRecords(connection));
  findings.push(await checkEvents(connection), checkClock(clock), await checkMasters(connection, clock));
}

async function check(settings: Settings, terminal: Terminal): Promise<Finding[]> {
  const findings: Finding[] = [];
  let connection: Connection | undefined;
  try {
    connection = await openConnection(settings, terminal.warn);
    await examine(connection, settings, findings);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    findings.push(failure(connection ? "connection" : "server", error));
  }
  return findings;
}

/** Minimum columns of a detail. */
const LEAST_DETAIL_COLUMNS = 20;

/** One line per check; its hint, and text that does not fit, are below it. */
function render(findings: readonly Finding[], { color, columns = Number.POSITIVE_INFINITY }: Look): string {
  const wide = Math.max(...findings.map((finding) => width(finding.check)));
  const below = 8 + wide;
  const hanging = (text: string) =>
    wrap(safe(text), Math.max(LEAST_DETAIL_COLUMNS, columns - below)).join(`\n${" ".repeat(below)}`);
  return findings
    .map(({ check, result, detail, hint }) => {
      const label = paintState(result, color)?.(result) ?? result;
      const line = `${label}${" ".repeat(6 - result.length)}${check.padEnd(wide)}  ${hanging(detail)}\n`;
      return hint ? `${line}${" ".repeat(below)}${hanging(hint)}\n` : line;
    })
    .join("");
}

const documentOf = ({ check, result, detail, hint }: Finding) =>
  new Map(Object.entries({ check, result, detail, hint: hint ?? null }));

export default plainCommand({
  meta: {
    description: "connect and check what the commands need",
    details: "Leaves nothing on the server and sends no cancel signal. Exit code 1 if a line says FAIL.",
    example: "zester config check",
  },
  args: globals,
  parse: (flags) => flags,
  async answerOf(flags, { terminal, env }) {
    refuseFiles(flags);
    const { settings } = await resolveSettings(flags, env, terminal.warn, terminal.note);
    const findings = (await check(settings, terminal)).map((finding) => ({
      ...finding,
      detail: hideSecrets(finding.detail),
      hint: finding.hint && hideSecrets(finding.hint),
    }));
    return {
      shown: {
        size: findings.length,
        text: (viewer) => [render(findings, viewer)],
        documents: () => findings.map(documentOf),
      },
      code: findings.some(({ result }) => result === "FAIL") ? EXIT.error : EXIT.done,
    };
  },
});
