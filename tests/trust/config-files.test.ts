// Config files that are hostile: a clear error, in time.
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import fc from "fast-check";
import { UserError } from "../../lib/errors.ts";
import { readConfig } from "../../lib/settings/config-file.ts";
import { secretFile } from "../support/credentials.ts";
import { zester } from "../support/harness.ts";
import { expectError } from "../support/outcome.ts";

const bomb = Array.from({ length: 12 }, (_, i) =>
  i === 0
    ? "a0: &a0 [x,x,x,x,x,x,x,x,x]"
    : `a${i}: &a${i} [${Array(9)
        .fill(`*a${i - 1}`)
        .join(",")}]`,
).join("\n");
test.each([
  ["an alias of nothing", "nats_url: *s3cret\n", "has no anchor"],
  ["an alias of nothing as the map", "master: *s3cret\n", "has no anchor"],
  ["an alias of nothing elsewhere", "a: [*x]\nnats_url: nats://127.0.0.1:1\n", "has no anchor"],
  ["an alias bomb", `${bomb}\nnats_url: nats://127.0.0.1:1\n`, "the aliases repeat each other too often"],
  ["nesting", `a: ${"[".repeat(50_000)}`, "line 1: "],
  ["nesting that closes", `a: ${"[".repeat(50_000)}${"]".repeat(50_000)}`, "nested too deeply"],
  ["only a comma", 'nats_url: ","\n', "nats_url names no server"],
  ["a tag that is a secret", "nats_url: !s3cret [\n", "line "],
])("%s", async (_, text, words) => {
  expectError(
    await zester(["job", "list", "--timeout", "1s", "--config", secretFile("c.yaml", text)]),
    "config file ",
    words,
  );
});

test("an alias counts as what it stands for, in either kind of file", async () => {
  for (const text of ["a: &x nats://h:1\nnats_url: *x\n", "a: &x { urls: h:1 }\nmaster: *x\n"]) {
    const { stdout } = await zester(["config", "--config", secretFile("c.yaml", text)]);
    expect(stdout).toMatch(/^master +(nats:\/\/)?h:1 /m);
  }
});

test("any YAML gives settings or a clear error", async () => {
  const words = ["nats_url", "master", "urls", ":", " ", "\n", "  ", "- ", "&a", "*a", "<<", "{", "}", "[", "]"];
  const more = ["!!str", "!x", "?", "|", ">", '"', "'", ",", "#", "---", "%", "\\", "~", "null", "1", "h"];
  const soup = fc.array(fc.constantFrom(...words, ...more), { maxLength: 25 }).map((parts) => parts.join(""));
  const path = secretFile("c.yaml", "");
  await fc.assert(
    fc.asyncProperty(soup, async (text) => {
      writeFileSync(path, text);
      try {
        const { urls } = await readConfig(path, {}, () => {});
        expect(urls?.length).not.toBe(0);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
      }
    }),
    { numRuns: 1500 },
  );
});
