// The pages of `zester job report` in Debian's Chromium: they load nothing, records in them run nothing, and axe finds nothing
// to object to. Not part of `npm test`: `.ci/run` runs it where it can install Chromium.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join, resolve } from "node:path";
import { startBrowser, type Tab } from "../support/browser.ts";
import { tempDir, zester } from "../support/harness.ts";
import { putHostile } from "../support/hostile-job.ts";
import { type StorySite, serveStories } from "../support/stories.ts";

/** Pages by name, and the jobs that each is about. */
const PAGES = {
  failed: ["2hPxSFailed"],
  running: ["2hPxSForged"],
  two: ["2hPxSOrderOne", "2hPxSOrderTwo"],
  hostile: ["hostile"],
} as const;

const dir = tempDir();
const path = (name: string) => join(dir, `${name}.html`);

let site: StorySite;
let tab: Tab;
let close: () => Promise<void>;
beforeAll(async () => {
  site = await serveStories();
  await putHostile(site.nc);
  for (const [name, jids] of Object.entries(PAGES))
    await zester(["job", "report", ...jids, "--output", path(name)], { env: site.env });
  ({ tab, close } = await startBrowser());
});
afterAll(async () => {
  await close();
  await site.stop();
});

async function open(name: string, width: number, scheme: "light" | "dark"): Promise<void> {
  await tab.send("Emulation.setDeviceMetricsOverride", { width, height: 800, deviceScaleFactor: 1, mobile: false });
  await tab.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
  await tab.open(`file://${path(name)}`);
}

const AXE = await Bun.file(resolve(import.meta.dir, "../../node_modules/axe-core/axe.min.js")).text();

const CASES = [
  ["failed", 1280, "light"],
  ["running", 375, "dark"],
  ["two", 375, "light"],
  ["hostile", 1280, "dark"],
] as const;

test.each(CASES)(
  "%s, %d pixels, %s: nothing is loaded, said or run, and axe finds nothing",
  async (name, width, scheme) => {
    await open(name, width, scheme);
    // What stands in folded parts counts as well.
    await tab.value("document.querySelectorAll('details').forEach((one) => { one.open = true; })");
    expect(tab.requests).toEqual([`file://${path(name)}`]);
    expect(tab.messages).toEqual([]);
    expect(await tab.value<number>("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
    expect(
      await tab.value<number>("document.querySelectorAll('script, img, iframe, base, form, [style]').length"),
    ).toBe(0);
    await tab.value(AXE);
    const found = await tab.value<{ id: string; nodes: { target: unknown; failureSummary: string }[] }[]>(
      "axe.run().then(({ violations }) => violations)",
    );
    expect(found.map(({ id, nodes }) => [id, nodes.slice(0, 3)])).toEqual([]);
  },
);

test("the policy forbids added scripts, styles and images", async () => {
  await open("failed", 1280, "light");
  const add = (tag: string, set: string) =>
    tab.value(`{ const one = document.createElement("${tag}"); ${set}; document.body.append(one); }`);
  await add("script", "one.textContent = 'window.ran = true'");
  await add("img", "one.src = 'https://example.com/a.png'");
  await add("style", "one.textContent = 'body { display: none }'");
  expect(await tab.value<unknown>("[window.ran === undefined, getComputedStyle(document.body).display]")).toEqual([
    true,
    "block",
  ]);
  expect(tab.messages.join()).toContain("Content Security Policy");
});

test("in print everything is unfolded, on A4", async () => {
  await open("failed", 1280, "dark");
  await tab.send("Emulation.setEmulatedMedia", { media: "print" });
  expect(await tab.value<boolean>("document.querySelector('details:not([open]) pre').checkVisibility()")).toBe(true);
  expect(await tab.value<string>("getComputedStyle(document.body).backgroundColor")).toBe("rgb(255, 255, 255)");
  const { data } = await tab.send("Page.printToPDF", { preferCSSPageSize: true });
  const pdf = Buffer.from(data as string, "base64").toString("latin1");
  expect(pdf).toMatch(/\/MediaBox \[0 0 59[456]\S* 84[123]/);
});
