// What was built. The two constants are stamped in by build.ts.
declare const ZESTER_VERSION: string;
declare const ZESTER_COMMIT: string;

/** `zester 0.1.0 (commit 1a2b3c, Bun 1.4.5, linux x64)` and a newline. */
export function versionText(): string {
  return `zester ${ZESTER_VERSION} (commit ${ZESTER_COMMIT}, Bun ${Bun.version}, ${process.platform} ${process.arch})\n`;
}
