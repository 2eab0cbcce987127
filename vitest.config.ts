import { defineConfig } from "vitest/config";

const shared = { environment: "node", testTimeout: 60_000, hookTimeout: 60_000 } as const;

/**
 * `unit` needs npm only; `keychain` a real Secret Service; `clients` the AWS CLI, boto3 and moto; `browser` Chromium;
 * `lambda` Python, Go and Rust.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/keychain/**", "test/clients/**", "test/browser/**", "test/lambda-clients/**"],
        },
      },
      { test: { ...shared, name: "keychain", include: ["test/keychain/**/*.test.ts"], testTimeout: 60_000 } },
      { test: { ...shared, name: "browser", include: ["test/browser/**/*.test.ts"] } },
      { test: { ...shared, name: "lambda", include: ["test/lambda-clients/**/*.test.ts"] } },
      { test: { ...shared, name: "clients", include: ["test/clients/**/*.test.ts"], testTimeout: 180_000 } },
    ],
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts"],
      exclude: ["src/brokerd.ts", "src/brokerctl.ts", "src/keychain-child.ts", "src/lambda-bootstrap.ts"],
      reporter: ["text-summary", "json-summary", "html"],
    },
  },
});
