import { cpSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { makeOnce, run } from "../../../scripts/set-up.js";
import { BUCKET, MADE, type MatrixClient, type MatrixRow, made, matrixProgram } from "../client.js";

interface JvmProgram extends Pick<MatrixClient, "name" | "family" | "env" | "assumesAtAws" | "knownFailures"> {
  /** Of programs/. */
  readonly directory: string;
  readonly sources: readonly string[];
  readonly mainClass: string;
  /** The artifact whose version it is. */
  readonly artifact: string;
  /** In place of the property `sdk.version` of its pom.xml. */
  readonly old?: string;
}

const JAVA_V2 = {
  family: "Java v2",
  directory: "java-v2",
  sources: ["pom.xml", "src/main/java/Identity.java"],
  mainClass: "Identity",
  artifact: "sts",
};

export const JVM: readonly MatrixRow[] = [
  jvmRow({ ...JAVA_V2, name: "Java SDK v2" }),
  // It knows no variable for endpoints.
  jvmRow({ ...JAVA_V2, name: "Java SDK v2, old", old: "2.20.162", assumesAtAws: true }),
  jvmRow({
    name: "Java SDK v1",
    family: "Java v1",
    directory: "java-v1",
    sources: ["pom.xml", "src/main/java/Identity.java"],
    mainClass: "Identity",
    artifact: "aws-java-sdk-sts",
    assumesAtAws: true,
    env: { AWS_JAVA_V1_DISABLE_DEPRECATION_ANNOUNCEMENT: "true" },
  }),
  jvmRow({
    name: "MinIO Java",
    family: null,
    directory: "minio-java",
    sources: ["pom.xml", "src/main/java/Identity.java"],
    mainClass: "Identity",
    artifact: "minio",
    env: { MATRIX_BUCKET: BUCKET },
  }),
  jvmRow({
    name: "Kotlin SDK",
    family: "Kotlin",
    directory: "kotlin",
    sources: ["pom.xml", "src/main/kotlin/Identity.kt"],
    mainClass: "IdentityKt",
    artifact: "sts-jvm",
  }),
];

const HINT =
  "Maven and a JDK of 17 or newer are needed as `mvn` and `java`: apt-get install maven default-jdk-headless";
/** For programs that live a second: less to compile, less memory, one thread that collects. */
const SHORT_LIVED = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m"];

function jvmRow({ directory, sources, mainClass, artifact, old, ...row }: JvmProgram): MatrixClient {
  const name = old === undefined ? directory : `${directory}-old`;
  const source = matrixProgram(directory);
  const start = (...words: readonly string[]): readonly string[] => {
    const classes = [made(`${name}/target/classes`), `${made(`${name}/lib`)}/*`];
    // Java takes a user's directory from the machine's list of users; these tests have others.
    const script = 'exec java -Duser.home="$HOME" "$@"';
    return ["/bin/sh", "-c", script, "sh", ...SHORT_LIVED, "-cp", classes.join(":"), mainClass, ...words];
  };
  const make = (): void => {
    const place = join(MADE, name);
    rmSync(place, { recursive: true, force: true });
    mkdirSync(MADE, { recursive: true });
    cpSync(source, place, { recursive: true });
    const pom = ["--file", join(place, "pom.xml"), ...(old === undefined ? [] : [`-Dsdk.version=${old}`])];
    const goals = ["compile", "dependency:copy-dependencies", `-DoutputDirectory=${join(place, "lib")}`];
    run(
      ["mvn", "--batch-mode", "--quiet", "--threads", "1", ...pom, ...goals],
      `${HINT}; Maven Central must be reached`,
    );
  };
  return {
    ...row,
    light: false,
    prepare: () => {
      const versions = `${run(["mvn", "--version"], HINT)}\0${old ?? ""}`;
      makeOnce({ suite: "test:matrix", name, home: MADE, sourceDirectory: source, sources, versions, make });
    },
    version: () => versionAmong(made(`${name}/lib`), artifact),
    identity: () => start("identity"),
    loop: (seconds) => start("loop", String(seconds)),
  };
}

/** As the jar's name says it. */
function versionAmong(directory: string, artifact: string): string {
  const pattern = new RegExp(`^${artifact}-(\\d.*)\\.jar$`);
  const found = readdirSync(directory).map((name) => pattern.exec(name)?.[1]);
  const version = found.find((each) => each !== undefined);
  if (version === undefined) throw new Error(`${directory} has no ${artifact}`);
  return version;
}
