// Terminals that can do less: what a picture becomes on each, which colours, which signs.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { hang, ok, serveFleet } from "../support/fleet.ts";
import { Running } from "../support/harness.ts";

const { fleet, env, stop } = await serveFleet();
let jid: string;
beforeAll(async () => {
  jid = await fleet.dispatch({ fn: "cmd.run", peels: { "web-01": hang, "web-02": ok } });
});
afterAll(stop);

/** What a command has written on such a terminal by the time that `shown` is there and Ctrl-C has ended it. */
async function on(terminal: Record<string, string>, command: string, shown: string): Promise<string> {
  const args = ["job", ...command.replace("JID", jid).split(" ")];
  const running = new Running(args, { ...env, LANG: "C.UTF-8", ...terminal }, { cols: 120, rows: 24 });
  await running.until(shown);
  running.type("\x03");
  await running.ended();
  return running.out;
}

const PICTURES: [command: string, shown: string][] = [
  ["watch", "running"],
  ["trace -f JID", "web-02"],
  ["watch JID", "web-02"],
];

test.each(PICTURES)("dumb: %s is the lines of a pipe", async (command, shown) => {
  const out = await on({ TERM: "dumb" }, command, shown);
  expect(out).not.toContain("\x1b");
  expect(out).toContain(command === "trace -f JID" ? "dispatched" : "cmd.run");
});

test("dumb: nothing changes in place while jobs are waited for", async () => {
  const running = new Running(["job", "wait", jid, "--for", "1s"], { ...env, TERM: "dumb" }, { cols: 120, rows: 24 });
  expect(await running.ended()).toBe(124);
  expect(running.out).toMatch(/^error: timed out after 1s: 1 job had not ended/);
  expect(running.out).not.toContain("\x1b");
});

describe.each([
  ["linux", "\x1b[36mrunning\x1b[39m"],
  ["vt100", "running"],
])("%s has one screen, and few colours", (TERM, running) => {
  test.each(["watch", "trace -f JID"])("%s", async (command) => {
    const out = await on({ TERM }, command, "running");
    expect(out).not.toContain("\x1b[?1049");
    expect(out).not.toContain("38;5");
    expect(out).toContain(running);
    if (TERM === "vt100") expect(out).not.toMatch(/\x1b\[\d*m/);
    expect(out).toStartWith("\x1b[H\x1b[J");
    expect(out).toEndWith("\x1b[H\x1b[J");
  });
});

test.each([
  [{ TERM: "xterm" }, "\x1b[36mrunning\x1b[39m"],
  [{ TERM: "screen" }, "\x1b[36mrunning\x1b[39m"],
  [{ TERM: "xterm-256color" }, "\x1b[38;5;31mrunning\x1b[39m"],
  [{ TERM: "tmux-256color" }, "\x1b[38;5;31mrunning\x1b[39m"],
  [{ TERM: "xterm-kitty" }, "\x1b[38;5;31mrunning\x1b[39m"],
  [{ TERM: "xterm", COLORTERM: "truecolor" }, "\x1b[38;5;31mrunning\x1b[39m"],
])("colours of %j", async (terminal, painted) => {
  for (const command of ["watch", "list"]) expect(await on(terminal, command, "running")).toContain(painted);
});

test.each(["0", "false", "False"])("no colours with FORCE_COLOR=%s", async (FORCE_COLOR) => {
  expect(await on({ TERM: "xterm", FORCE_COLOR }, "list", "running")).not.toContain("\x1b[");
});

test.each([
  [{ LANG: "C" }, "#####.....", /[█░]/],
  [{ LANG: "en_US.UTF-8", LC_ALL: "POSIX" }, "#####.....", /[█░]/],
  [{ LANG: "en_US.UTF-8" }, "█████░░░░░", /#####/],
])("bars in the locale %j", async (locale, bar, other) => {
  const out = await on({ TERM: "xterm", ...locale }, "watch JID", "1/2");
  expect(out).toContain(bar);
  expect(out).not.toMatch(other);
});
