// The programs that are compared, built into a folder that goes away.
import { join } from "node:path";

export interface Programs {
  /** What every compiled program takes, whatever it does. */
  readonly hello: string;
  readonly keyByKey: string;
  readonly count: string;
  /** Undefined where Go is absent. */
  readonly go: string | undefined;
}

/** Compiled as build.ts compiles the product. */
async function compile(name: string, folder: string): Promise<string> {
  const outfile = join(folder, name);
  const result = await Bun.build({
    entrypoints: [join(import.meta.dir, `${name}.ts`)],
    minify: true,
    bytecode: true,
    format: "cjs",
    target: "bun",
    compile: { outfile },
    define: { "process.env.NODE_ENV": '"production"' },
  });
  if (!result.success) throw new Error(`${name}.ts did not compile: ${result.logs.join("; ")}`);
  return outfile;
}

function buildGo(folder: string): string | undefined {
  const go = Bun.which("go");
  if (!go) {
    console.error("bench: Go is not there; its rows are left out");
    return undefined;
  }
  const outfile = join(folder, "yardstick");
  const { exitCode, stderr } = Bun.spawnSync([go, "build", "-o", outfile, "."], { cwd: import.meta.dir });
  if (exitCode !== 0) throw new Error(`go build failed: ${stderr}`);
  return outfile;
}

/** Builds all yardsticks. @throws Error when one doesn't build */
export async function buildPrograms(folder: string): Promise<Programs> {
  return {
    hello: await compile("hello", folder),
    keyByKey: await compile("key-by-key", folder),
    count: await compile("count", folder),
    go: buildGo(folder),
  };
}
