// Ctrl-C while a command follows jobs.
import { afterAll, expect, test } from "bun:test";
import { hang, serveFleet } from "../support/fleet.ts";
import { consumersLeft } from "../support/harness.ts";

const { nc, fleet, start, stop } = await serveFleet();
afterAll(stop);

test("Ctrl-C at any moment leaves no consumer behind", async () => {
  const jid = await fleet.dispatch({ fn: "test.ping", peels: { a: hang } });
  const commands = [["wait", jid], ["watch"], ["watch", jid], ["trace", jid, "-f"], ["kill", "j", "--force", "--wait"]];
  for (const args of commands) {
    for (const ms of [0, 10, 20, 30, 50, 80, 150, 300]) {
      const running = start(args);
      await Bun.sleep(ms);
      running.signal("SIGINT");
      const code = await running.ended();
      // Before its first instruction runs, a process dies of the signal itself; `kill j` may have failed by then.
      expect([130, 1]).toContain(code);
    }
  }
  expect(await consumersLeft(nc)).toBe(0);
});
