// `kill` and `retry` of one job in the picture of `watch`: what they say and ask is shown there, and a key answers.
import { describe, EXIT, UserError } from "../errors.ts";
import { namedMessage } from "../program.ts";
import { tellingLength } from "../render/fit.ts";
import type { Act } from "../render/keys.ts";
import { screenSize } from "../terminal/screen.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { oneLine, paragraph, safe } from "../text.ts";
import type { LiveSession } from "./session.ts";
import type { Interruption } from "./steering.ts";

/** How long a question is on the screen before `y` answers it, in ms: before that it is a letter of a word that is being typed. */
const READ_MS = 1_000;

export class Dialog {
  readonly lines: string[] = [];
  /** All has been shown: any key closes it. */
  isOver = false;
  /** What came of it, in few words. */
  told = "";
  /** The new job. */
  dispatched: string | undefined;

  #answer: ((isYes: boolean) => void) | undefined;
  /** Since when the question is on the screen, in ms since 1970: no key that was typed before answers it. */
  #shownMs: number | undefined;
  readonly #interruption: Interruption = { clear() {} };

  readonly #act: Act["act"];
  readonly jid: string;

  /** @param changed told that there is more to show, `failed` what ends the picture, `sent` what was sent, in a line */
  constructor(
    session: LiveSession,
    { act, jid }: Act,
    readonly changed: () => void,
    failed: (error: unknown) => void,
    readonly sent: (line: string) => void,
  ) {
    this.#act = act;
    this.jid = jid;
    const own = { terminal: { value: this.#terminal(session.terminal) }, format: { value: "text" } };
    this.#run(act, jid, Object.create(session, own)).catch(failed);
  }

  get asks(): boolean {
    return this.#answer !== undefined;
  }

  /** What to say of it when the process is interrupted now; undefined when nothing was sent. */
  get interruption(): string | undefined {
    return this.#interruption.words?.();
  }

  /** It is being drawn. */
  shown(): void {
    this.#shownMs = this.asks ? (this.#shownMs ?? Date.now()) : undefined;
  }

  /** @returns true when it is to be closed */
  press(key: string): boolean {
    if (this.isOver) return true;
    if (this.#shownMs === undefined) return false;
    const isYes = (key === "y" || key === "Y") && Date.now() - this.#shownMs >= READ_MS;
    if (isYes || key === "n" || key === "N" || key === "escape" || key === "return") {
      this.#shownMs = undefined;
      this.#answer?.(isYes);
      this.#answer = undefined;
      if (isYes) return false;
      this.told = this.#act === "kill" ? "not canceled" : "not retried";
      return true;
    }
    return false;
  }

  async #run(act: Act["act"], jid: string, session: LiveSession): Promise<void> {
    try {
      // Loaded on use: most who watch only look.
      if (act === "kill") {
        const code = await (await import("./kill.ts")).askAbout(jid, session, this.#interruption);
        if (code === EXIT.done) {
          this.told = "cancel sent";
          this.sent(`Cancel signal sent for job ${safe(jid)}.`);
        }
      } else {
        this.told = "nothing to retry";
        const taken = (retried: string, kind: string) => {
          this.told = `retried as ${retried.slice(0, tellingLength([jid, retried]))}`;
          if (kind === "dispatched") this.dispatched = retried;
          this.sent(`Job ${safe(retried)} ${kind}.`);
        };
        await (await import("./retry.ts")).askAbout(jid, session, this.#interruption, taken);
      }
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.told = act === "kill" ? "error on cancel" : "error on retry";
      const { columns } = session.terminal;
      for (const line of `error: ${describe(error).text}`.split("\n"))
        this.#add(paragraph(namedMessage(line), columns));
    }
    this.isOver = true;
    this.changed();
  }

  #add(text: string): void {
    this.lines.push(...text.replace(/\n$/, "").split("\n"));
    this.changed();
  }

  /** A terminal whose words are shown in the picture, and whose questions a key answers. */
  #terminal(terminal: Terminal): Terminal {
    const columns = () => screenSize(terminal).columns - 1;
    const say = (text: string) => this.#add(paragraph(text, columns()));
    const labeled = (label: string) => (text: string) => say(`${label}${namedMessage(oneLine(text))}`);
    const tell = (text: string) => {
      this.#add(text);
      return true;
    };
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
        say(question.trim());
        return new Promise((answer) => {
          this.#answer = answer;
        });
      },
    };
    return Object.create(terminal, Object.getOwnPropertyDescriptors(own));
  }
}
