// .ci/setup: what it installs for which command, and how little it says.
import { expect, test } from "bun:test";
import { chmodSync, existsSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run, tempDir } from "../../support/harness.ts";

const SETUP = join(import.meta.dir, "../../../.ci/setup");
const TOOLS = ["sh", "node", "dirname", "id", "uname", "mktemp", "rm", "cat", "mkdir", "env", "chmod"];
const ROOT = process.getuid?.() === 0;
/** One that setup built here: then nothing is missing. */
const CACHED = existsSync(join(import.meta.dir, "../../../node_modules/.cache/nats-server"));
const SILENT = { stdout: "", stderr: "", code: 0 };

/** A machine where nothing but these tools is, and an apt-get that talks a lot. */
function machine(installs: boolean) {
  const folder = tempDir();
  for (const tool of TOOLS) symlinkSync(Bun.which(tool) as string, join(folder, tool));
  const server = join(folder, "nats-server");
  const install = installs ? `printf '#!/bin/sh\\n' >${server}; chmod +x ${server}` : "echo 'E: broken'; exit 100";
  const apt = join(folder, "apt-get");
  writeFileSync(
    apt,
    `#!/bin/sh\necho "Reading package lists... $*"; echo "W: noise" >&2\ncase "$*" in *install*) ${install};; esac\n`,
  );
  chmodSync(apt, 0o755);
  const setup = (mode: string) => run(["sh", SETUP, mode], { env: { PATH: folder } });
  return { setup, forget: () => rmSync(server, { force: true }) };
}

const MISSING =
  "setup: nats-server is missing and could not be installed: install it (Debian: apt-get install nats-server),\n" +
  "setup: or set NATS_SERVER to the path of one (2.9 or newer), then run this again.\n";

test("to run a fleet: a nats-server and nothing else, in one line; then not a word", async () => {
  const { setup, forget } = machine(true);
  const first = await setup("run");
  if (CACHED) return expect(first).toEqual(SILENT);
  if (!ROOT) return expect(first).toEqual({ stdout: "", stderr: MISSING, code: 1 });
  expect(first).toEqual({ stdout: "", stderr: "setup: installing nats-server with apt-get\n", code: 0 });
  expect(await setup("run")).toEqual(SILENT);
  forget();
  expect(await setup("build")).toEqual(SILENT);
});

test("what apt-get prints is told when it fails", async () => {
  const { setup } = machine(false);
  const { stdout, stderr, code } = await setup("run");
  if (CACHED) return expect({ stdout, stderr, code }).toEqual(SILENT);
  expect([stdout, code]).toEqual(["", 1]);
  expect(stderr).toEndWith(MISSING);
  if (ROOT) expect(stderr).toContain("noise\nE: broken\nsetup: not all of that could be installed\n");
});
