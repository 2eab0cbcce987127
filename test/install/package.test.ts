import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { Outcome } from "../support/broker.js";
import { homeSnapshot } from "../support/home-snapshot.js";
import { PLATFORMS } from "../support/launcher.js";
import {
  filesBelow,
  installPacked,
  pack,
  packageIn,
  packCheckout,
  pathWithoutCompilers,
  runBare,
} from "../support/packed.js";
import { tempDir } from "../support/temp-dir.js";

const KIB = 1024;
let tarball: string;
let prefix: string;

beforeAll(() => {
  tarball = pack();
  prefix = installPacked(tarball);
});

function installed(program: "brokerctl" | "brokerd", args: readonly string[], home: string): Outcome {
  const env = { PATH: `${join(prefix, "bin")}:${process.env["PATH"] ?? ""}`, HOME: home };
  const { status, signal, stdout, stderr } = spawnSync(program, args, { env, encoding: "utf8" });
  return { code: status, signal, stdout, stderr };
}

describe("the package", () => {
  it("holds the programs, what they read, and nothing else", () => {
    const known =
      /^(?:package\.json|README\.md|CHANGELOG\.md|SECURITY\.md|LICENSE|bin\/\w+|bin\/native\/(?:(?:linux|darwin)-(?:x64|arm64)\/brokerctl|THIRD-PARTY\.txt)|dist\/(?:chunks\/)?[\w-]+\.m?js|dist\/package\.json|dist\/THIRD-PARTY\.txt|dist\/man\/(?:brokerctl\.1|brokerd\.8)|dist\/page\/(?:index\.html|page\.js|page\.css|icon\.svg)|dist\/runtime-api\/lambda_bootstrap\.py|dist\/cli\/shell\/[\w-]+\.(?:bash|zsh|fish|sh)|docs\/(?:guides\/)?[\w-]+\.md|docs\/(?:growth|session)\.svg|docs\/page\.png|launchd\/[\w.]+\.plist|systemd\/[\w./-]+)$/;
    const names = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" }).trim().split("\n");
    const files = names.map((name) => name.replace(/^package\//, ""));
    expect(files.filter((name) => !known.test(name))).toEqual([]);
    expect(files.length).toBeGreaterThan(50);
    expect(statSync(tarball).size).toBeLessThan(2100 * KIB);
    const others = files.filter((name) => !name.startsWith("dist/")).sort();
    console.log(
      `the tarball: ${Math.round(statSync(tarball).size / KIB)} KiB, ${files.length} files: ${files.length - others.length} in dist, ${others.join(" ")}`,
    );
  });

  it("has beside it everything that its programs start or read by a path of their own", () => {
    const root = packageIn(prefix);
    const needed = [
      ...["dist/brokerd.js", "dist/brokerctl.js", "dist/keychain-child.js", "dist/lambda-bootstrap.mjs"],
      ...PLATFORMS.map((platform) => `bin/native/${platform}/brokerctl`),
      ...["dist/man/brokerctl.1", "dist/man/brokerd.8"],
      ...["index.html", "page.js", "page.css", "icon.svg"].map((name) => `dist/page/${name}`),
      ...["dist/runtime-api/lambda_bootstrap.py", "launchd/credbroker.brokerd.plist", "systemd/brokerd.service"],
    ];
    expect(needed.filter((name) => !existsSync(join(root, name)))).toEqual([]);
  });

  it("names no path of its own that is not there: what is read relative to the code", () => {
    const root = join(packageIn(prefix), "dist");
    const files = filesBelow(root).filter((name) => name.endsWith(".js"));
    const read = files.flatMap((name) => relativePaths(join(root, name)));
    expect(read.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    expect(read).toContain("runtime-api/lambda_bootstrap.py");
  });

  it("brings no package that compiles or runs anything at install", () => {
    const manifests = filesBelow(packageIn(prefix)).filter((name) => /(?:^|\/)package\.json$/.test(name));
    const withScripts = manifests.filter((name) => {
      const { name: isPackage, scripts = {} } = JSON.parse(readFileSync(join(packageIn(prefix), name), "utf8")) as {
        readonly name?: string;
        readonly scripts?: Readonly<Record<string, string>>;
      };
      return isPackage !== undefined && ["preinstall", "install", "postinstall"].some((script) => script in scripts);
    });
    expect(withScripts).toEqual([]);
    expect(filesBelow(packageIn(prefix)).filter((name) => name.endsWith("binding.gyp"))).toEqual([]);
    expect(manifests.length).toBeGreaterThan(50);
  });
});

/** `new URL("./x.py", import.meta.url)` as it was built, without those whose name is put together: paths below `dist`. */
function relativePaths(file: string): readonly string[] {
  const found = readFileSync(file, "utf8").matchAll(/new URL\("(\.{1,2}\/[^"]+)", __address\("([^"]+)"\)\)/g);
  return [...found].map(([, url = "", place = ""]) => join(dirname(place), url));
}

describe("npm pack", () => {
  it("makes the same file to the byte from two clean checkouts, the launcher left out, whatever their directory, umask and time", () => {
    const first = packCheckout(tempDir("checkout", "input"), { umask: "022", TZ: "UTC" });
    const second = packCheckout(join(tempDir("another-checkout", "input"), "further", "down"), {
      ...{ umask: "077", TZ: "Asia/Tokyo" },
      touched: new Date("2001-02-03T04:05:06Z"),
    });
    expect(first).toMatch(/^sha512-/);
    expect(second).toBe(first);
  });

  it("takes nothing of an earlier build, and no file that others cannot read", () => {
    const { files = [], scripts = {} } = JSON.parse(readFileSync("package.json", "utf8")) as {
      readonly files?: readonly string[];
      readonly scripts?: Readonly<Record<string, string>>;
    };
    const [built, native, modes = ""] = (scripts["prepack"] ?? "").split(" && ");
    expect(built).toBe("npm run --silent build");
    expect(native).toBe("npm run --silent build:native -- --if-there");
    expect(readFileSync("scripts/build.ts", "utf8")).toContain("\nrmSync(OUT, { recursive: true, force: true });\n");
    const packed = ["package.json", ...files.filter((name) => !name.startsWith("!"))];
    expect(modes.split(" ").slice(0, 3)).toEqual(["chmod", "-R", "u=rwX,go=rX"]);
    expect(modes.split(" ").slice(3).sort()).toEqual(packed.sort());
  });
});

describe("the bill of materials", () => {
  it("names every package that an installation really has, those that package.json names at their version", () => {
    const file = join(tempDir("sbom"), "sbom.json");
    execFileSync("npm", ["run", "--silent", "sbom", "--", file]);
    const { components } = JSON.parse(readFileSync(file, "utf8")) as {
      readonly components: readonly { readonly group?: string; readonly name: string; readonly version: string }[];
    };
    const bill = components.map(({ group, name, version }) => ({
      name: group === undefined ? name : `${group}/${name}`,
      version,
    }));
    const { dependencies } = JSON.parse(readFileSync("package.json", "utf8")) as {
      readonly dependencies: Readonly<Record<string, string>>;
    };
    const there = installedPackages();
    expect(there.length).toBeGreaterThan(50);
    expect(there.filter(({ name }) => !bill.some((each) => each.name === name))).toEqual([]);
    for (const name of Object.keys(dependencies)) {
      const inPlace = there.find(({ path }) => path === `${name}/package.json`);
      expect(bill).toContainEqual({ name, version: inPlace?.version });
    }
    // npm takes no lock of a tarball: what our dependencies need is the newest that fits them.
    const newer = there.filter(
      ({ name, version }) => !bill.some((each) => each.name === name && each.version === version),
    );
    console.log(`installed newer than locked: ${newer.map(({ name, version }) => `${name}@${version}`).join(" ")}`);
  });
});

interface InstalledPackage {
  /** Of its package.json, below node_modules. */
  readonly path: string;
  readonly name: string;
  readonly version: string;
}

function installedPackages(): readonly InstalledPackage[] {
  const root = join(packageIn(prefix), "node_modules");
  return filesBelow(root)
    .filter((path) => /^(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/@]+\/package\.json$/.test(path))
    .map((path) => {
      const { name = "", version = "" } = JSON.parse(readFileSync(join(root, path), "utf8")) as Record<string, string>;
      return { path, name, version };
    });
}

describe("npm install --global", () => {
  it("works with no compiler, no make and no Python in PATH", () => {
    const path = pathWithoutCompilers();
    for (const tool of ["cc", "gcc", "g++", "clang", "make", "python3"]) {
      expect(spawnSync(tool, ["--version"], { env: { PATH: path } }).error).toMatchObject({ code: "ENOENT" });
    }
    const target = tempDir("prefix", "input");
    const { code, stderr } = runBare(["npm", "install", "--global", "--prefix", target, tarball], { path });
    expect([code, stderr.match(/gyp|deprecated/g)]).toEqual([0, null]);
    const { status, stdout } = spawnSync(join(target, "bin", "brokerctl"), ["--version"], {
      env: { PATH: path },
      encoding: "utf8",
    });
    expect([status, stdout]).toEqual([0, "brokerctl 0.1.0\n"]);
  });

  it("works through a prefix that is a symbolic link, also from another directory and by a link to the program", () => {
    const directory = tempDir("linked", "input");
    symlinkSync(prefix, join(directory, "current"));
    symlinkSync("current/bin/brokerctl", join(directory, "ctl"));
    symlinkSync("current/bin/brokerd", join(directory, "d"));
    const env = { PATH: process.env["PATH"] ?? "", HOME: tempDir("home") };
    const ask = (program: string): readonly unknown[] => {
      const { status, stdout } = spawnSync(program, ["--version"], { cwd: "/", env, encoding: "utf8" });
      return [status, stdout];
    };
    for (const name of ["current/bin/brokerctl", "ctl"])
      expect(ask(join(directory, name))).toEqual([0, "brokerctl 0.1.0\n"]);
    for (const name of ["current/bin/brokerd", "d"]) expect(ask(join(directory, name))).toEqual([0, "0.1.0\n"]);
  });

  it("loads the keychain's native code as it was installed", () => {
    const script = join(packageIn(prefix), "dist", "keychain-child.js");
    const input = `${JSON.stringify({ operation: "find", account: "data-key:v1:/none", interactive: false })}\n`;
    // stdin stays open: the child takes its end for the death of who asked.
    const shell = `(printf '%s' "$REQUEST"; sleep 5) | "$NODE" "$SCRIPT"`;
    const env = {
      PATH: process.env["PATH"] ?? "",
      HOME: tempDir("home"),
      REQUEST: input,
      NODE: process.execPath,
      SCRIPT: script,
    };
    const { stdout } = spawnSync("sh", ["-c", shell], { env, encoding: "utf8" });
    const { outcome, detail } = JSON.parse(stdout) as { readonly outcome: string; readonly detail?: string };
    expect(["unavailable", "absent", "locked"]).toContain(outcome);
    expect(detail ?? "").not.toMatch(/cannot find|native binding|module/i);
  });
});

describe("the installed programs in an empty home", () => {
  it("say their versions and help, and write nothing", () => {
    const home = tempDir("empty");
    expect(installed("brokerctl", ["--version"], home)).toMatchObject({ code: 0, stdout: "brokerctl 0.1.0\n" });
    expect(installed("brokerd", ["--version"], home)).toMatchObject({ code: 0, stdout: "0.1.0\n" });
    expect(installed("brokerctl", ["--help"], home)).toMatchObject({ code: 0, stderr: "" });
    expect(installed("brokerctl", ["status"], home)).toMatchObject({ code: 3 });
    expect(homeSnapshot(home)).toEqual({});
  });

  it("make a home, work in it, and leave it as it was", async () => {
    const home = tempDir("fresh");
    writeFileSync(join(home, ".profile"), "# mine\n", { mode: 0o640 });
    mkdirSync(join(home, ".config"), { mode: 0o755 });
    const before = homeSnapshot(home);
    expect(installed("brokerctl", ["init", "--secret-store", "key_file", "--yes"], home)).toMatchObject({ code: 0 });
    expect(installed("brokerctl", ["status", "--json"], home)).toMatchObject({ code: 0 });
    const refused = installed("brokerctl", ["uninstall"], home);
    expect([refused.code, existsSync(join(home, ".config", "credbroker", "config.yaml"))]).toEqual([2, true]);
    expect(installed("brokerctl", ["uninstall", "--yes"], home)).toMatchObject({ code: 0 });
    expect(homeSnapshot(home)).toEqual(before);
    expect(installed("brokerctl", ["uninstall", "--yes"], home).stderr).toContain("nothing of credbroker");
  });

  it("load without the files of this repository, and without any package but the keychain's", () => {
    const root = tempDir("alone", "input");
    cpSync(join(packageIn(prefix), "dist"), join(root, "dist"), { recursive: true });
    cpSync(join(packageIn(prefix), "package.json"), join(root, "package.json"));
    // Every chunk by the program's own way, after its first lines and in place of its last.
    for (const program of ["brokerd", "brokerctl"]) {
      const file = join(root, "dist", `${program}.js`);
      const [head = ""] = readFileSync(file, "utf8").split(/^const keepOne|^process\.on\("exit"/m);
      const all =
        'for (const name of Object.keys(require("./chunks/PROGRAM.js"))) if (name !== "brokerd.js") chunks.load(name);';
      const large = "for (const name of chunks.large) chunks.load(name);";
      writeFileSync(file, `${head}${all.replace("PROGRAM", program)}\n${large}\nconsole.log("loaded");\n`);
      const env = { PATH: "", HOME: tempDir("home") };
      const { stdout, stderr } = spawnSync(process.execPath, [file], { env, encoding: "utf8" });
      expect([stdout, stderr]).toEqual(["loaded\n", ""]);
    }
  });
});
