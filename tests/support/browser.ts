// Debian's Chromium without a window, over its debugging protocol.
import { join } from "node:path";
import { tempDir } from "./harness.ts";

export const CHROMIUM = Bun.which("chromium");

type Params = Record<string, unknown>;
type Message = {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Params;
  readonly [more: string]: unknown;
};

/** A page, and what it did. */
export interface Tab {
  /** Everything that it asked for, its own file among it. */
  readonly requests: readonly string[];
  /** Messages of the console, exceptions, and violations of policies. */
  readonly messages: readonly string[];
  send(method: string, params?: Params): Promise<Params>;
  open(url: string): Promise<void>;
  /** The value of an expression, awaited. */
  value<T>(expression: string): Promise<T>;
}

/** @returns a new page of a browser that ends with `close` */
export async function startBrowser(): Promise<{ tab: Tab; close: () => Promise<void> }> {
  const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"];
  const child = Bun.spawn(
    [
      CHROMIUM as string,
      ...flags,
      `--user-data-dir=${join(tempDir(), "profile")}`,
      "--remote-debugging-port=0",
      "about:blank",
    ],
    { stdout: "ignore", stderr: "pipe" },
  );
  const socket = new WebSocket(await addressIn(child.stderr));
  await new Promise((done) => socket.addEventListener("open", done, { once: true }));
  const waiting = new Map<number, { done: (result: Params) => void; failed: (error: Error) => void }>();
  const listeners = new Set<(message: Message) => void>();
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(String(data)) as Message;
    const asked = message.id === undefined ? undefined : waiting.get(message.id);
    if (message.error) asked?.failed(new Error(JSON.stringify(message.error)));
    else asked?.done(message.result as Params);
    for (const listener of listeners) listener(message);
  });
  let last = 0;
  let sessionId: string | undefined;
  const send = (method: string, params: Params = {}) =>
    new Promise<Params>((done, failed) => {
      waiting.set(++last, { done, failed });
      socket.send(JSON.stringify({ id: last, method, params, sessionId }));
    });
  const { targetId } = await send("Target.createTarget", { url: "about:blank" });
  sessionId = (await send("Target.attachToTarget", { targetId, flatten: true })).sessionId as string;
  for (const domain of ["Page", "Runtime", "Log", "Network"]) await send(`${domain}.enable`);
  const requests: string[] = [];
  const messages: string[] = [];
  listeners.add(({ method, params }) => {
    if (method === "Network.requestWillBeSent") requests.push((params as { request: { url: string } }).request.url);
    if (
      /^(Runtime\.(consoleAPICalled|exceptionThrown)|Log\.entryAdded|Page\.javascriptDialogOpening)$/.test(method ?? "")
    )
      messages.push(JSON.stringify(params));
  });
  const tab: Tab = {
    requests,
    messages,
    send,
    async open(url) {
      const loaded = new Promise<void>((done) => {
        const onLoad = ({ method }: Message) => {
          if (method !== "Page.loadEventFired") return;
          listeners.delete(onLoad);
          done();
        };
        listeners.add(onLoad);
      });
      requests.length = 0;
      messages.length = 0;
      await send("Page.navigate", { url });
      await loaded;
    },
    async value<T>(expression: string) {
      const options = { expression, awaitPromise: true, returnByValue: true };
      const { result, exceptionDetails } = await send("Runtime.evaluate", options);
      if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
      return (result as { value: T }).value;
    },
  };
  const close = async () => {
    socket.close();
    child.kill();
    await child.exited;
  };
  return { tab, close };
}

/** Where the browser listens, as it says at its start. */
async function addressIn(stderr: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of stderr) {
    text += new TextDecoder().decode(chunk);
    const address = /DevTools listening on (\S+)/.exec(text)?.[1];
    if (address) return address;
  }
  throw new Error(`chromium did not start:\n${text}`);
}
