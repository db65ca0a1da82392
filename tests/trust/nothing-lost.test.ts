// Every entry of a stored map and every sign is in the output, and the reader means the same as an independent one.
import { expect, test } from "bun:test";
import { Decoder, ExtData, ExtensionCodec, encode as pack } from "@msgpack/msgpack";
import fc from "fast-check";
import { parse as parseYaml } from "yaml";
import { decode, decodeRecord, Undecodable } from "../../lib/codec/decode.ts";
import { toJson, toJsonLine } from "../../lib/codec/json.ts";
import { toYaml } from "../../lib/codec/yaml.ts";
import { createBuckets, encode, jobRecord, startServer, zester } from "../support/harness.ts";

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
const line = (bytes: Uint8Array) => toJsonLine(decode(bytes));

test.each([
  ['1 and "1"', "82 01 a1 61 a1 31 a1 62", '{"1 (1)":"a","1":"b"}'],
  ['"1" and 1', "82 a1 31 a1 62 01 a1 61", '{"1 (1)":"b","1":"a"}'],
  ["a text twice", "82 a1 61 01 a1 61 02", '{"a (1)":1,"a":2}'],
  ["three times, with another between", "84 a1 61 01 a1 62 05 a1 61 02 a1 61 03", '{"a (1)":1,"b":5,"a (2)":2,"a":3}'],
  ["a name that is taken", "83 a1 61 01 a5 61 20 28 31 29 02 a1 61 03", '{"a (2)":1,"a (1)":2,"a":3}'],
  [
    "nil, true, 1.5 and bytes",
    "84 c0 01 c3 02 cb 3f f8 00 00 00 00 00 00 03 c4 02 ff fe 04",
    '{"null":1,"true":2,"1.5":3,"//4=":4}',
  ],
  ["a list and a map", "82 92 01 02 03 81 a1 61 01 04", '{"[1,2]":3,"{\\"a\\":1}":4}'],
  [
    "an extension and a time",
    "82 d4 05 2a 01 d6 ff 69 68 b3 98 02",
    '{"{\\"ext\\": 5, \\"data\\": \\"Kg==\\"}":1,"2026-01-15T09:30:00Z":2}',
  ],
  ["0 and -0.0", "82 00 01 cb 80 00 00 00 00 00 00 00 02", '{"0":1,"-0.0":2}'],
  ["two that are no UTF-8", "82 a1 ff 01 a1 fe 02", '{"\ufffd (1)":1,"\ufffd":2}'],
  ["inside", "91 82 01 01 a1 31 02", '[{"1 (1)":1,"1":2}]'],
])("keys: %s", (_, bytes, json) => expect(line(hex(bytes))).toBe(json));

test("keys: twice in JSON", () =>
  expect(line(Buffer.from('{"a":1,"b":{"x":1,"x":2},"a":3}'))).toBe('{"a (1)":1,"b":{"x (1)":1,"x":2},"a":3}'));

test("keys: lists as keys of keys are refused, they would double at each level", () =>
  expect(() => decode(Buffer.concat([Buffer.alloc(400, 0x81), hex("c0 c0")]))).toThrow("the key of a key"));

test("one key 50,000 times, and all the names that it could get", () => {
  const entries = Array.from({ length: 50_000 }, (_, i) => `"a":${i},"a (${i + 1})":0`);
  const map = decode(Buffer.from(`{${entries.join(",")}}`));
  expect((map as Map<string, unknown>).size).toBe(100_000);
}, 20_000);

test("maps whose keys repeat at random keep every entry, in order; the last has the name", () => {
  const key = fc.constantFrom<unknown>("1", 1, "a", "a (1)", "1 (1)", "1 (2)", null, "null", true, "true", 1.5, "1.5");
  fc.assert(
    fc.property(fc.array(key, { maxLength: 15 }), (keys) => {
      const bytes = Buffer.concat([
        Buffer.of(0x80 + keys.length),
        ...keys.flatMap((name, i) => [pack(name), Buffer.of(i)]),
      ]);
      const shown = [...(decode(bytes) as Map<string, number>)];
      expect(shown.map(([, value]) => value)).toEqual(keys.map((_, i) => i));
      for (const [i, name] of keys.entries()) {
        const isLast = !keys
          .slice(i + 1)
          .map(String)
          .includes(String(name));
        expect((shown[i]?.[0] ?? "") === String(name)).toBe(isLast);
        expect(shown[i]?.[0]).toStartWith(String(name));
      }
    }),
    { numRuns: 1000 },
  );
});

test.each([
  ["a double", hex("81 a1 61 cb 80 00 00 00 00 00 00 00"), "-0.0"],
  ["a float", hex("81 a1 61 ca 80 00 00 00"), "-0.0"],
  ["JSON -0.0", Buffer.from('{"a":-0.0}'), "-0.0"],
  ["JSON -0", Buffer.from('{"a":-0}'), "-0"],
  ["JSON -0e5", Buffer.from('{"a":-0e5}'), "-0e5"],
])("%s: negative zero keeps its sign", (_, bytes, text) => {
  const value = decode(bytes);
  expect(toJsonLine(value)).toBe(`{"a":${text}}`);
  expect(Object.is(JSON.parse(toJson(value)).a, -0)).toBe(true);
  expect(toYaml(value)).toBe(`"a": ${text.replace("0e5", "0.0e+5")}\n`);
  expect(Object.is(parseYaml(toYaml(value)).a, -0)).toBe(true);
});

