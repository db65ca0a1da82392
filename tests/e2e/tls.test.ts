// TLS: certificates that are accepted and refused, and that it is never given up.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { connect as dial } from "node:net";
import { certificates, secretFile } from "../support/credentials.ts";
import { freePort, startServer, zester } from "../support/harness.ts";
import { expectError, expectJobs } from "../support/outcome.ts";
import { listen } from "../support/relay.ts";
import { serveJobs } from "../support/serve.ts";

const at = (url: string, ...flags: string[]) => zester(["job", "list", "--master", url, ...flags]);

const tls = certificates();
const config = (name: string, more = "") =>
  `tls { cert_file: "${name}.crt", key_file: "${name}.key", ca_file: "${tls.ca}", ${more} }`;

test("unknown CA, known CA, with nats:// and tls://", async () => {
  const { url, port } = await startServer(config(tls.server));
  expectError(await at(url), "unknown CA (it needs TLS)", "--nats-ca");
  expectError(await at(`tls://127.0.0.1:${port}`), "unknown CA", "--nats-ca");
  for (const host of ["nats://127.0.0.1", "tls://127.0.0.1", "tls://localhost"])
    expectError(await at(`${host}:${port}`, "--nats-ca", tls.ca), 'no bucket "jobs"');
  for (const name of ["NATS_CA", "NATS_CA_FILE"])
    expectError(await zester(["job", "list"], { env: { NATS_URL: url, [name]: tls.ca } }), 'no bucket "jobs"');
});

test("a client certificate", async () => {
  const { url } = await startServer(config(tls.server, "verify: true"));
  const client = ["--tls-cert", `${tls.client}.crt`, "--tls-key", `${tls.client}.key`];
  expectError(await at(url, "--nats-ca", tls.ca), "client certificate", "--tls-cert");
  expectError(await at(url, "--nats-ca", tls.ca, ...client), 'no bucket "jobs"');
  for (const half of [client.slice(0, 2), client.slice(2)])
    expectError(await at(url, "--nats-ca", tls.ca, ...half), "--tls-cert and --tls-key must be used together");
  const { client: stranger } = certificates();
  expectError(
    await at(url, "--nats-ca", tls.ca, "--tls-cert", `${stranger}.crt`, "--tls-key", `${stranger}.key`),
    "refused the client certificate",
  );
  for (const [flag, what] of [
    ["--tls-cert", "TLS certificate file"],
    ["--tls-key", "TLS key file"],
  ] as const) {
    const files = client.with(client.indexOf(flag) + 1, "/nonexistent.pem");
    expectError(await at(url, "--nats-ca", tls.ca, ...files), `cannot read ${what} /nonexistent.pem: no such file`);
  }
});

test("a certificate for another host", async () => {
  const { url } = await startServer(config(tls.elsewhere));
  expectError(await at(url, "--nats-ca", tls.ca), "not for this host name");
});

test("files that do not fit, or hold rubbish", async () => {
  const { url } = await startServer(config(tls.server, "verify: true"));
  const pem = (type: string) => secretFile("x.pem", `-----BEGIN ${type}-----\nAAAA\n-----END ${type}-----\n`);
  const as = (ca: string, cert: string, key: string) => at(url, "--nats-ca", ca, "--tls-cert", cert, "--tls-key", key);
  const { client, ca, server } = tls;
  expectError(await as(ca, `${client}.crt`, `${server}.key`), "do not match");
  const unusable = "contains no usable certificate or key";
  const [key, cert] = [pem("PRIVATE KEY"), pem("CERTIFICATE")];
  expectError(await as(ca, `${client}.crt`, key), `TLS key file ${key} ${unusable}`);
  expectError(await as(ca, cert, `${client}.key`), `TLS certificate file ${cert} ${unusable}`);
});

test.each(["tls1", "tls1_1"])("a server that speaks no more than %s is refused", async (version) => {
  const port = await freePort();
  const old = Bun.spawn(
    // prettier-ignore
    [
      "openssl",
      "s_server",
      "-accept",
      `127.0.0.1:${port}`,
      `-${version}`,
      "-quiet",
      "-cert",
      `${tls.server}.crt`,
      "-key",
      `${tls.server}.key`,
      "-cipher",
      "ALL:@SECLEVEL=0",
    ],
    { stdin: "pipe", stdout: "ignore", stderr: "ignore" },
  );
  try {
    const shake = (...flags: string[]) =>
      Bun.spawnSync(["openssl", "s_client", "-connect", `127.0.0.1:${port}`, ...flags], {
        stdin: "ignore",
      });
    // A client that takes such versions gets through: what is refused below is refused for its version.
    const weak = () => shake(`-${version}`, "-cipher", "ALL:@SECLEVEL=0").stdout.toString();
    for (let i = 0; i < 100 && !/Cipher is (?!\(NONE\))/.test(weak()); i++) await Bun.sleep(20);
    expect(weak()).toMatch(/Cipher is (?!\(NONE\))/);
    expectError(
      await at(`tls://127.0.0.1:${port}`, "--tls-first", "--nats-ca", tls.ca, "--timeout", "2s"),
      "the server does not support TLS 1.2 or newer",
    );
    // The same after a greeting in plain text, as servers do without handshake_first.
    const { url } = await listen((socket) => {
      socket.write('INFO {"server_id":"x","version":"2.9.0","max_payload":1,"tls_required":true}\r\n');
      const upstream = dial(port, "127.0.0.1").on("error", () => {});
      socket.pipe(upstream).pipe(socket);
    });
    expectError(await at(url, "--nats-ca", tls.ca, "--timeout", "2s"), "the server does not support TLS 1.2 or newer");
  } finally {
    old.kill();
    await old.exited;
  }
});

