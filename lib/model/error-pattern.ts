// Which errors count as one: those that differ only in what changes from peel to peel and from run to run. Pure.

/** What stands for each kind of thing that differs. */
const [TEMPORARY, ANY_PEEL, ADDRESS, PLACE_NUMBER] = ["<temporary path>", "<peel>", "<address>", "<n>"] as const;

/** The longest name of a peel. */
const PLACE_NAME = 255;

/** Paths below the folders for temporary files, and file names as mktemp makes them. */
const TEMPORARY_PATH =
  /(?<![\w/.-])(?:\/private)?\/(?:tmp|var\/tmp|dev\/shm|var\/folders)\/[^\s"'`,;:()[\]{}<>]+|(?<!\w)tmp\.[A-Za-z0-9]{6,}/g;
const WINDOWS_TEMPORARY = /(?<!\w)[A-Za-z]:\\[^\s"',;:()<>]*\\Te?mp\\[^\s"',;:()<>]+/gi;
const WORD = /[\p{L}\p{N}_](?:[\p{L}\p{N}_.-]*[\p{L}\p{N}_])?/gu;
const IPV4 = /(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)/g;
/** Also MAC addresses: hexadecimal digits with at least three colons, or two in a row. */
const COLONS = /(?<![\w:])[0-9a-f]*:[0-9a-f:.]*[0-9a-f:](?:%\w+)?(?!\w)/gi;
/** UUIDs, hexadecimal numbers and hashes, job IDs. */
const IDS =
  /(?<!\w)(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|0x[0-9a-f]+|(?=[a-f]*\d)[0-9a-f]{7,})(?!\w)|(?<!\w)(?=[a-z]*\d)[0-9a-z]{27}(?!\w)/gi;
const NUMBERS = /\d+(?:[.,:]\d+)*/g;
/** A run of numbers with units, and what follows it. A run is matched whole and judged then: no try begins inside it. */
const WITH_UNITS = /(?:<n>(?:ns|µs|us|ms|[smhd]|[kKMGT]i?B))+(?=([\p{L}\p{N}<]?))/gu;

function withoutPeels(text: string, isPeel: (name: string) => boolean): string {
  return text.replace(WORD, (word) => {
    if (word.length > PLACE_NAME) return word;
    // A name may be followed by a file's ending, as in web-01.log.
    for (let end = word.length; end > 0; end = word.lastIndexOf(".", end - 1))
      if (isPeel(word.slice(0, end))) return ANY_PEEL + word.slice(end);
    return word;
  });
}

/**
 * A text in which what may differ between like errors is replaced, in this order:
 *
 * - temporary paths: everything below `/tmp`, `/var/tmp`, `/dev/shm`, `/var/folders` and a Windows `Temp`, and names such as `tmp.x8Kq2P`
 * - names of peels, as whole words, in the form that `isPeel` knows them
 * - addresses: IPv4, IPv6, MAC
 * - ids: UUIDs, hexadecimal numbers (`0x…`, or seven digits and more), job IDs
 * - numbers: with dots, commas and colons between digits (versions, times), and with a unit of time or size right after them
 *
 * Two errors are alike when their texts are equal then. The result is for comparing, not for showing.
 */
export function errorPattern(text: string, isPeel: (name: string) => boolean): string {
  return withoutPeels(text.replace(TEMPORARY_PATH, TEMPORARY).replace(WINDOWS_TEMPORARY, TEMPORARY), isPeel)
    .replace(IPV4, ADDRESS)
    .replace(COLONS, (word) =>
      /\d/.test(word) && (word.includes("::") || word.split(":").length > 3) ? ADDRESS : word,
    )
    .replace(IDS, PLACE_NUMBER)
    .replace(NUMBERS, PLACE_NUMBER)
    .replace(WITH_UNITS, (run, next) => (next === "" ? PLACE_NUMBER : run));
}
