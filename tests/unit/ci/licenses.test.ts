// What is inside the executable may be passed on, and its licences go with it.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { bundledPackages, thirdPartyLicenses } from "../../../.ci/licenses.ts";
import { sbom } from "../../../.ci/release.ts";
import pkg from "../../../package.json" with { type: "json" };

/** Licences that ask for nothing but their text, in SPDX's names. */
const ALLOWED = ["MIT", "ISC", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "Unlicense"];

test("every package has a licence that allows it, and no version floats", () => {
  const packages = bundledPackages();
  for (const { name, license } of packages) expect([name, ALLOWED.includes(license)]).toEqual([name, true]);
  for (const [name, version] of Object.entries(pkg.dependencies))
    expect(packages).toContainEqual(expect.objectContaining({ name, version }));
});

test("these packages are inside the executable, and no others", async () => {
  const { metafile } = await Bun.build({
    entrypoints: [join(import.meta.dir, "../../../zester.ts")],
    target: "bun",
    metafile: true,
  });
  const packageOf = (path: string) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1];
  const inside = new Set(Object.keys(metafile?.inputs ?? {}).map(packageOf));
  inside.delete(undefined);
  expect([...inside].sort()).toEqual(bundledPackages().map(({ name }) => name));
});

test("the SBOM has every package with its licence, and the runtime", () => {
  const { bomFormat, metadata, components } = JSON.parse(sbom(0)) as {
    bomFormat: string;
    metadata: { component: { name: string; version: string } };
    components: {
      name: string;
      version: string;
      licenses: { license?: { id: string }; expression?: string }[];
    }[];
  };
  expect([bomFormat, metadata.component]).toMatchObject(["CycloneDX", { name: "zester", version: pkg.version }]);
  const listed = components.map(({ name, version, licenses: [first] }) => [
    name,
    version,
    first?.license?.id ?? first?.expression,
  ]);
  const wanted = bundledPackages().map(({ name, version, license }) => [name, version, license]);
  expect(listed).toEqual([...wanted, ["bun", pkg.devDependencies.bun, "MIT AND LGPL-2.0-or-later"]]);
});

test("the release has the text of every licence", () => {
  const text = thirdPartyLicenses();
  for (const { name, version, license } of bundledPackages())
    expect(text).toContain(`\n${name} ${version} (${license})\n\n`);
  expect(text).toContain("Apache License");
  expect(text).toContain("Permission to use, copy, modify");
  expect(text).toContain("Permission is hereby granted, free of charge");
});
