import { join, resolve } from "node:path";
import { makeOnce, run } from "../../scripts/set-up.js";
import { MADE, made } from "./client.js";

const PINS = resolve("test/matrix/python");
const VENV_HINT =
  "Python 3.11 or newer is needed as `python3`, with its venv module: apt-get install python3 python3-venv";

/** A venv with the packages of `python/NAME.txt`. */
export function prepareVenv(name: string): void {
  const versions = run(["python3", "-c", "import sys, venv, ensurepip; print(sys.version)"], VENV_HINT);
  makeOnce({
    ...{ suite: "test:matrix", name, home: MADE, sourceDirectory: PINS, sources: [`${name}.txt`], versions },
    make: () => {
      const venv = join(MADE, name);
      run(["python3", "-m", "venv", "--clear", venv], VENV_HINT);
      // Complete and exact pins, wheels only: nothing to resolve, and no package's code runs at install.
      const install = ["install", "--quiet", "--no-deps", "--only-binary", ":all:", "--no-compile", "--requirement"];
      const pip = [join(venv, "bin", "python"), "-m", "pip", ...install, join(PINS, `${name}.txt`)];
      run(pip, "pip must reach PyPI, or a mirror named in its configuration");
    },
  });
}

/** Of such a venv. */
export function venvProgram(venv: string, program: string): string {
  return made(`${venv}/bin/${program}`);
}

export function packageVersion(python: string, name: string): string {
  const code = `import importlib.metadata as m; print(m.version("${name}"))`;
  return run([python, "-c", code], `remove ${MADE} and .venv`).trim();
}
