// Which errors count as one.
import { expect, test } from "bun:test";
import { errorPattern } from "../../../lib/model/error-pattern.ts";

const PEELS = new Set(["web-01", "cache", "db.eu.example", "db_eu_example", "alpha", "beta"]);
const same = (text: string) => errorPattern(text, (name) => PEELS.has(name));

test.each<[title: string, one: string, other: string]>([
  ["numbers", "exit status 1", "exit status 127"],
  ["versions and times", "at 12:30:01 openssl 3.0.14", "at 9:05:59 openssl 1.1.1"],
  ["units", "gave up after 1m30s", "gave up after 900ms"],
  ["sizes", "needs 12MB", "needs 1.5GiB"],
  ["IPv4", "dial 10.0.0.7:4222: refused", "dial 192.168.1.20:9: refused"],
  ["IPv6", "dial [fe80::1%eth0]:22", "dial [2001:db8:0:0:0:0:0:7]:22"],
  ["IPv4 and IPv6", "no route to 10.0.0.7", "no route to 2001:db8::7"],
  ["MAC", "no lease for 52:54:00:12:34:56", "no lease for 52:54:00:ab:cd:ef"],
  ["peels", "alpha: no key", "beta: no key"],
  ["a peel in both forms", "ssh db.eu.example: refused", "ssh db_eu_example: refused"],
  ["a peel before an ending", "open /var/log/alpha.log", "open /var/log/cache.log"],
  ["temporary paths", "run /tmp/zester-a8F/run.sh: denied", "run /var/tmp/x/y: denied"],
  ["a temporary file", "rename tmp.x8Kq2P: busy", "rename tmp.Zzk31a9: busy"],
  ["a temporary path of Windows", "C:\\Windows\\Temp\\a.ps1 failed", "D:\\x\\tmp\\b\\c.ps1 failed"],
  ["UUIDs", "volume 123e4567-e89b-12d3-a456-426614174000", "volume 00000000-0000-4000-8000-0123456789ab"],
  ["hashes", "image 3fa9c2d1e0 is gone", "image 77aa99bbcc00 is gone"],
  ["pointers", "at 0xc000123", "at 0x7f"],
  ["job ids", "behind 2hPx2Kd8VnR7YmWqTz4PLsCfNjA", "behind 2hPx9Kd8VnR7YmWqTz4PLsCfNjB"],
])("alike: %s", (_, one, other) => expect(same(one)).toBe(same(other)));

test.each<[title: string, one: string, other: string]>([
  ["words", "no space left", "no file left"],
  ["paths", "write /etc/nginx/a.conf", "write /etc/nginx/b.conf"],
  ["a name inside a word", "alphabet", "betabet"],
  ["a name that is no peel", "gamma: no key", "alpha: no key"],
  ["words of hexadecimal letters", "facade defaced", "facade effaced"],
  ["units apart", "wait 5 seconds", "wait 5 minutes"],
  ["more text", "exit status 1", "exit status 1: killed"],
])("not alike: %s", (_, one, other) => expect(same(one)).not.toBe(same(other)));

test.each(["1", "a.", "1:", "a:", "::", "/tmp/", "0x", "f", "<n>s", "C:\\Temp\\", "tmp.", "-", "1s", "1ms"])(
  "a long hostile text takes no long time: %s",
  (piece) => {
    // CPU time: what else the machine does counts for little. A square of the length would take 5 s and more.
    const before = process.cpuUsage();
    for (const end of ["", "x"]) errorPattern(piece.repeat(200_000) + end, () => false);
    expect(process.cpuUsage(before).user).toBeLessThan(3e6);
  },
);
