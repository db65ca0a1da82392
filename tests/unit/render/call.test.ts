// What a job does, in a few words.
import { expect, test } from "bun:test";
import type { Value } from "../../../lib/codec/value.ts";
import { jobRow } from "../../../lib/model/job.ts";
import { callOf, wholeCall } from "../../../lib/render/call.ts";

const record = (fn: string | undefined, args: Record<string, Value> | undefined, fields: Record<string, Value> = {}) =>
  new Map<string, Value>(
    Object.entries({
      ...(fn === undefined ? {} : { function: fn }),
      args: args === undefined ? null : new Map(Object.entries(args)),
      ...fields,
    }),
  );

test.each([
  ["state.apply", { state: "nginx" }, {}, "state.apply nginx"],
  ["state.apply", { state: "nginx", name: "other" }, { state_id: "web.tls" }, "state.apply web.tls"],
  ["state.apply", { test: true, state_id: "web.tls" }, {}, "state.apply web.tls"],
  ["pkg.installed", { refresh: true, name: "postgresql" }, {}, "pkg.installed postgresql"],
  ["cmd.run", { command: "sleep 600", cwd: "/" }, {}, 'cmd.run "sleep 600"'],
  ["cmd.run", { name: "", command: "true" }, {}, "cmd.run true"],
  ["x.y", { depth: 3.5, name: null }, {}, "x.y 3.5"],
  ["test.ping", undefined, {}, "test.ping"],
  // As masters write them.
  ["cmd.run", { command: "uptime" }, { state_id: "ad-hoc" }, "cmd.run uptime"],
  ["state.highstate", {}, { state_id: "highstate" }, "state.highstate"],
  ["test.ping", {}, { state_id: "" }, "test.ping"],
  [undefined, { name: "a" }, {}, "- a"],
  ["a\x1b[2J", { name: "b\nc" }, {}, 'a\\x1b[2J "b\\nc"'],
] as [string | undefined, Record<string, Value> | undefined, Record<string, Value>, string][])(
  "%s %j %j is %s",
  (fn, args, fields, words) => {
    const job = record(fn, args, fields);
    expect(wholeCall(job, jobRow("j", job))).toBe(words);
  },
);

test("without its record a job is its function; long words lose their middle", () => {
  const job = record("cmd.run", { command: `/usr/local/bin/backup --all --target ${"x".repeat(80)}/last.tar` });
  const row = jobRow("j", job);
  expect(callOf(undefined, row)).toBe("cmd.run");
  expect(callOf(job, row, 30)).toBe('cmd.run "/usr/local/…last.tar"');
});
