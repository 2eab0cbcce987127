import request from "supertest";
import { describe, expect, it } from "vitest";
import { BrokerError, type BrokerErrorCode, type EndpointErrorCode } from "../../src/core/errors.js";
import { newLeaseToken } from "../../src/core/lease.js";
import { Secret } from "../../src/core/secret.js";
import { CANARY } from "../support/canaries.js";
import { ACCESS_KEY_ID, endpointFixture, hourOfCredentials } from "../support/endpoint-fixture.js";

const HOUR_BODY = {
  Code: "Success",
  Type: "AWS-HMAC",
  AccessKeyId: ACCESS_KEY_ID,
  SecretAccessKey: `${CANARY}/endpoint-secret`,
  Token: `${CANARY}//endpoint-session`,
  Expiration: "2026-11-21T04:52:46Z",
  AccountId: "123456789012",
  RoleArn: "arn:aws:iam::123456789012:role/dev",
  LastUpdated: "2026-11-21T03:53:46Z",
};

describe("a request with a good token", () => {
  it("gets the credentials, by either form of the token", async () => {
    const { app, token, leases } = endpointFixture();

    const byPath = await request(app).get(`/lease/${token}`);
    const byHeader = await request(app).get("/creds").set("Authorization", token);
    const byBearer = await request(app).get("/creds").set("Authorization", `Bearer ${token}`);
    const byLowerBearer = await request(app).get("/creds").set("authorization", `bearer  ${token}`);

    for (const answer of [byPath, byHeader, byBearer, byLowerBearer]) {
      expect(answer.status).toBe(200);
      expect(answer.body).toEqual(HOUR_BODY);
    }
    expect(leases.touched).toHaveLength(4);
  });

  it("gets exactly the promised keys, in their order, and headers that every client reads", async () => {
    const { app, token } = endpointFixture();

    const { text, headers } = await request(app).get(`/lease/${token}`);

    expect(text).toBe(JSON.stringify(HOUR_BODY));
    expect(headers["content-type"]).toBe("application/json");
    expect(headers["cache-control"]).toBe("no-store");
    expect(headers["content-length"]).toBe(String(Buffer.byteLength(text)));
    for (const unwanted of ["etag", "x-powered-by", "server", "set-cookie", "vary", "content-encoding"]) {
      expect(headers).not.toHaveProperty(unwanted);
    }
    expect(Object.keys(headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
  });

  it("is served although a leftover Authorization comes with the path form", async () => {
    const { app, token } = endpointFixture();

    const answer = await request(app).get(`/lease/${token}`).set("Authorization", newLeaseToken().reveal());

    expect(answer.status).toBe(200);
  });

  it("finds no account and role where they are not known", async () => {
    const { app, credentials, leases } = endpointFixture();
    const { credentials: known, receivedAt } = hourOfCredentials();
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = known;
    const unknown = { accessKeyId, secretAccessKey, sessionToken, expiration };
    credentials.hold("session", { credentials: unknown, receivedAt });

    const answer = await request(app).get(`/lease/${leases.add("session")}`);

    expect(Object.keys(answer.body as object)).toEqual(
      Object.keys(HOUR_BODY).filter((key) => key !== "AccountId" && key !== "RoleArn"),
    );
  });

  it("is refused a guarded role until a person said yes, without asking AWS for it", async () => {
    const { app, token, leases, credentials } = endpointFixture();
    credentials.guarded.add("dev");

    const before = await request(app).get(`/lease/${token}`);
    expect(before.status).toBe(403);
    expect(before.body).toMatchObject({ code: "GuardRefused", Code: "GuardRefused" });
    expect((before.body as { message: string }).message).toContain("brokerctl lease set");
    expect(credentials.asked).toBe(0);

    leases.grant(token, true);
    expect((await request(app).get(`/lease/${token}`)).status).toBe(200);
  });

  it("gets nothing when the grant ended while it waited", async () => {
    const { app, token, leases, credentials } = endpointFixture();
    credentials.guarded.add("dev");
    leases.grant(token, true);
    credentials.answers.set("dev", async () => {
      leases.grant(token, false);
      return hourOfCredentials();
    });

    const answer = await request(app).get(`/lease/${token}`);

    expect(answer.status).toBe(403);
    expect(answer.body).toMatchObject({ code: "GuardRefused" });
  });

  it("is not served any more when the lease was revoked while it waited", async () => {
    const { app, credentials, leases, token } = endpointFixture();
    credentials.answers.set("dev", async () => {
      leases.end(token);
      return hourOfCredentials();
    });

    const answer = await request(app).get(`/lease/${token}`);

    expect(answer.status).toBe(403);
    expect(answer.body).toMatchObject({ code: "LeaseEnded" });
  });
});

describe("a request without a good token", () => {
  it.each(["", "brk_", "Basic dXNlcjpwdw==", "Bearer", "Bearer x y", newLeaseToken().reveal()])(
    "is answered LeaseUnknown: Authorization %j",
    async (authorization) => {
      const { app, credentials } = endpointFixture();

      const answer = await request(app).get("/creds").set("Authorization", authorization);

      expect(answer.status).toBe(403);
      expect(answer.body).toMatchObject({ code: "LeaseUnknown", Code: "LeaseUnknown" });
      expect(credentials.asked).toBe(0);
    },
  );

  it("is answered LeaseUnknown without any token, with another method, path, case, slash or query", async () => {
    const { app, token } = endpointFixture();
    const agent = request(app);
    const answers = [
      await agent.get("/creds"),
      await agent.get("/"),
      await agent.get("/lease"),
      await agent.get("/lease/"),
      await agent.get(`/lease/${token}/`),
      await agent.get(`/Lease/${token}`),
      await agent.get(`/lease/${token}?x=1`),
      await agent.get(`/lease/${token}%20`),
      await agent.get("/creds/").set("Authorization", token),
      await agent.get("/CREDS").set("Authorization", token),
      await agent.get(`/creds?token=${token}`),
      await agent.options("/creds").set("Authorization", token),
      await agent.delete(`/lease/${token}`),
    ];

    for (const { status, body } of answers) {
      expect(status).toBe(403);
      expect(body).toMatchObject({ code: "LeaseUnknown" });
    }
    const head = await agent.head(`/lease/${token}`);
    expect(head.status).toBe(403);
  });

  it("is told the command that gives a token for the header, where it has none", async () => {
    const { app } = endpointFixture();

    const answer = await request(app).get("/creds");

    const message = 'the request has no lease token in Authorization; to fix it: eval "$(brokerctl env --as header)"';
    expect(answer.body).toMatchObject({ code: "LeaseUnknown", message });
  });

  it("is answered LeaseEnded with a token that was good once", async () => {
    const { app, leases, token } = endpointFixture();
    leases.end(token);

    const answer = await request(app).get(`/lease/${token}`);

    expect([answer.status, (answer.body as { code: string }).code]).toEqual([403, "LeaseEnded"]);
  });
});

describe("healthz", () => {
  it("answers 204 and nothing else, without a token, and is no fetch", async () => {
    const { app, fetches } = endpointFixture();

    const answer = await request(app).get("/healthz");

    expect(answer.status).toBe(204);
    expect(answer.text).toBe("");
    expect(answer.headers).not.toHaveProperty("content-type");
    expect(fetches()).toEqual([]);
  });
});

describe("an error", () => {
  const statuses: readonly (readonly [EndpointErrorCode, number])[] = [
    ["LeaseUnknown", 403],
    ["LeaseEnded", 403],
    ["RequestRefused", 403],
    ["GuardRefused", 403],
    ["LoginRequired", 400],
    ["MfaRequired", 400],
    ["AssumeRoleDenied", 400],
    ["RoleUnknown", 400],
    ["NoRole", 400],
    ["StoreLocked", 400],
    ["KeyMissing", 400],
    ["ConfigInvalid", 400],
    ["AwsUnreachable", 400],
    ["InternalError", 400],
    ["CredentialsPending", 503],
  ];

  it.each(statuses)("%s is %i, tells its fix in body and reason phrase, in both spellings", async (code, status) => {
    const { app, credentials, token } = endpointFixture();
    const error = new BrokerError(code, "no session for source corp", { hint: "brokerctl login corp" });
    credentials.answers.set("dev", () => Promise.reject(error));

    const answer = await request(app).get(`/lease/${token}`);

    const message = "no session for source corp; to fix it: brokerctl login corp";
    expect(answer.status).toBe(status);
    expect(answer.body).toEqual({ code, message, Code: code, Message: message });
    expect((answer as unknown as { res: { statusMessage: string } }).res.statusMessage).toBe(message);
    expect(answer.headers["content-type"]).toBe("application/json");
    expect(answer.headers["cache-control"]).toBe("no-store");
    expect(answer.headers).not.toHaveProperty("etag");
    // "Ask again at once": JS v2 would wait for it in whole seconds.
    expect(answer.headers).not.toHaveProperty("retry-after");
  });

  it("that has no word here is InternalError, with its text", async () => {
    const { app, credentials, token } = endpointFixture();
    const code: BrokerErrorCode = "StoreUnavailable";
    credentials.answers.set("dev", () => Promise.reject(new BrokerError(code, "the secret store cannot be read")));

    const answer = await request(app).get(`/lease/${token}`);

    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      code: "InternalError",
      message: "the secret store cannot be read; to fix it: brokerctl status",
    });
  });

  it("of an unknown kind says nothing of itself, but to the log", async () => {
    const { app, credentials, token, logger } = endpointFixture();
    credentials.answers.set("dev", () => Promise.reject(new TypeError("internal detail")));

    const answer = await request(app).get(`/lease/${token}`);

    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: "InternalError" });
    expect(answer.text).not.toContain("internal detail");
    expect(logger.lines.find(({ level }) => level === "error")?.fields["err"]).toBeInstanceOf(TypeError);
  });

  it("NoRole names the command that chooses one", async () => {
    const { app, leases } = endpointFixture();

    const answer = await request(app).get(`/lease/${leases.add(null)}`);

    expect((answer.body as { message: string }).message).toContain("brokerctl use ROLE");
  });

  it("is told for credentials that are too large for some clients to read", async () => {
    const { app, credentials, token } = endpointFixture();
    const sizeOf = async (padding: number) => {
      const sessionToken = new Secret(CANARY.padEnd(CANARY.length + padding, "x"));
      credentials.hold("dev", hourOfCredentials({ sessionToken }));
      const { status, text } = await request(app).get(`/lease/${token}`);
      const isTold = text.includes("InternalError") && text.includes("fewer tags or a smaller policy");
      return { status, size: Buffer.byteLength(text), large: isTold };
    };
    const { size: least } = await sizeOf(0);

    expect(await sizeOf(9999 - least)).toEqual({ status: 200, size: 9999, large: false });
    expect(await sizeOf(10_000 - least)).toMatchObject({ status: 400, large: true });
  });
});

