import { beforeAll, describe, expect, it } from "vitest";
import { prepareMotoVenv } from "../../scripts/moto-venv.js";
import { type FirstRun, firstRuns } from "../support/first-runs.js";
import { pack } from "../support/packed.js";

/** All five by `npm run first-run`, or with `-- --full`: each installs the package. */
const MOST = process.env["CREDBROKER_TEST_FULL"] === "1" ? undefined : 2;
let runs: readonly FirstRun[];

beforeAll(async () => {
  prepareMotoVenv();
  runs = await firstRuns(pack(), MOST);
}, 1_200_000);

describe("a new user, from the packed tarball", () => {
  it("is who they should be by the AWS CLI after three commands, with each kind of home", () => {
    const seen = runs.map(({ who, commands, isRight, output }) => [who, commands.length, isRight || output]);
    expect(seen).toEqual(runs.map(({ who }) => [who, 3, true]));
    expect(runs).toHaveLength(MOST ?? 5);
  });
});