test("numbers of JSON records keep every digit in YAML too", () =>
  expect(toYaml(decode(Buffer.from("[0.10,1e400,12345678901234567890,1.000000000000000000001]")))).toBe(
    "- 0.10\n- 1.0e+400\n- 12345678901234567890\n- 1.000000000000000000001\n",
  ));

/** The kept library as oracle: keys are made unique, so that it drops none, and marked, so that it refuses none. */
let entry = 0;
const extensionCodec = new ExtensionCodec();
// Times are compared as bytes: the library's own Date has milliseconds.
extensionCodec.register({ type: -1, encode: () => null, decode: (data) => new ExtData(-1, data.slice()) });
const oracle = new Decoder({
  extensionCodec,
  useBigInt64: true,
  keyDecoder: {
    canBeCached: () => true,
    decode: (bytes, at, length) => `:${Buffer.from(bytes.slice(at, at + length)).toString()}`,
  },
  mapKeyConverter: (key) => `${++entry}${typeof key === "string" ? key : `:${JSON.stringify(key, plain)}`}`,
});
const plain = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);

/** What the library made, as a line in which keys are numbered instead of renamed. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shape);
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString("hex")}`;
  if (value instanceof ExtData) return "extension";
  if (typeof value === "object" && value !== null) return Object.values(value).map(shape);
  return typeof value === "bigint" || Object.is(value, -0) || Number.isNaN(value) ? `number ${String(value)}` : value;
}
function shapeOfOurs(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOfOurs);
  if (value instanceof Map) return [...value.values()].map(shapeOfOurs);
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString("hex")}`;
  if (typeof value === "object" && value !== null) return "extension";
  return shape(value);
}

test("the same bytes are values here and in the library, and the same values", () => {
  const wellFormed = fc.letrec((tie) => ({
    node: fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc.integer(),
      fc.double(),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
      fc.string({ unit: "binary", maxLength: 300 }).filter((text) => text.isWellFormed()),
      fc.uint8Array({ maxLength: 300 }),
      fc
        .tuple(fc.integer({ min: 0, max: 127 }), fc.uint8Array({ maxLength: 20 }))
        .map(([type, data]) => new ExtData(type, data)),
      fc.array(tie("node"), { maxLength: 20 }),
      fc.dictionary(fc.string({ maxLength: 40 }), tie("node"), { maxKeys: 20 }),
    ),
  })).node;
  const whole = wellFormed.map((value) => pack(value, { useBigInt64: true }));
  const cut = fc.tuple(whole, fc.nat(), fc.nat(255), fc.boolean()).map(([bytes, at, byte, shorter]) => {
    const copy = Uint8Array.from(bytes);
    copy[at % copy.length] = byte;
    return shorter ? copy.slice(0, 1 + (at % copy.length)) : copy;
  });
  let readable = 0;
  fc.assert(
    fc.property(fc.oneof(whole, cut, fc.uint8Array({ minLength: 1, maxLength: 30 })), (bytes) => {
      fc.pre(bytes[0] !== 0x7b && bytes[0] !== 0x5b);
      let theirs: unknown;
      try {
        theirs = { value: shape(oracle.decode(bytes)) };
      } catch {}
      let ours: unknown;
      try {
        ours = { value: shapeOfOurs(decode(bytes)) };
        readable++;
      } catch (error) {
        expect(error).toBeInstanceOf(Undecodable);
        if (/the key of a key/.test((error as Error).message)) return;
      }
      expect(ours === undefined).toBe(theirs === undefined);
      // What is no UTF-8 is read differently: the library takes the bytes behind it for a part of it.
      if (!JSON.stringify([ours, theirs]).includes("\ufffd") && isUtf8(theirs)) expect(ours).toEqual(theirs as object);
    }),
    { numRuns: 1500 },
  );
  expect(readable).toBeGreaterThan(400);
});

/** True unless the library's reading of a short text shows that it was none: it makes a control or surrogate of broken ones. */
function isUtf8(value: unknown): boolean {
  return (JSON.stringify(value) ?? "").isWellFormed();
}

