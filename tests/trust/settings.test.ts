// Which server is meant: no secret of a URL is shown, and whatever was given but names no server is an error, never
// localhost.
import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { UserError } from "../../lib/errors.ts";
import { maskUrl, parseUrl, splitUrls } from "../../lib/settings/server-url.ts";
import { secretFile } from "../support/credentials.ts";
import { run, startServer, tempDir, ZESTER, zester } from "../support/harness.ts";
import { expectError } from "../support/outcome.ts";
import { inRoot, libraries, makeRoot, PATH } from "../support/roots.ts";

/** Characters that passwords have, commas above all; those that URLs reserve are escaped, as they must be. */
const secret = fc
  .array(fc.constantFrom(",", ",", "a", "B", "7", ".", "-", "%", "@", ":", "/", "é", "$"), {
    minLength: 1,
    maxLength: 12,
  })
  .map((chars) => chars.join(""));
const escaped = (text: string) => encodeURIComponent(text).replaceAll("%2C", ",");
const host = fc.constantFrom("h1", "10.0.0.1", "[::1]", "db.example:4223", "x-y:1");
const scheme = fc.constantFrom("nats://", "tls://");
const withLogin = fc.oneof(
  fc
    .tuple(
      secret.filter((user) => !user.includes(",")),
      secret,
    )
    .map(([user, pass]) => ({
      login: `${encodeURIComponent(user)}:${escaped(pass)}@`,
      auth: { user, pass },
    })),
  secret.map((token) => ({ login: `${escaped(token)}@`, auth: { token } })),
  fc.constant({ login: "", auth: {} }),
);

/** The parts of a URL, or nothing when it is refused as ambiguous. */
function parsed(url: string) {
  try {
    return parseUrl(url);
  } catch (error) {
    expect((error as UserError).message).toContain("a comma before an @");
    return undefined;
  }
}