describe("the record of requests", () => {
  it("says after each answer which lease got which role, or why not", async () => {
    const { app, credentials, leases, fetches, token } = endpointFixture();
    credentials.answers.set("down", () => Promise.reject(new BrokerError("AwsUnreachable", "no route")));

    await request(app).get(`/lease/${token}`);
    await request(app).get(`/lease/${leases.add("down")}`);
    await request(app).get(`/lease/${leases.add(null)}`);
    await request(app).get(`/lease/${newLeaseToken().reveal()}`);
    await request(app).get("/creds").set("Origin", "https://evil.example");

    expect(fetches()).toEqual([
      { event: "fetch", lease: "lease-0", role: "dev", outcome: "served", code: undefined, uid: 1000 },
      { event: "fetch", lease: "lease-1", role: "down", outcome: "failed", code: "AwsUnreachable", uid: 1000 },
      { event: "fetch", lease: "lease-2", role: null, outcome: "failed", code: "NoRole", uid: 1000 },
      { event: "refused", lease: undefined, role: undefined, outcome: "refused", code: "LeaseUnknown", uid: undefined },
      {
        event: "refused",
        lease: undefined,
        role: undefined,
        outcome: "refused",
        code: "RequestRefused",
        uid: undefined,
      },
    ]);
  });

  it("says until when AWS takes what was served", async () => {
    const { app, recorded, token } = endpointFixture();

    await request(app).get(`/lease/${token}`);

    expect(recorded).toMatchObject([{ outcome: "served", until: hourOfCredentials().credentials.expiration }]);
  });

  it("holds neither tokens nor credentials, nor does the log", async () => {
    const { app, fetches, recorded, logger, token } = endpointFixture();

    await request(app).get(`/lease/${token}`);
    await request(app).get("/creds").set("Authorization", `Bearer ${token}`);
    await request(app).get(`/lease/${token}?x`);

    expect(fetches()).toHaveLength(3);
    const written = JSON.stringify([logger.lines, recorded]);
    expect(written).not.toContain(token.slice(4));
    expect(written).not.toContain(CANARY);
  });
});

