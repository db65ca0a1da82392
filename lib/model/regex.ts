// Regular expressions in time that grows with the text alone. Bun's engine goes back and forth over a text, and with some patterns
// that takes longer than anyone waits (`(a+)+b`); here all ways through the pattern are followed at once, as Thompson and
// Pike describe it. What one character may be is left to Bun's engine. Pure.
import { cannot, type Node, type Place, parsePattern } from "./pattern.ts";

/** A pattern as a list of steps. */
type Step =
  | { readonly kind: "one"; readonly is: (char: number) => boolean }
  | { readonly kind: "at"; readonly place: Place }
  | { readonly kind: "split"; first: number; second: number }
  | { readonly kind: "jump"; to: number }
  | { readonly kind: "match" };

/** Steps that a pattern may have: each takes time for each character. */
const MOST_STEPS = 2000;

/** True for characters that a part of a pattern stands for; of each it is found out once. */
function isOneOf(source: string, flags: string): (char: number) => boolean {
  const regex = new RegExp(`^(?:${source})$`, flags);
  const known = new Map<number, boolean>();
  const ascii = Array.from({ length: 128 }, (_, code) => regex.test(String.fromCharCode(code)));
  return (char) => {
    if (char < 128) return ascii[char] as boolean;
    let is = known.get(char);
    if (is === undefined) {
      is = regex.test(String.fromCodePoint(char));
      if (known.size < 4096) known.set(char, is);
    }
    return is;
  };
}

class Compiler {
  readonly steps: Step[] = [];
  readonly #tests = new Map<string, (char: number) => boolean>();

  constructor(
    readonly pattern: string,
    readonly flags: string,
  ) {}

  #push<T extends Step>(step: T): T {
    if (this.steps.length >= MOST_STEPS) throw cannot(this.pattern, "is too large");
    this.steps.push(step);
    return step;
  }

  compile(node: Node): void {
    if (node.kind === "one") {
      const is = this.#tests.get(node.source) ?? isOneOf(node.source, this.flags);
      this.#tests.set(node.source, is);
      this.#push({ kind: "one", is });
    } else if (node.kind === "at") this.#push({ kind: "at", place: node.place });
    else if (node.kind === "all") for (const part of node.of) this.compile(part);
    else if (node.kind === "any") this.#any(node.of);
    else this.#times(node);
  }

  #any(of: readonly Node[]): void {
    const jumps: { to: number }[] = [];
    of.forEach((part, i) => {
      const split = i < of.length - 1 ? this.#split(false) : undefined;
      this.compile(part);
      if (!split) return;
      jumps.push(this.#push({ kind: "jump", to: 0 }));
      split.leave();
    });
    for (const jump of jumps) jump.to = this.steps.length;
  }

  /** Two ways: on with the next step, which is tried first unless `lazy`, or to where `leave` is called. */
  #split(lazy: boolean): { leave: () => void } {
    const next = this.steps.length + 1;
    const split = this.#push({ kind: "split", first: next, second: next });
    return {
      leave: () => {
        if (lazy) split.first = this.steps.length;
        else split.second = this.steps.length;
      },
    };
  }

  #times({ of, min, max, lazy }: Extract<Node, { kind: "times" }>): void {
    for (let i = 0; i < min; i++) this.compile(of);
    if (max === Number.POSITIVE_INFINITY) {
      const again = this.steps.length;
      const split = this.#split(lazy);
      this.compile(of);
      this.#push({ kind: "jump", to: again });
      split.leave();
      return;
    }
    const splits: { leave: () => void }[] = [];
    for (let i = min; i < max; i++) {
      splits.push(this.#split(lazy));
      this.compile(of);
    }
    for (const split of splits) split.leave();
  }
}

/** The steps that wait for the next character, the preferred first, with where each began. */
class Threads {
  readonly steps: Int32Array;
  readonly starts: Int32Array;
  size = 0;
  readonly #seen: Int32Array;
  #round = 0;

  constructor(count: number) {
    this.steps = new Int32Array(count);
    this.starts = new Int32Array(count);
    this.#seen = new Int32Array(count);
  }

  clear(): void {
    this.size = 0;
    this.#round++;
  }

  /** True when the step was not reached before in this round. */
  reach(step: number): boolean {
    if (this.#seen[step] === this.#round) return false;
    this.#seen[step] = this.#round;
    return true;
  }

  add(step: number, start: number): void {
    this.steps[this.size] = step;
    this.starts[this.size++] = start;
  }
}

const NONE = -1;

export class LinearRegex {
  readonly #steps: readonly Step[];
  readonly #isWord: (char: number) => boolean;
  #now: Threads;
  #next: Threads;
  /** Steps that are still to be followed. */
  readonly #open: number[] = [];
  /** The ASCII characters that no match begins with. */
  readonly #never: readonly boolean[];