test("JSON: what JSON.parse takes is taken, and means the same; what it refuses is refused", () => {
  const piece = fc.constantFrom(
    ...["{", "}", "[", "]", ",", ":", '"', '"a"', '"b":', "1", "-", "0", ".5", "e3", "E-1", "true", "null", "fals"],
    ...[" ", "\n", "\t", "\u00a0", "\\", "\\u00", "\\n", "\x01", "é", "//", "01", "+1", "NaN", "Infinity", "'"],
  );
  const pieces = fc.array(piece, { maxLength: 8 }).map((parts) => parts.join(""));
  const mixed = fc.tuple(fc.json(), fc.nat(), piece).map(([text, at, extra]) => {
    const to = at % (text.length + 1);
    return text.slice(0, to) + extra + text.slice(to);
  });
  const text = fc.oneof(
    fc.json().map((json) => `[${json}]`),
    mixed,
    pieces.map((part) => `[${part}`),
    pieces.map((part) => `[${part}]`),
  );
  fc.assert(
    fc.property(text, (json) => {
      fc.pre(/^[[{]/.test(json) && json.isWellFormed());
      let theirs: unknown;
      try {
        theirs = JSON.parse(json);
      } catch {}
      let ours: unknown;
      try {
        ours = JSON.parse(toJson(decode(Buffer.from(json))));
      } catch (error) {
        expect(error).toBeInstanceOf(Undecodable);
      }
      // A key that stands twice is two of ours.
      if (ours && theirs && /\(\d+\)/.test(JSON.stringify(ours))) return;
      expect(ours).toEqual(theirs as object);
    }),
    { numRuns: 3000 },
  );
});

test("fields alone: the last of a key that stands twice, as in the whole record", () => {
  const bytes = Buffer.concat([hex("82"), pack("status"), pack("running"), pack("status"), pack("complete")]);
  expect(decodeRecord(bytes, ["status"]).get("status")).toBe("complete");
  expect(decodeRecord(bytes).get("status")).toBe("complete");
});

test("text that is no UTF-8 is marked, and ends where it ends", () =>
  expect(line(hex("82 a1 61 a2 61 e4 a1 62 a1 63"))).toBe('{"a":"a\ufffd","b":"c"}'));

test("the executable", async () => {
  const server = await startServer();
  const nc = await server.connect();
  const { jobs } = await createBuckets(nc);
  const args = hex("83 01 a1 61 a1 31 a1 62 a1 7a cb 80 00 00 00 00 00 00 00");
  const record = encode(jobRecord("j1", { args: null }));
  const at = Buffer.from(record).indexOf(Buffer.concat([pack("args"), hex("c0")])) + 5;
  await jobs.put("j1", Buffer.concat([record.subarray(0, at), args, record.subarray(at + 1)]));
  const { stdout } = await zester(["job", "show", "j1"], { env: { NATS_URL: server.url } });
  expect(stdout).toContain('"args": {\n    "1 (1)": "a",\n    "1": "b",\n    "z": -0.0\n  }');
  await nc.close();
  await server.stop();
});

test("half a pair of surrogates in JSON is U+FFFD in every format", async () => {
  const server = await startServer();
  const nc = await server.connect();
  const { jobs, returns } = await createBuckets(nc);
  const created = new Date(Date.now() - 60_000).toISOString();
  const half = "cut: \ud83d";
  const whole = "cut: \ufffd";
  const job = {
    jid: "sur1",
    function: half,
    args: { s: half, [half]: 1, "\udc00": 2 },
    user: half,
    targets: ["web-01"],
  };
  const record = { ...job, status: "failed", created, updated: created };
  await jobs.put("sur1", JSON.stringify(record));
  await jobs.put("ok1", JSON.stringify({ ...record, jid: "ok1", function: "test.ping", args: {}, user: "ops" }));
  const returned = { jid: "sur1", peel_id: "web-01", success: false, error: half, return_data: { [half]: half } };
  await returns.put("sur1.web-01", JSON.stringify({ ...returned, timestamp: created }));
  const event = { jid: "sur1", type: "completed", data: { status: half, returns: 1 }, timestamp: created };
  await nc.jetstream().publish("zester.job.sur1.status", JSON.stringify(event));
  for (const [words, formats] of [
    ["list --columns jid,function,args.s,user", ["text", "json", "jsonl", "yaml", "csv"]],
    ["list -q", ["text", "json", "yaml"]],
    ["show sur1", ["text", "json", "yaml"]],
    ["show sur1 --summary", ["text"]],
    ["show sur1 --output", ["text"]],
    ["trace sur1", ["text", "json", "jsonl", "yaml"]],
    ["errors", ["text", "json", "jsonl", "yaml", "csv"]],
    ["history web-01", ["text", "json", "jsonl", "yaml", "csv"]],
    ["grep cut", ["text", "json", "jsonl", "yaml", "csv"]],
    ["stats", ["text", "json", "yaml", "csv", "openmetrics"]],
  ] as const) {
    for (const format of formats) {
      const args = ["job", ...words.split(" "), "--format", format];
      const { stdout, stderr } = await zester(args, { env: { NATS_URL: server.url } });
      expect([args, stdout.includes(whole), /\\?ud83d|\\?udc00/.test(stdout + stderr)]).toEqual([
        args,
        words !== "list -q",
        false,
      ]);
      if (format === "json") JSON.parse(stdout);
      if (format === "yaml") for (const version of ["1.1", "1.2"] as const) parseYaml(stdout, { version });
    }
  }
  // What the record says cannot be sent: a retry would send something else.
  const { stderr, code } = await zester(["job", "retry", "sur1", "--yes"], { env: { NATS_URL: server.url } });
  expect([stderr.includes("Nothing was sent."), code]).toEqual([true, 1]);
  await nc.close();
  await server.stop();
});
