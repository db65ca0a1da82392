// What was built. The two constants are stamped in by build.ts.
declare const ZESTER_VERSION: string;
declare const ZESTER_COMMIT: string;

/** Version, commit, Bun version and platform (`linux x64`). */
export const versionFacts = () => ({
  version: ZESTER_VERSION,
  commit: ZESTER_COMMIT,
  bun: Bun.version,
  platform: `${process.platform} ${process.arch}`,
});

/** `zester 0.2.0 (commit 1a2b3c, Bun 1.4.5, linux x64)` and a newline. */
export function versionText(): string {
  const { version, commit, bun, platform } = versionFacts();
  return `zester ${version} (commit ${commit}, Bun ${bun}, ${platform})\n`;
}
