import { defineConfig } from "vitest/config";

/**
 * What `npm run test:mutation` runs against each change of a folder: the folder's own unit tests, in this process. Tests that
 * start built programs do not see the change and stay out.
 */
const folder = process.env["CREDBROKER_MUTATED_FOLDER"] ?? "*";

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
    include: [`test/${folder}/**/*.test.ts`],
    // Thousands of connections for each change: they ask whether the whole holds, not whether one line is right.
    exclude: ["test/endpoint/flood.test.ts"],
  },
});
