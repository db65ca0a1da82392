// `help exit-codes` holds for each command that waits, over jobs that end in each state.
import { afterAll, expect, test } from "bun:test";
import { type Behaviour, fail, hang, ok, serveFleet, silent } from "../support/fleet.ts";
import { until, zester } from "../support/harness.ts";

const { fleet, run, start, stop } = await serveFleet();
afterAll(stop);

/** Each end, its peels, and what the table says about it. */
const ENDS: [status: string, peels: Record<string, Behaviour>, words: string][] = [
  ["complete", { complete1: ok }, "done"],
  ["failed", { failed1: fail, failed2: ok }, "wait: a peel failed"],
  ["partial", { both1: fail, both2: silent }, "wait: both 2 and 3"],
  ["timeout", { timeout1: silent }, "wait: a peel was unreachable or did not return"],
  ["canceled", { canceled1: hang }, "wait: canceled"],
];
for (const [, peels] of ENDS) for (const [peel, does] of Object.entries(peels)) fleet.habits.set(peel, does);

const help = (await zester(["help", "exit-codes"])).stdout.replaceAll(/\s+/g, " ");
const codeOf = (words: string) => Number(help.match(new RegExp(` (\\d+) ${words}`))?.[1]);

/** The commands that the table means by "wait", but for retry, which makes a job. */
const FOLLOW = [["wait"], ["watch"], ["trace", "--follow"], ["trace", "--follow", "--format", "jsonl"]];
const of = (jid: string) => FOLLOW.map(([command = "", ...flags]) => [command, jid, ...flags]);

test.each(ENDS)("%s: %j", async (status, peels, words) => {
  expect(help).toContain("wait, watch <jid>, trace --follow and retry --wait");
  const code = codeOf(words);
  const timeoutMs = status === "partial" || status === "timeout" ? 1_000 : 60_000;
  const jid = await fleet.dispatch({ fn: "test.ping", peels, timeoutMs });
  const following = of(jid).map((args) => start(args));
  if (status === "canceled") {
    await Promise.all(following.slice(1).map((one) => one.until(new RegExp(`ack|${jid}`))));
    await run("kill", jid);
  }
  await fleet.until(jid, status);
  expect(await Promise.all(following.map((one) => one.ended()))).toEqual(FOLLOW.map(() => code));
  const ended = await Promise.all([run("trace", jid, "--follow"), run("kill", jid, "--force", "--wait")]);
  const killed = codeOf(status === "canceled" ? "done" : "kill --wait: a job ended");
  expect(ended.map((one) => one.code)).toEqual([code, killed]);
  const retrying = start(["retry", jid, "--all", "--yes", "--wait"]);
  if (status === "canceled") {
    await retrying.until("dispatched");
    const again = await until("the new job", async () => {
      const { stdout } = await run("active", "--quiet");
      return stdout.trim();
    });
    await run("kill", again);
  }
  expect(await retrying.ended()).toBe(code);
});
