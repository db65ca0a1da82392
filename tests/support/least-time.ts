/** The shortest of seven runs, in ms, after three that compile the code: what other work on the machine adds least to. */
export function leastMs(run: () => unknown): number {
  const times: number[] = [];
  for (let i = 0; i < 10; i++) {
    const began = performance.now();
    run();
    if (i >= 3) times.push(performance.now() - began);
  }
  return Math.min(...times);
}