describe("a comma in a password or a token", () => {
  test("lists of URLs with schemes are split between the URLs and nowhere else", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(scheme, withLogin, host), { minLength: 1, maxLength: 4 }),
        fc.constantFrom(",", ", ", ",\n", " ,"),
        (list, separator) => {
          const urls = list.map(([start, { login }, at]) => `${start}${login}${at}`);
          expect(splitUrls(urls.join(separator))).toEqual(urls);
          for (const [i, [, { auth }]] of list.entries()) {
            const found = parsed(urls[i] as string);
            if (found) expect(found.auth).toEqual(auth);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("hosts without schemes are split at each comma", () => {
    expect(splitUrls("h1,h2:4223, 10.0.0.1 ,,u:pa,ss@h3,h4")).toEqual(["h1,h2:4223, 10.0.0.1 ,,u:pa,ss@h3", "h4"]);
    expect(splitUrls("h1,h2:4223, 10.0.0.1 ,,[::1]:1,")).toEqual(["h1", "h2:4223", "10.0.0.1", "[::1]:1"]);
  });

  test("what could be a list as well as a password is refused, and not repeated", () => {
    for (const url of [
      "h1:4222,s3cret:s3cret@h2",
      "h1,s3cret:s3cret@h2",
      "nats://s3cret:12,s3cret@h",
      "nats://u:s3cret@s3cret,s3cret@h",
      "[::1],u:s3cret@h",
    ]) {
      const [only = "", ...more] = splitUrls(url);
      expect(more).toEqual([]);
      expect(() => parseUrl(only)).toThrow("a comma before an @");
      expect(() => parseUrl(only)).not.toThrow("s3cret");
    }
  });

  test("a server takes it, and nothing shows it", async () => {
    const pass = "s3cret,4222,more,";
    for (const [auth, login] of [
      [`user: ops, password: "${pass}"`, `ops:${pass}`],
      [`token: "${pass}"`, pass],
    ] as const) {
      const server = await startServer(`authorization { ${auth} }`);
      const url = `nats://${login}@127.0.0.1:${server.port}`;
      const dead = "nats://a:s3cret,s3cret@127.0.0.1:1";
      for (const [flags, env] of [
        [["--master", url], {}],
        [["--master", "127.0.0.1:1", "--master", url.replace("nats://", "")], {}],
        [[], { NATS_URL: `${dead},${url}` }],
        [["--config", secretFile("c.yaml", `master: { urls: ["${dead},${url}"] }`)], {}],
        [["--config", secretFile("c.yaml", `nats_url: ${url}`)], {}],
      ] as [string[], Record<string, string>][]) {
        expectError(await zester(["job", "list", ...flags], { env }), 'no bucket "jobs"');
        const shown = await zester(["config", ...flags], { env });
        expect(shown.stdout).toContain(`nats://***@127.0.0.1:${server.port}`.slice(7));
        expect(shown.stdout + shown.stderr).not.toContain("s3cret");
      }
      const wrong = url.replace("s3cret,", "s3cret,,");
      expectError(
        await zester(["job", "list", "--master", `${dead},${wrong}`]),
        `127.0.0.1:1: connection refused; nats://127.0.0.1:${server.port}: the server does not accept`,
      );
      await server.stop();
    }
  });

  test("an invalid server URL is never repeated", async () => {
    const urls = [
      "nats://ops:s3cret",
      "ops:s3cret,s3cret",
      "nats://s3cret/s3cret@h",
      "nats://s3cret#s3cret@h",
      "nats://s3cret?s3cret@h",
      "nats://u:12#s3cret@h",
      "nats://s3cret\ts3cret@h",
      "s3cret://h",
      "nats://u:p@h/s3cret",
      "nats://h:s3cret@",
      "nats://u:s3cret@h:s3cret",
    ];
    for (const url of urls)
      for (const command of [["job", "list"], ["config"], ["config", "check"]])
        expectError(await zester([...command, "--master", url]), "invalid server URL");
    expectError(
      await zester(["config"], { env: { NATS_URL: "nats://h1,nats://u:s3cret" } }),
      "invalid server URL (2 of 2) from $NATS_URL",
    );
    // Anything before the @, escaped or not.
    const random = fc.array(fc.constantFrom(..."/@:?#,,,,%[]\\ \tu7é", "nats:", "%25", "s3cret", "s3cret"), {
      maxLength: 9,
    });
    fc.assert(
      fc.property(fc.constantFrom("", "nats://"), random, fc.constantFrom("@h.example", ""), (start, parts, end) => {
        for (const url of splitUrls(start + parts.join("") + end))
          try {
            const { shown } = parseUrl(url);
            if (end) expect(shown + maskUrl(url)).not.toContain("s3cret");
          } catch (error) {
            if (!(error instanceof UserError)) throw error;
            expect(`${error.message} ${error.hint}`).not.toContain("s3cret");
          }
      }),
      { numRuns: 3000 },
    );
    const url = "nats://u:s3cret@h";
    for (const [args, env] of [
      [["--context", url], {}],
      [["--config", url], {}],
      [[], { NATS_CONTEXT: url }],
      [[], { ZESTER_CONFIG: url }],
    ] as [string[], Record<string, string>][])
      expectError(await zester(["config", ...args], { env }), "contains a URL");
    // A key in the place of a value.
    const config = secretFile("c.yaml", "master: { 'nats://u:s3cret@h' }\n");
    expectError(await zester(["config", "--config", config]), "line 1: unknown key");
    const broken = secretFile("c.yaml", `nats_url: "nats://u:\\s3cret@h"\n`);
    expectError(await zester(["config", "--config", broken]), "line 1: invalid YAML");
  });
});

/** A home directory with a context of the nats command, a config file, or neither. */
function homeWith({ context, config }: { context?: object; config?: string }): string {
  const home = tempDir();
  const put = (path: string, text: string) => {
    mkdirSync(join(home, path, ".."), { recursive: true });
    writeFileSync(join(home, path), text, { mode: 0o600 });
  };
  if (context) put(".config/nats/context/c.json", JSON.stringify(context));
  if (config !== undefined) put(".zester/config.yaml", config);
  return home;
}

const list = (args: readonly string[], env: Record<string, string> = {}) =>
  zester(["job", "list", "--timeout", "1s", ...args], { env });

describe("what was given but names no server is an error, never localhost", () => {
  test.each([
    [["--master", ","], {}, "flag --master names no server"],
    [["--master", " "], {}, "flag --master names no server"],
    [["--master", ",", "--master", " , "], {}, "flag --master names no server"],
    [["--master="], {}, "--master needs a value"],
    [["--master", ""], {}, "--master needs a value"],
    [[], { NATS_URL: "," }, "$NATS_URL names no server"],
    [[], { NATS_URL: " \t" }, "$NATS_URL names no server"],
    [[], { NATS_CONTEXT: " " }, 'no NATS context " "'],
    [[], { ZESTER_CONFIG: " " }, "no such file"],
    [["--context", "c"], { HOME: homeWith({ context: { url: "," } }) }, "its url names no server"],
    [["--context", "c"], { HOME: homeWith({ context: { url: " " } }) }, "its url names no server"],
    [["--context", "c"], { HOME: homeWith({ context: { url: [] } }) }, "url must be text"],
    [["--context", "c"], { HOME: homeWith({ context: { URL: "nats://h" } }) }, "Did you mean url?"],
    [["--context", "c"], { HOME: homeWith({ context: { servers: ["h"] } }) }, "Did you mean url?"],
  ] as [string[], Record<string, string>, string][])("%j", async (args, env, words) =>
    expectError(await list(args, env), words),
  );

  test.each([
    ["nats_uri: nats://h\n", 'line 1: unknown key "nats_uri". Did you mean nats_url?'],
    ["nats_urls: [nats://h]\n", 'unknown key "nats_urls". Did you mean nats_url?'],
    ["nats: { url: nats://h }\n", 'unknown key "nats". Did you mean nats_url?'],
    ["log_level: info\nserver: tls://h\n", 'line 2: unknown key "server". Did you mean nats_url?'],
    ["servers: [nats://h]\n", 'unknown key "servers". Did you mean nats_url?'],
    ["masters: { urls: [h] }\n", 'unknown key "masters". Did you mean master?'],
    ["master: {}\n", "names no server"],
    ["master: { creds_file: /x }\n", "names no server"],
    ["master:\n", "line 1: master must be a map"],
    ["a: 1\nMaster: { urls: [h] }\n", 'line 2: unknown key "Master". Did you mean master?'],
    ["MASTER: { urls: [h] }\nmaster: { urls: [h] }\n", 'unknown key "MASTER". Did you mean master?'],
    ["natsurl: h\n", 'unknown key "natsurl". Did you mean nats_url?'],
    ["nats-url: h\n", 'unknown key "nats-url". Did you mean nats_url?'],
    ["NatsUrl: h\n", 'unknown key "NatsUrl". Did you mean nats_url?'],
    ["nats_url: h\nauthDir: /x\n", 'line 2: unknown key "authDir". Did you mean auth_dir?'],
    ["master: { Urls: [h] }\n", 'unknown key "Urls" under master. Did you mean urls?'],
    ['nats_url: ""\n', "line 1: nats_url names no server"],
    ["x: 1\nnats_url:\n", "line 2: nats_url names no server"],
    ['nats_url: ","\n', "line 1: nats_url names no server"],
    ["nats_url: [h]\n", "line 1: nats_url must be text"],
    ["master: { urls: }\n", "master.urls must be text"],
    ['master:\n  urls: ","\n', "line 2: master.urls names no server"],
    ['master: { urls: [h, ""] }\n', "line 1: an entry of master.urls names no server"],
    ["master: { urls: [h, ~] }\n", "line 1: an entry of master.urls must be text"],
    ["master: { urls: [] }\n", "line 1: master.urls is empty"],
  ])("config file %j", async (text, words) => {
    expectError(await list(["--config", secretFile("c.yaml", text)]), "config file ", words);
    expectError(await list([], { HOME: homeWith({ config: text }) }), "config file ", words);
  });

  test.each([
    "",
    "# nats_url: nats://h\n",
    "{}\n",
    "log_level: info\n",
    "reactor: { workers: 3 }\napi: { tokens: [] }\nstates_dir: /srv/states\nno_such_key: [1, { x: y }]\n",
    "nats_advertise_urls: [tls://nats.example.com:4222]\n",
    "a: &a [*a]\n",
  ])("a master's own file without an address means the master's default, and says so: %j", async (text) => {
    const HOME = homeWith({ config: text });
    const path = join(HOME, ".zester/config.yaml");
    const said = `note: config file ${path} names no server: using the default of the master, tls://nats:4222.\n`;
    const { stdout, stderr, code } = await zester(["config"], { env: { HOME } });
    expect([code, stderr]).toEqual([0, said]);
    expect(stdout).toContain("tls://nats:4222 ");
    const failed = await list([], { HOME });
    expect([failed.code, failed.stderr]).toEqual([
      1,
      expect.stringContaining(`${said}error: cannot connect to tls://nats:`),
    ]);
    // Nothing is assumed where a server is named.
    for (const [args, env] of [
      [["--master", "h"], {}],
      [[], { NATS_URL: "h" }],
    ] as [string[], Record<string, string>][])
      expect((await zester(["config", ...args], { env: { HOME, ...env } })).stderr).toBe("");
  });

  // Where a master keeps its credentials is the same on every machine: one with a root of its own is needed.
  test.skipIf(process.platform !== "linux")(
    "a master's file without auth_dir: its usual credentials and CA",
    async () => {
      const needed = await libraries(ZESTER);
      const root = makeRoot(ZESTER, Object.fromEntries(needed.map((path) => [path, path])));
      const auth = join(root, "var/lib/zester/auth");
      mkdirSync(join(root, "etc/zester"), { recursive: true });
      mkdirSync(auth, { recursive: true });
      writeFileSync(join(auth, "admin.creds"), "x", { mode: 0o600 });
      writeFileSync(join(auth, "nats-ca.crt"), "x");
      for (const [text, url] of [
        ["log_level: info\n", "tls://nats:4222"],
        ["nats_url: tls://h:4222\n", "tls://h:4222"],
      ] as const) {
        writeFileSync(join(root, "etc/zester/master.yaml"), text);
        const { stdout } = await inRoot(root, ["config"], true);
        const row = (setting: string) =>
          new RegExp(`^${setting} +(\\S+) +/etc/zester/master.yaml$`, "m").exec(stdout)?.[1];
        expect([row("master"), row("creds"), row("nats-ca")]).toEqual([
          url,
          "/var/lib/zester/auth/admin.creds",
          "/var/lib/zester/auth/nats-ca.crt",
        ]);
      }
      writeFileSync(join(root, "etc/zester/master.yaml"), "auth_dir: /elsewhere\nnats_ca: /my.crt\n");
      const { stdout } = await inRoot(root, ["config"], true);
      expect(stdout).not.toContain("admin.creds");
      expect(stdout).toContain("/my.crt ");
    },
  );

  test("a config file without server is fine when another source names one", async () => {
    const HOME = homeWith({ config: "master: { js_domain: hub }\n" });
    for (const [args, env] of [
      [["--master", "h"], {}],
      [[], { NATS_URL: "h" }],
    ] as [string[], Record<string, string>][]) {
      const { stdout, stderr } = await zester(["config", ...args], { env: { HOME, ...env } });
      expect(stderr).toBe("");
      expect(stdout).toMatch(/^master +h /m);
      expect(stdout).toMatch(/^js-domain +hub /m);
    }
    // As for the nats command, a context without URL means this machine: it says so.
    const { stdout } = await zester(["config", "--context", "c"], {
      env: { HOME: homeWith({ context: { url: "" } }) },
    });
    expect(stdout).toMatch(/^master +nats:\/\/localhost:4222 +context "c"$/m);
  });

  test("a folder that may hold the config file, and cannot be looked into", async () => {
    // Root looks into every folder; a link to itself stops it as well.
    const looped = tempDir();
    symlinkSync(".zester", join(looped, ".zester"));
    const words = `cannot tell whether config file ${looped}/.zester/config.yaml exists: ELOOP`;
    expectError(await list([], { HOME: looped }), words);
    expectError(await zester(["job", "kill", "j1"], { env: { HOME: looped } }), words);
    expect((await zester(["config", "--master", "h"], { env: { HOME: looped } })).code).toBe(0);
    // A link that leads nowhere is a config file that cannot be read.
    const broken = homeWith({ config: "" });
    const dangling = tempDir();
    mkdirSync(join(dangling, ".zester"));
    symlinkSync("/nonexistent", join(dangling, ".zester/config.yaml"));
    expectError(await list([], { HOME: dangling }), "no such file");
    // A folder without rights, as a user who is not root.
    chmodSync(join(broken, ".zester"), 0);
    chmodSync(broken, 0o755);
    const asAnother = process.getuid?.() === 0 ? ["setpriv", "--reuid=65534", "--clear-groups"] : [];
    const env = { ...PATH, HOME: broken };
    const { stdout, stderr, code } = await run([...asAnother, ZESTER, "job", "list"], { env });
    expect({ stdout, code }).toEqual({ stdout: "", code: 1 });
    expect(stderr).toContain("exists: EACCES");
    chmodSync(join(broken, ".zester"), 0o700);
  });

  // No other user may enter such a folder; root of a user namespace may.
  test.skipIf(process.getuid?.() !== 0)("/etc/zester that cannot be looked into", async () => {
    const needed = await libraries(ZESTER);
    const root = makeRoot(ZESTER, Object.fromEntries(needed.map((path) => [path, path])));
    mkdirSync(join(root, "etc/zester"), { recursive: true, mode: 0o755 });
    chmodSync(join(root, "etc/zester"), 0);
    const words = "cannot tell whether config file /etc/zester/master.yaml exists: EACCES";
    expectError(await inRoot(root, ["config"], true), words);
    expect((await inRoot(root, ["config", "--master", "h"], true)).code).toBe(0);
  });
});