describe("a resume of the machine", () => {
  it("is looked for before each client is given credentials, and not for a token that is not good", async () => {
    const { app, leases, resumeChecks, token } = endpointFixture();

    await request(app).get(`/lease/${token}`);
    await request(app).get("/creds").set("Authorization", token);
    await request(app).get(`/lease/${newLeaseToken().reveal()}`);
    await request(app).get(`/lease/${leases.add(null)}`);

    expect(resumeChecks()).toBe(2);
  });
});

describe("a role that the config lacks", () => {
  const missing = (code: BrokerErrorCode) => () => Promise.reject(new BrokerError(code, "not in the config"));

  it.each(["RoleUnknown", "ConfigInvalid"] as const)(
    "is served when an edit that was taken up has it, after %s",
    async (code) => {
      const { app, credentials, config, leases } = endpointFixture();
      credentials.answers.set("new", missing(code));
      config.takeUpEdit = async () => {
        credentials.hold("new", hourOfCredentials());
        return true;
      };

      expect((await request(app).get(`/lease/${leases.add("new")}`)).status).toBe(200);
    },
  );

  it("is answered with its error when there is no edit to take up", async () => {
    const { app, credentials, leases } = endpointFixture();
    credentials.answers.set("new", missing("RoleUnknown"));

    const answer = await request(app).get(`/lease/${leases.add("new")}`);

    expect([answer.status, (answer.body as { code: string }).code]).toEqual([400, "RoleUnknown"]);
    expect(credentials.asked).toBe(1);
  });

  it("is answered with the reason why its entry was left out", async () => {
    const { app, credentials, config, leases } = endpointFixture();
    credentials.answers.set("bad", missing("RoleUnknown"));
    config.whyMissing = (role) => new BrokerError("ConfigInvalid", `role ${role} was left out`);

    const answer = await request(app).get(`/lease/${leases.add("bad")}`);

    expect(answer.body).toMatchObject({ code: "ConfigInvalid", message: "role bad was left out" });
  });

  it("is the only failure for which an edit is looked for", async () => {
    const { app, credentials, config, leases } = endpointFixture();
    credentials.answers.set("down", missing("AwsUnreachable"));
    let looks = 0;
    config.takeUpEdit = async () => {
      looks++;
      return true;
    };

    await request(app).get(`/lease/${leases.add("down")}`);

    expect([looks, credentials.asked]).toEqual([0, 1]);
  });
});