test("tls:// to a server without TLS is never downgraded", async () => {
  const { port } = await serveJobs();
  expectError(await at(`tls://127.0.0.1:${port}`), "the server offers no TLS");
});

test("a CA file that is missing, or is none", async () => {
  const { url } = await startServer();
  expectError(await at(url, "--nats-ca", "/nonexistent.pem"), "cannot read CA file /nonexistent.pem");
  expectError(await at(url, "--nats-ca", secretFile("ca.pem", "hello")), "contains no PEM certificate");
});

test("certificates, keys and CA files with a byte order mark, line ends of Windows, and words before them", async () => {
  const { url } = await serveJobs(config(tls.server, "verify: true"), {
    tls: { caFile: tls.ca, certFile: `${tls.client}.crt`, keyFile: `${tls.client}.key` },
  });
  for (const shape of [
    (text: string) => `\ufeff${text}`,
    (text: string) => text.replaceAll("\n", "\r\n"),
    (text: string) => `\ufeff# made by hand\r\n${text.replaceAll("\n", "\r\n")}`,
  ]) {
    const file = (path: string) => secretFile("x.pem", shape(readFileSync(path, "utf8")));
    const files = ["--nats-ca", file(tls.ca), "--tls-cert", file(`${tls.client}.crt`)];
    expectJobs(await at(url, ...files, "--tls-key", file(`${tls.client}.key`)));
  }
});

test("a file that can't be used is named, with its fault", async () => {
  const { url } = await startServer(config(tls.server, "verify: true"));
  const openssl = (...args: string[]) => {
    const done = Bun.spawnSync(["openssl", ...args]);
    expect(done.exitCode).toBe(0);
    return done.stdout.toString();
  };
  const made = (name: string, ...args: string[]) => secretFile(name, openssl(...args));
  const key = `${tls.client}.key`;
  const request = made("x.csr", "req", "-new", "-key", key, "-subj", "/CN=x");
  const locked = made("x.key", "pkcs8", "-topk8", "-in", key, "-v2", "aes256", "-passout", "pass:s3cret");
  const old = made("old.key", "ec", "-in", key, "-aes128", "-passout", "pass:s3cret");
  const open = made("x.pub", "pkey", "-in", key, "-pubout");
  const der = secretFile("x.der", "");
  openssl("x509", "-in", tls.ca, "-outform", "der", "-out", der);
  const leaf = `${tls.client}.crt`;
  const fine = { "--nats-ca": tls.ca, "--tls-cert": leaf, "--tls-key": key };
  const given = (flag: string, path: string) => at(url, ...Object.entries({ ...fine, [flag]: path }).flat());
  for (const [flag, path, words] of [
    ["--nats-ca", request, `CA file ${request} contains no PEM certificate: it is a request for a certificate (CSR)`],
    ["--nats-ca", key, `CA file ${key} contains no PEM certificate: it is a key`],
    ["--nats-ca", der, `CA file ${der} contains no PEM certificate: it is binary`],
    ["--nats-ca", secretFile("x", "s3cret"), "contains no PEM certificate."],
    ["--tls-cert", request, `TLS certificate file ${request} contains no PEM certificate: it is a request`],
    ["--tls-cert", open, `TLS certificate file ${open} contains no PEM certificate: it is a public key`],
    ["--tls-key", leaf, `TLS key file ${leaf} contains no PEM key: it is a certificate`],
    ["--tls-key", open, `TLS key file ${open} contains no PEM key: it is a public key`],
    ["--tls-key", locked, `TLS key file ${locked} contains an encrypted key`],
    ["--tls-key", old, `TLS key file ${old} contains an encrypted key`],
    // These are certificates; only what the server has tells that they are the wrong ones.
    ["--nats-ca", leaf, `unknown CA: CA file ${leaf} contains no CA certificate`],
    ["--nats-ca", certificates().ca, "does not have it"],
  ] as const)
    expectError(await given(flag, path), words);
});