  /**
   * @param pattern in JavaScript's syntax, its flag u among it; `.` is any character
   * @throws UserError when it is no pattern, or needs what can't be found in linear time
   */
  constructor(pattern: string, ignoreCase: boolean) {
    const flags = ignoreCase ? "isu" : "su";
    try {
      new RegExp(pattern, flags);
    } catch (error) {
      throw cannot(
        pattern,
        `is no regular expression: ${(error as Error).message.replace(/^Invalid regular expression: /, "")}`,
      );
    }
    const compiler = new Compiler(pattern, flags);
    compiler.compile(parsePattern(pattern));
    compiler.steps.push({ kind: "match" });
    this.#steps = compiler.steps;
    this.#isWord = isOneOf("\\w", flags);
    this.#now = new Threads(this.#steps.length);
    this.#next = new Threads(this.#steps.length);
    this.#never = this.#neverFirst();
  }

  /** Of each ASCII character, whether no match can begin with it; places such as `^` count as if they were everywhere. */
  #neverFirst(): boolean[] {
    const first = new Set<Step>();
    const open = [0];
    for (const number of open) {
      const step = this.#steps[number] as Step;
      if (first.has(step)) continue;
      first.add(step);
      if (step.kind === "jump") open.push(step.to);
      else if (step.kind === "split") open.push(step.first, step.second);
      else if (step.kind === "at") open.push(number + 1);
    }
    const steps = [...first];
    const isEmpty = steps.some(({ kind }) => kind === "match");
    return Array.from(
      { length: 128 },
      (_, char) => !isEmpty && !steps.some((step) => step.kind === "one" && step.is(char)),
    );
  }

  /** The first place from `at` on where a match may begin. */
  #skip(line: string, at: number): number {
    let to = at;
    while (to < line.length && this.#never[line.charCodeAt(to)] === true) to++;
    return to;
  }

  /** The first match in a line, as `exec` finds it: the leftmost, and of those the preferred. Undefined for none. */
  find(line: string): [start: number, end: number] | undefined {
    let found: [number, number] | undefined;
    this.#now.clear();
    let at = this.#skip(line, 0);
    let before = at > 0 ? line.charCodeAt(at - 1) : NONE;
    for (;;) {
      const char = at < line.length ? (line.codePointAt(at) as number) : NONE;
      if (!found) this.#follow(this.#now, 0, at, before, char);
      if (this.#now.size === 0 && found) return found;
      const to = at + (char > 0xffff ? 2 : 1);
      this.#next.clear();
      const after = to < line.length ? (line.codePointAt(to) as number) : NONE;
      for (let i = 0; i < this.#now.size; i++) {
        const number = this.#now.steps[i] as number;
        const step = this.#steps[number] as Step;
        const start = this.#now.starts[i] as number;
        if (step.kind === "match") {
          found = [start, at];
          break; // those that follow are less preferred
        }
        if (char !== NONE && step.kind === "one" && step.is(char))
          this.#follow(this.#next, number + 1, start, char, after);
      }
      if (char === NONE) return found;
      [this.#now, this.#next] = [this.#next, this.#now];
      before = char;
      at = to;
      if (this.#now.size > 0 || found) continue;
      at = this.#skip(line, to);
      if (at > to) before = line.charCodeAt(at - 1);
    }
  }

  /** Adds the steps that are reached from one without a character, the preferred first. */
  #follow(threads: Threads, from: number, start: number, before: number, after: number): void {
    const open = this.#open;
    open.push(from);
    for (let number = open.pop(); number !== undefined; number = open.pop()) {
      if (!threads.reach(number)) continue;
      const step = this.#steps[number] as Step;
      if (step.kind === "jump") open.push(step.to);
      else if (step.kind === "split") open.push(step.second, step.first);
      else if (step.kind === "at") {
        if (this.#isAt(step.place, before, after)) open.push(number + 1);
      } else threads.add(number, start);
    }
  }

  #isAt(place: Place, before: number, after: number): boolean {
    if (place === "^") return before === NONE;
    if (place === "$") return after === NONE;
    const isWord = (char: number) => char !== NONE && this.#isWord(char);
    return (isWord(before) !== isWord(after)) === (place === "\\b");
  }
}
