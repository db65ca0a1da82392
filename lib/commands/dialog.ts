// `kill` and `retry` of one job on the screen of `watch`, which shows their messages and questions; a key answers.
import { describe, EXIT, UserError, withWords } from "../errors.ts";
import { displayState, isTerminal, type JobRow } from "../model/job.ts";
import { namedMessage } from "../program.ts";
import type { Act } from "../render/keys.ts";
import { tellingLength } from "../render/table.ts";
import { screenSize } from "../terminal/screen.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { oneLine, paragraph, safe } from "../text.ts";
import type { Interruption, LiveSession } from "./session.ts";

/** How long a question is on the screen before `y` answers it, in ms: an earlier `y` may belong to a word that is being typed. */
const READ_MS = 1_000;

export class Dialog {
  readonly lines: string[] = [];
  /** The result, in a few words. */
  told = "";
  dispatched: string | undefined;
  readonly jid: string;

  /** Everything has been shown: any key closes it. */
  #isOver = false;
  /** The signal was sent, and the job has not ended. */
  #isCanceling = false;
  #isAgreed = false;
  /** The last key was a `y` that did not count. */
  #isTooEarly = false;
  #answer: ((isYes: boolean) => void) | undefined;
  /** Since when the question is on the screen, in ms since 1970: no key that was typed before answers it. */
  #shownMs: number | undefined;
  readonly #interruption: Interruption = { clear() {} };

  /**
   * @param changed called when there is more to show
   * @param failed receives an error that ends the screen
   * @param sent receives what was sent, as a line
   */
  constructor(
    session: LiveSession,
    readonly act: Act,
    readonly changed: () => void,
    failed: (error: unknown) => void,
    readonly sent: (line: string) => void,
  ) {
    this.jid = act.jid;
    const terminal = this.#terminal(session.terminal);
    const own = { terminal: { value: terminal }, interruption: { value: this.#interruption } };
    this.#run(Object.create(session, own))
      .catch((error) => {
        if (!(error instanceof UserError)) return failed(error);
        this.told = act.act === "kill" ? "error on cancel" : "error on retry";
        const nothing = act.act === "kill" ? "No signal was sent." : "Nothing was dispatched.";
        const { text } = describe(this.#isAgreed ? error : withWords(error, nothing));
        const again = (go: string) => `${go} back and press ${act.act === "kill" ? "x" : "r"} again`;
        const hinted = text.replace("Run the command again", again("Go")).replace("run the command again", again("go"));
        for (const line of `error: ${hinted}`.split("\n")) terminal.say(line);
      })
      .finally(() => {
        this.#isOver = true;
        changed();
      });
  }

  /** What keys do now. */
  get hint(): string {
    if (this.#answer) return this.#isTooEarly ? "y was too early: press y again  n no" : "y yes  n no";
    if (!this.#isOver) return "working…";
    return `press any key to ${this.dispatched === undefined ? "go back" : "open the new job"}`;
  }

  /** The message if the process is interrupted now; undefined when nothing was sent. */
  get interruption(): string | undefined {
    return this.#interruption.words?.();
  }

  /** The message if the screen closes while its question is open. */
  get unanswered(): string | undefined {
    return this.#answer && (this.act.act === "kill" ? "Nothing canceled." : "Nothing dispatched.");
  }

  /** Called when it is drawn. @param row the current state of the job */
  shown(row: JobRow | undefined): void {
    this.#shownMs = this.#answer && (this.#shownMs ?? Date.now());
    if (!this.#isCanceling || row?.jid !== this.jid || !isTerminal(row.status)) return;
    this.#isCanceling = false;
    this.lines.push(`Job ${safe(row.jid)} ended: ${displayState(row)}.`);
  }

  /** @returns true to close it */
  press(key: string): boolean {
    if (this.#isOver) return true;
    const isY = /^y$/i.test(key);
    const isYes = isY && this.#shownMs !== undefined && Date.now() - this.#shownMs >= READ_MS;
    this.#isTooEarly = isY && !isYes;
    if (this.#shownMs === undefined) return false;
    const isNo = /^(n|escape|return)$/i.test(key);
    if (!isYes && !isNo) return false;
    this.#isAgreed = isYes;
    this.#shownMs = undefined;
    this.#answer?.(isYes);
    this.#answer = undefined;
    if (isNo) this.told = this.act.act === "kill" ? "not canceled" : "not retried";
    return isNo;
  }

  async #run(session: LiveSession): Promise<void> {
    const { jid } = this;
    // Loaded on use: most users of `watch` start no action.
    if (this.act.act === "kill") {
      const { askAbout } = await import("./kill.ts");
      if ((await askAbout(jid, session)) !== EXIT.done) return;
      this.told = "cancel sent";
      this.#isCanceling = true;
      this.sent(`Cancel signal sent for job ${safe(jid)}.`);
      return;
    }
    this.told = "nothing to retry";
    const { askAbout } = await import("./retry.ts");
    await askAbout(jid, session, (retried, kind) => {
      this.told = `retried as ${retried.slice(0, tellingLength([jid, retried]))}`;
      if (kind === "dispatched") this.dispatched = retried;
      this.sent(`Job ${safe(retried)} ${kind}.`);
    });
  }

  /** A terminal whose messages appear on the screen, and whose questions a key answers. */
  #terminal(terminal: Terminal): Terminal {
    const columns = () => screenSize(terminal).columns - 1;
    const tell = (text: string) => {
      this.lines.push(...text.replace(/\n$/, "").split("\n"));
      this.changed();
      return true;
    };
    const labeled = (label: string) => (text: string) =>
      void tell(paragraph(`${label}${namedMessage(oneLine(text))}`, columns()));
    const own: Partial<Terminal> = {
      get columns() {
        return columns();
      },
      color: false,
      canTell: true,
      canAsk: true,
      write: tell,
      writeAll: (pieces) => void tell([...pieces].join("")),
      tell,
      warn: labeled("warning: "),
      note: labeled("note: "),
      error: labeled("error: "),
      say: labeled(""),
      ask: (question) => {
        tell(paragraph(question.trim(), columns()));
        return new Promise((answer) => {
          this.#answer = answer;
        });
      },
    };
    return Object.create(terminal, Object.getOwnPropertyDescriptors(own));
  }
}
