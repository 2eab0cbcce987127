import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DeployedFixture } from "./deployed-fixture.js";
import { ACCOUNT, BUCKET, FUNCTIONS, LANGUAGES, SERVICE_ROLE } from "./deployment.js";

let fixture: DeployedFixture;
beforeAll(async () => {
  fixture = await DeployedFixture.open({ sessionSeconds: 3600 });
}, 120_000);
afterAll(async () => fixture.close());

describe.each(LANGUAGES)("a deployed function's code, here, in %s", (language) => {
  const { name } = FUNCTIONS[language];

  it("is for AWS what the deployed function is: its role, with its name as session name", async () => {
    const outcome = await fixture.invoke(language, { do: "identity" });

    expect(outcome).toMatchObject({ code: 0, stderr: expect.stringContaining("REPORT RequestId: ") as string });
    expect(JSON.parse(outcome.stdout)).toEqual({
      arn: `arn:aws:sts::${ACCOUNT}:assumed-role/${SERVICE_ROLE}/${name}`,
    });
  });

  it("writes, reads and lists objects", async () => {
    const key = `${language}/order.txt`;
    const text = "gr\u00fc\u00dfe \u{1f980}\n".repeat(10_000);

    const outcome = await fixture.invoke(language, { do: "s3", bucket: BUCKET, key, text });

    expect({ ...outcome, stdout: JSON.parse(outcome.stdout) as unknown }).toMatchObject({
      code: 0,
      stdout: { text, keys: [key] },
    });
  });

  it("shows the error of its handler, and fails", async () => {
    const outcome = await fixture.invoke(language, { do: "s3", bucket: "nobodys-bucket", key: "a", text: "b" });

    expect(outcome.code).toBe(1);
    expect(outcome.stdout).toContain("errorMessage");
    expect(outcome.stderr).toContain(`${name} failed`);
  });
});
