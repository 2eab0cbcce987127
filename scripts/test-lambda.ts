import { prepareLambdaClients } from "./lambda-clients.js";
import { prepareMotoVenv } from "./moto-venv.js";
import { setUpAndRun } from "./set-up.js";

/**
 * `npm run test:lambda [vitest arguments]`: the runtime interface clients of AWS for Python, Go and Rust, and functions in
 * those and Node that call AWS with its SDKs, installed and built into `.lambda-clients/` when they are missing or changed;
 * moto in `.venv`; then the tests. What cannot be installed is a failure, never a skip.
 */
setUpAndRun({
  name: "test:lambda",
  setUp: () => {
    prepareLambdaClients("test:lambda");
    prepareMotoVenv();
  },
});
