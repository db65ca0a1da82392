// Which errors are alike: those that differ only in what varies by peel and run. Pure.
import { displayPeel } from "./peel.ts";

const [TEMPORARY, ANY_PEEL, ADDRESS, PLACE_NUMBER] = ["<temporary path>", "<peel>", "<address>", "<n>"] as const;

const PLACE_NAME = 255;

/** Paths in temporary folders, and names made by mktemp. */
const TEMPORARY_PATH =
  /(?<![\w/.-])(?:\/private)?\/(?:tmp|var\/tmp|dev\/shm|var\/folders)\/[^\s"'`,;:()[\]{}<>]+|(?<!\w)tmp\.[A-Za-z0-9]{6,}/g;
const WINDOWS_TEMPORARY = /(?<!\w)[A-Za-z]:\\[^\s"',;:()<>]*\\Te?mp\\[^\s"',;:()<>]+/gi;
const WORD = /[\p{L}\p{N}_](?:[\p{L}\p{N}_.-]*[\p{L}\p{N}_])?/gu;
const IPV4 = /(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)/g;
/** Also MAC addresses: hexadecimal digits with at least three colons, or two in a row. */
const COLONS = /(?<![\w:])[0-9a-f]*:[0-9a-f:.]*[0-9a-f:](?:%\w+)?(?!\w)/gi;
const IDS =
  /(?<!\w)(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|0x[0-9a-f]+|(?=[a-f]*\d)[0-9a-f]{7,})(?!\w)|(?<!\w)(?=[a-z]*\d)[0-9a-z]{27}(?!\w)/gi;
const NUMBERS = /\d+(?:[.,:]\d+)*/g;
/** A run of numbers with units and the next character; matched whole, so that no match starts inside it. */
const WITH_UNITS = /(?:<n>(?:ns|µs|us|ms|[smhd]|[kKMGT]i?B))+(?=([\p{L}\p{N}<]?))/gu;

function withoutPeels(text: string, isPeel: (name: string) => boolean): string {
  return text.replace(WORD, (word) => {
    if (word.length > PLACE_NAME) return word;
    // Also a peel with a suffix: web-01.log.
    for (let end = word.length; end > 0; end = word.lastIndexOf(".", end - 1))
      if (isPeel(word.slice(0, end))) return ANY_PEEL + word.slice(end);
    return word;
  });
}

/**
 * The text with placeholders, replaced in this order: temporary paths, peels (whole words), addresses (IPv4, IPv6,
 * MAC), IDs (UUIDs, hexadecimal numbers of seven digits or more, job IDs), numbers with their dots, colons and units.
 * Errors with equal patterns are alike. Not for display.
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

const REMEMBERED = 4096;

/** Patterns of errors of these peels, made once for a text. */
export class ErrorPatterns {
  readonly #names = new Set<string>();
  readonly #known = new Map<string, string>();

  constructor(peels: Iterable<string>) {
    for (const peel of peels) this.addPeel(peel);
  }

  addPeel(peel: string): void {
    this.#names.add(peel).add(displayPeel(peel));
  }

  of(text: string): string {
    if (this.#known.size >= REMEMBERED) this.#known.clear();
    return this.#known.getOrInsertComputed(text, () => errorPattern(text, (name) => this.#names.has(name)));
  }
}
