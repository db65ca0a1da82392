// Ctrl-Z, `fg`, `bg` and `&` in a real shell: a picture gives the terminal back, and takes it when it is its turn.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { hang, ok, serveFleet } from "../support/fleet.ts";
import { tempDir, ZESTER } from "../support/harness.ts";
import { Shell } from "../support/shell.ts";

const { fleet, env, stop } = await serveFleet();
let jid: string;
beforeAll(async () => {
  jid = await fleet.dispatch({
    fn: "cmd.run",
    args: { command: "sleep 600" },
    peels: { "web-01": hang, "web-02": ok },
  });
});
afterAll(stop);

const CTRL_Z = "\x1a";
const [ENTER, LEAVE] = ["\x1b[?1049h", "\x1b[?25h\x1b[?1049l"];

/** A shell with job control, and what it has written since `mark`. */
class Jobs extends Shell {
  #from = 0;

  static async start(term = "xterm-256color"): Promise<Jobs> {
    const PATH = `${dirname(ZESTER)}:${process.env.PATH}`;
    const rc = join(tempDir(), "rc");
    writeFileSync(rc, "PS1='ready> '\nbind 'set enable-bracketed-paste off'\n");
    const shell = new Jobs(["bash", "--rcfile", rc, "-i"], { ...env, PATH, TERM: term, LANG: "C.UTF-8" });
    await shell.until((screen) => screen.includes("ready> "));
    return shell;
  }

  /** Types a line; what is looked at from now on comes after it. */
  line(text: string): void {
    this.#from = this.raw.length;
    this.press(`${text}\r`);
  }

  get since(): string {
    return this.raw.slice(this.#from);
  }

  async sees(text: string | RegExp): Promise<void> {
    await this.until(() => (typeof text === "string" ? this.since.includes(text) : text.test(this.since)));
  }

  async stopped(): Promise<void> {
    this.#from = this.raw.length;
    this.press(CTRL_Z);
    await this.sees(/Stopped[^\n]*\n.*ready> $/);
  }

  /** Longer than the time between two pictures. */
  async wait(): Promise<void> {
    this.press("sleep 1.3; echo over-$((1 + 1))\r");
    await this.sees("over-2");
  }
}

async function inShell(work: (shell: Jobs) => Promise<void>, term?: string): Promise<void> {
  const shell = await Jobs.start(term);
  try {
    await work(shell);
  } finally {
    await shell.close();
  }
}

test.each([
  ["watch", "1 active"],
  ["watch JID", "web-01"],
  ["trace -f JID", "web-01"],
])(
  "%s: the screen comes back with Ctrl-Z, and the picture with fg; in the background nothing is drawn",
  (command, shown) =>
    inShell(async (shell) => {
      shell.line(`zester job ${command.replace("JID", jid)}`);
      await shell.sees(ENTER);
      await shell.sees(shown);
      await shell.stopped();
      expect(shell.since.split(LEAVE)).toHaveLength(2);
      expect(shell.since.split(LEAVE)[1]).toMatch(/^\r?\n\[1\]\+ +Stopped/);
      shell.line("fg");
      await shell.sees(ENTER);
      await shell.until(() => shell.since.slice(shell.since.indexOf(ENTER)).includes(shown));
      await shell.stopped();
      shell.line("bg");
      await shell.sees("&");
      await shell.wait();
      expect(shell.since).not.toContain("\x1b[H");
      // It runs already: no signal says that it is in the foreground now.
      shell.line("fg");
      await shell.sees(ENTER);
      shell.press("?");
      await shell.sees("move a page");
      shell.press("\x03");
      await shell.sees(LEAVE);
    }),
);

test("wait: the line on what is waited for", () =>
  inShell(async (shell) => {
    shell.line(`zester job wait ${jid}`);
    await shell.sees("running");
    await shell.stopped();
    expect(shell.since).toMatch(/^(\^Z)?\r\x1b\[K\r?\n\[1\]\+ +Stopped/);
    shell.line("bg");
    await shell.sees("&");
    await shell.wait();
    expect(shell.since).not.toContain("running");
    shell.line("fg");
    await shell.sees("running");
    shell.press("\x03");
    await shell.sees("ready> ");
  }));

test("the questions of kill and retry are asked again", () =>
  inShell(async (shell) => {
    shell.line("zester job kill --function cmd.run");
    await shell.sees("[y/N]");
    await shell.stopped();
    shell.line("fg");
    await shell.sees("[y/N]");
    shell.line("n");
    await shell.sees("Nothing canceled.");
    shell.line(`zester job retry ${jid} --force`);
    await shell.sees("[y/N]");
    await shell.stopped();
    shell.line("fg");
    await shell.sees("[y/N]");
    shell.line("n");
    await shell.sees("ready> ");
  }));

test.each([
  ["watch", /cmd\.run/],
  ["trace -f JID", /web-01/],
  ["watch JID", /web-02/],
])("%s &: the lines of a pipe", (command, shown) =>
  inShell(async (shell) => {
    shell.line(`zester job ${command.replace("JID", jid)} &`);
    await shell.sees(shown);
    await shell.wait();
    expect(shell.since).not.toContain("\x1b[");
    shell.line("kill %1; wait");
    await shell.sees("ready> ");
  }),
);
