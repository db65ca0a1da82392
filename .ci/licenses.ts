// The licences of what is inside the executable. They ask that their texts go with it.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import lock from "../package-lock.json" with { type: "json" };

export interface Package {
  readonly name: string;
  readonly version: string;
  /** SPDX. */
  readonly license: string;
  readonly folder: string;
}

/** The npm packages that the executable can contain, by name. */
export function bundledPackages(): Package[] {
  const all = Object.entries(lock.packages as Record<string, { version: string; license?: string; dev?: boolean }>);
  return all
    .filter(([folder, { dev }]) => folder !== "" && !dev)
    .map(([folder, { version, license = "unknown" }]) => ({
      name: folder.slice(folder.lastIndexOf("node_modules/") + "node_modules/".length),
      version,
      license,
      folder,
    }));
}

/** Bun's own page on licences names what it links: JavaScriptCore and WebKit among others, under the LGPL 2. */
const RUNTIME = `bun ${lock.packages["node_modules/bun"].version} (MIT, with JavaScriptCore and WebKit under LGPL-2.0-or-later, and others)
https://bun.com/docs/project/license lists what is linked into it, with each licence and where its source is.
Built from source, zester can be linked with another build of that runtime: see build.ts.
`;

/** Every licence's text. @throws when a package has none */
export function thirdPartyLicenses(): string {
  const parts = bundledPackages().map(({ name, version, license, folder }) => {
    const file = readdirSync(folder).find((entry) => /^licen[cs]e(\.\w+)?$/i.test(entry));
    if (file === undefined) throw new Error(`${name} has no licence file`);
    return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
  });
  return [RUNTIME, ...parts].join(`\n${"=".repeat(80)}\n\n`);
}
