import { prepareMotoVenv } from "./moto-venv.js";
import { setUpAndRun } from "./set-up.js";

/**
 * `npm run test:clients [vitest arguments]`: a venv with the pinned AWS CLI, boto3 and moto, made when it is missing or
 * its pins changed, then the tests that run them against the broker. What cannot be installed is a failure, never a skip.
 */
setUpAndRun({ name: "test:clients", setUp: prepareMotoVenv });
