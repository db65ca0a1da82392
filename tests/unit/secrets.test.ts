// What looks like a secret is hidden wherever it stands in a message, also when a part of it was cut off.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { UserError } from "../../lib/errors.ts";
import { quoted } from "../../lib/model/jid.ts";
import { hideSecrets, secretIn } from "../../lib/secrets.ts";
import { oneLine } from "../../lib/text.ts";
import { leakedFrom, SECRETS } from "../support/secrets.ts";

const noise = fc.string({ unit: "grapheme", maxLength: 30 });
const secret = fc.constantFrom(...SECRETS);

test.each(SECRETS.map(({ name, text, looks }) => [name, text, looks]))("%s has a name", (_, text, looks) => {
  expect(secretIn(`before ${text} after`)).toBe(looks);
  expect(hideSecrets(`before ${text}`)).toStartWith("before [hidden: ");
});

test("nothing of a secret is left in a message", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(noise, secret), { maxLength: 6 }), (parts) => {
      const whole = parts.map((part) => (typeof part === "string" ? part : part.text)).join("");
      const said = [oneLine(whole), new UserError(whole, whole).message, new UserError(quoted(whole)).message].join(
        "\n",
      );
      for (const part of parts) if (typeof part !== "string") expect(leakedFrom(part, said)).toBeUndefined();
    }),
    { numRuns: 1500 },
  );
});

test("what is no secret stays as it is", () => {
  const texts = [
    "2hPx1FNsSgJMqVn5bLSTXeBQMpO",
    "rxn-0123456789abcdef0123456789abcdef",
    "UAHRPJJQTGVPJ2RLKYPHKUPPRSLNWG6EOCLCSQYVLQX3UUQJGPWDNGDZ",
    // Public keys: of a server, whose name it is by default, and of an account.
    'nats://h:4222, "NB4KTOOSUAMYNWX4RR2V4QKMJRKQRZQFYWBQQPOCMB5QJ6SJ2GZBGZWL", nats-server 2.9.10',
    "ASAMYNWX4RR2V4QKMJRKQRZQFYWBQQPOCMB5QJ6SJ2GZBGZWLK7GJQ7J",
    "/home/ops/.local/share/nats/nsc/keys/creds/Fleet/Ops/ops.creds",
    "SUBJECT SOURCES SANDBOX SCANNERCONFIGURATION sunday-saturday-sanctuary.example.com",
    "unknown flag --data: x",
    "-----",
    "nats://h1:4222, tls://h2:4222",
  ];
  for (const text of texts) expect([secretIn(text), hideSecrets(text)]).toEqual([undefined, text]);
});

test("a text of any length is read in one pass", () => {
  for (const part of ["SU", "SUA", "eyJ", "-", "- ", "-----BEGIN ", "-----END ", "data:", "sa", "su7", "S"]) {
    const began = performance.now();
    hideSecrets(part.repeat(1_000_000 / part.length));
    // Looking at all that follows for each character would take minutes.
    expect(performance.now() - began).toBeLessThan(2_000);
  }
});
