import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { SAMPLE_EVENTS } from "../../../src/cli/lambda/samples/sample-events.js";
import { httpEvent } from "../../../src/runtime-api/http-events.js";
import { cliFixture } from "../../support/cli-fixture.js";

type Fields = Readonly<Record<string, unknown>>;

async function printed(name: string): Promise<Fields> {
  const { run } = await cliFixture({ listening: false });
  const { code, json } = await run(["lambda", "event", name]);
  expect(code).toBe(0);
  return json as Fields;
}

async function firstRecord(name: string): Promise<Fields> {
  const { Records } = (await printed(name)) as { readonly Records: readonly Fields[] };
  return Records[0] ?? {};
}

describe("lambda event", () => {
  it("lists every sample with what it is, and needs no brokerd", async () => {
    const { run } = await cliFixture({ listening: false });
    const { code, stdout } = await run(["lambda", "event"]);
    expect(code).toBe(0);
    for (const [name, { about }] of Object.entries(SAMPLE_EVENTS)) {
      expect(stdout).toMatch(new RegExp(`^${name} +`, "m"));
      expect(stdout).toContain(about);
    }
    const { json } = await run(["lambda", "event", "--json"]);
    const { samples } = json as { readonly samples: readonly unknown[] };
    expect(samples).toContainEqual({ name: "sqs", about: SAMPLE_EVENTS["sqs"]?.about });
  });

  it("names the nearest sample for one that there is not", async () => {
    const { run } = await cliFixture({ listening: false });
    const { code, stdout, stderr } = await run(["lambda", "event", "s3_putt"]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("brokerctl lambda event s3-put");
  });

  it("holds log lines as a subscription sends them: JSON, compressed, in base64", async () => {
    const { awslogs } = (await printed("cloudwatch-logs")) as { readonly awslogs: { readonly data: string } };
    expect(JSON.parse(gunzipSync(Buffer.from(awslogs.data, "base64")).toString())).toMatchObject({
      messageType: "DATA_MESSAGE",
      logEvents: [{ message: "order 7 failed\n" }],
    });
  });

  it("holds sums and encodings that fit their bodies", async () => {
    const { body, md5OfBody } = (await firstRecord("sqs")) as { readonly body: string; readonly md5OfBody: string };
    expect(createHash("md5").update(body).digest("hex")).toBe(md5OfBody);
    const { kinesis } = (await firstRecord("kinesis")) as { readonly kinesis: { readonly data: string } };
    expect(JSON.parse(Buffer.from(kinesis.data, "base64").toString())).toEqual(JSON.parse(body));
  });

  it.each([
    ["apigateway-v1", "v1"],
    ["apigateway-v2", "v2"],
    ["function-url", "url"],
  ] as const)("has in %s all that the events of `lambda serve --http` have", async (name, form) => {
    const request = {
      ...{ method: "POST", target: "/orders/7?dry=1", sourceIp: "203.0.113.7", body: Buffer.from('{"id":7}') },
      rawHeaders: ["Host", "localhost", "Content-Type", "application/json", "Cookie", "theme=dark"],
    };
    const served = JSON.parse(httpEvent(form, request, { now: () => 0 }).toString()) as Fields;
    const sample = await printed(name);
    expect(Object.keys(sample)).toEqual(expect.arrayContaining(Object.keys(served)));
    const context = (event: Fields): readonly string[] => Object.keys(event["requestContext"] as Fields);
    expect(context(sample)).toEqual(expect.arrayContaining([...context(served)]));
  });
});
