import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CodeArchives } from "../../src/lambda/code-archives.js";
import { ACCOUNT, type AwsFixture } from "../aws/aws-fixture.js";
import { ARCHIVE_SIGNATURE } from "../fakes/fake-aws/lambda-actions.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { FakeClock } from "../support/fake-clock.js";
import { FUNCTION_ROLE, startLambdaFixture, viaDev } from "./lambda-fixture.js";

const arnOf = (name: string): string => `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:${name}`;
const layer = (name: string): string => `arn:aws:lambda:eu-west-1:${ACCOUNT}:layer:${name}:1`;
/** Three parts. */
const CODE = Buffer.alloc(2.5 * 1024 * 1024, "code");

let fixture: AwsFixture;
let archives: CodeArchives;
const clock = new FakeClock();

beforeEach(async () => {
  fixture = await startLambdaFixture(
    {},
    {
      functions: [
        { arn: arnOf("orders"), roleArn: FUNCTION_ROLE, code: CODE, layers: [layer("open"), layer("closed")] },
        { arn: arnOf("image"), roleArn: FUNCTION_ROLE, isImage: true },
      ],
      layers: [
        { arn: layer("open"), content: Buffer.from("layer") },
        { arn: layer("closed"), content: Buffer.from("closed"), isClosed: true },
      ],
    },
  );
  archives = new CodeArchives({ lambda: fixture.lambda, clock });
});
afterEach(() => fixture.fake.close());

async function whole(id: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for (let offset = 0; ; offset += parts.at(-1)?.length ?? 0) {
    const part = await archives.read(id, offset);
    if (part.length === 0) return Buffer.concat(parts);
    parts.push(part);
  }
}

describe("the code of a function", () => {
  test("comes part by part, by a name that is not its address; a layer that may not be read says so", async () => {
    const found = await archives.open(await viaDev(fixture), "orders");
    expect((await whole(found.code.id)).equals(CODE)).toBe(true);
    const [open, closed] = found.layers;
    expect((await whole(open?.archive?.id ?? "")).toString()).toBe("layer");
    expect(closed).toEqual({ arn: layer("closed"), problem: expect.stringContaining("not authorized") as string });
    expect(JSON.stringify(found)).not.toMatch(/X-Amz|http/);
    expect(JSON.stringify(fixture.logger.lines)).not.toContain(ARCHIVE_SIGNATURE);
  });

  test("is let go after the ten minutes for which Lambda signs its address", async () => {
    const { code } = await archives.open(await viaDev(fixture), "orders");
    await clock.advance(10 * 60_000);
    expect(await brokerErrorOf(() => archives.read(code.id, 0))).toMatchObject({ code: "NotFound" });
    expect(await brokerErrorOf(() => archives.read("0".repeat(32), 0))).toMatchObject({ code: "NotFound" });
  });

  test("of an image is not to be pulled so, and the error says how it is", async () => {
    const error = await brokerErrorOf(async () => archives.open(await viaDev(fixture), "image"));
    expect(error).toMatchObject({ code: "NotSupported" });
    expect(error.hint).toContain(`docker pull ${ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/orders:1`);
  });

  test("of a function that is not there is not found", async () => {
    expect(await brokerErrorOf(async () => archives.open(await viaDev(fixture), "gone"))).toMatchObject({
      code: "NotFound",
    });
  });
});
