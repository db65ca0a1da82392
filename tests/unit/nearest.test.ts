import { expect, test } from "bun:test";
import { nearest } from "../../lib/nearest.ts";

const COMMANDS = ["list", "show", "watch", "wait", "trace", "active", "kill"];
const FLAGS = ["--state", "--since", "--target", "--tls-first", "--timeout", "--no-color"];

test.each([
  ["lsit", COMMANDS, "list"],
  // Two letters that changed places are nearer than two others.
  ["wiat", COMMANDS, "wait"],
  ["kil", COMMANDS, "kill"],
  ["actve", COMMANDS, "active"],
  ["watchh", COMMANDS, "watch"],
  ["--tagret", FLAGS, "--target"],
  ["--stat", FLAGS, "--state"],
  ["--tls", FLAGS, "--tls-first"],
  ["--color", FLAGS, "--no-color"],
  ["--server", FLAGS, undefined],
  // At most a third of the letters differ.
  ["--foo", ["--from"], undefined],
  ["xml", ["yaml"], undefined],
  ["yml", ["yaml"], "yaml"],
  ["foo", ["ok"], undefined],
  ["delete", COMMANDS, undefined],
  ["list".repeat(11), COMMANDS, undefined],
  ["", COMMANDS, undefined],
  ["list", [], undefined],
] as [string, string[], string | undefined][])("%s", (text, names, meant) => {
  expect(nearest(text, names)).toBe(meant === undefined ? "" : ` Did you mean ${meant}?`);
});
