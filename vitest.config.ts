import { defineConfig } from "vitest/config";

/** They only end what hangs: no verdict may depend on how fast the machine is, so each is far more than a busy one needs. */
const shared = {
  environment: "node",
  testTimeout: 120_000,
  hookTimeout: 120_000,
  expect: { poll: { timeout: 90_000, interval: 20 } },
} as const;

/**
 * `unit` needs npm only; `keychain` a real Secret Service; `clients` Python, Go and npm's registry; `browser` Chromium;
 * `desktop` Xvfb, zenity, xdotool, notify-send and Debian's Python with D-Bus; `systemd` root, to make namespaces; `attack` and `faults` root, for users who are not root, `faults` also to mount disks, and faketime; `lambda` Python, Go and Rust; `functions` these, npm's registry and Maven; `install` the registry that npm installs from, and Python.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [
            "test/keychain/**",
            "test/clients/**",
            "test/browser/**",
            "test/systemd/**",
            "test/attack/**",
            "test/desktop/**",
            "test/faults/**",
            "test/lambda-clients/**",
            "test/functions/**",
            "test/install/**",
            "test/native/**",
          ],
        },
      },
      // What runs brokerctl as a process, run once more with the launcher, and what is the launcher's alone.
      {
        test: {
          ...shared,
          name: "native",
          include: [
            "test/native/**/*.test.ts",
            "test/cli/exec.test.ts",
            "test/cli/forward.test.ts",
            "test/cli/process.test.ts",
            ...["cold-burst", "credential-process", "one-variable", "pinned-and-guarded", "squatted-port"].map(
              (flow) => `test/flows/${flow}.test.ts`,
            ),
          ],
          env: { CREDBROKER_TEST_PROGRAM: "native" },
        },
      },
      { test: { ...shared, name: "keychain", include: ["test/keychain/**/*.test.ts"] } },
      {
        test: {
          ...shared,
          name: "install",
          include: ["test/install/**/*.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      { test: { ...shared, name: "browser", include: ["test/browser/**/*.test.ts"] } },
      { test: { ...shared, name: "systemd", include: ["test/systemd/**/*.test.ts"], testTimeout: 120_000 } },
      // One screen, one question at a time.
      { test: { ...shared, name: "desktop", include: ["test/desktop/**/*.test.ts"], fileParallelism: false } },
      { test: { ...shared, name: "attack", include: ["test/attack/**/*.test.ts"] } },
      {
        test: {
          ...shared,
          name: "faults",
          include: ["test/faults/**/*.test.ts"],
          globalSetup: ["test/faults/print-summary.ts"],
          // Most of a case is waiting.
          maxConcurrency: 8,
        },
      },
      { test: { ...shared, name: "functions", include: ["test/functions/**/*.test.ts"] } },
      { test: { ...shared, name: "lambda", include: ["test/lambda-clients/**/*.test.ts"] } },
      { test: { ...shared, name: "clients", include: ["test/clients/**/*.test.ts"], testTimeout: 180_000 } },
    ],
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts"],
      exclude: ["src/brokerd.ts", "src/brokerctl.ts", "src/keychain-child.ts", "src/lambda-bootstrap.ts"],
      reporter: ["text-summary", "json-summary", "html"],
      // A little below what the unit tests reach: what falls under it has lost its tests.
      thresholds: { statements: 90, branches: 84, functions: 90, lines: 91 },
    },
  },
});
