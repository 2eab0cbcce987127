import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

/**
 * `npm run sbom [-- FILE]`: what an installation of the package gets, as CycloneDX 1.5 (JSON), on stdout or in FILE; from the
 * lockfile alone: what `npm ci` takes. A later `npm install` of the tarball may take newer versions of what our dependencies
 * need; `npm ls --global --all` says which. npm's own `--omit dev` leaves out what a development dependency needs as well
 * (measured with npm 11.19: 59 of 137), so everything is asked for and what is for development only is taken out here.
 * The package's name npm takes from the directory.
 */
interface Bom {
  readonly metadata: { readonly component: Readonly<Record<string, unknown>> };
  readonly components: readonly { readonly "bom-ref": string }[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

const args = [
  "sbom",
  "--sbom-format",
  "cyclonedx",
  "--sbom-type",
  "application",
  "--package-lock-only",
  "--no-update-notifier",
];
const whole = JSON.parse(execFileSync("npm", args, { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 })) as Bom;
const { name, version } = JSON.parse(readFileSync("package.json", "utf8")) as {
  readonly name: string;
  readonly version: string;
};
const text = `${JSON.stringify(withoutDevelopment(whole), null, 2)}\n`;

const file = process.argv[2];
if (file === undefined) process.stdout.write(text);
else writeFileSync(file, text);

function withoutDevelopment(bom: Bom): Bom {
  const kept = new Set([`${name}@${version}`, ...installed()]);
  return {
    ...bom,
    metadata: { ...bom.metadata, component: { ...bom.metadata.component, name } },
    components: bom.components.filter((component) => kept.has(component["bom-ref"])),
    dependencies: bom.dependencies
      .filter(({ ref }) => kept.has(ref))
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((each) => kept.has(each)) })),
  };
}

/** `name@version` of each package that the lockfile does not mark as for development only. */
function installed(): readonly string[] {
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
    readonly packages: Readonly<Record<string, { readonly version: string; readonly dev?: boolean }>>;
  };
  return Object.entries(packages)
    .filter(([path, { dev = false }]) => path !== "" && !dev)
    .map(([path, locked]) => `${path.replace(/^.*node_modules\//, "")}@${locked.version}`);
}
