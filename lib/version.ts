// The version of this build. build.ts sets the two constants.
declare const ZESTER_VERSION: string;
declare const ZESTER_COMMIT: string;

export const versionFacts = () => ({
  version: ZESTER_VERSION,
  commit: ZESTER_COMMIT,
  bun: Bun.version,
  platform: `${process.platform} ${process.arch}`,
});

export function versionText(): string {
  const { version, commit, bun, platform } = versionFacts();
  return `zester ${version} (commit ${commit}, Bun ${bun}, ${platform})\n`;
}
