import { defineConfig } from "vitest/config";

/**
 * What `npm run test:mutation` runs against each change of a folder: the folder's own unit tests, in this process. Tests that
 * start built programs do not see the change and stay out.
 */
const folder = process.env["CREDBROKER_MUTATED_FOLDER"] ?? "*";
/** The composition root is tested as a whole: by the flows that run it in their own process. */
const FLOWS_IN_PROCESS = "every-source,lambda-roles,left-out,restart,sso,state-files,upstream-in-trouble,wake".split(
  ",",
);
const flows = folder === "daemon" ? FLOWS_IN_PROCESS.map((name) => `test/flows/${name}.test.ts`) : [];

export default defineConfig({
  plugins: [
    {
      name: "processes",
      // StrykerJS asks for threads, in which umask and the effective user cannot be set.
      configureVitest: ({ project }) => void (project.config.pool = "forks"),
    },
  ],
  test: {
    environment: "node",
    testTimeout: 60_000,
    include: [`test/${folder}/**/*.test.ts`, ...flows],
    exclude: [
      // Thousands of connections for each change: they ask whether the whole holds, not whether one line is right.
      "test/endpoint/flood.test.ts",
      // The process that is killed does not see the change.
      "test/files/atomic-file-crash.test.ts",
      "test/secrets/secrets-crash.test.ts",
    ],
  },
});
