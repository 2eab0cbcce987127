import { Agent, get, type IncomingMessage } from "node:http";
import request from "supertest";
import { describe, expect, it } from "vitest";
import type { PeerVerdict } from "../../src/system/peer-identity.js";
import { endpointFixture } from "../support/endpoint-fixture.js";

const of = (uid: number): PeerVerdict => ({ kind: "other", peer: { uid, inode: 1 } });

describe("a request with a good token", () => {
  it.each<[string, PeerVerdict, RegExp]>([
    ["of another user", of(1001), /another user \(uid 1001\).*whatever the token; to fix it: run it as the user/],
    ["of root", of(0), /runs as root.*to fix it: run it without sudo/],
    ["of a user whom our user namespace does not know", of(65_534), /another user, or root/],
    ["of a client that has half closed the connection", { kind: "half-closed" }, /closed its side/],
  ])(
    "%s is refused with the reason, and nothing is fetched, counted as use, or read on that connection",
    async (_name, verdict, message) => {
      const { app, token, peers, leases, credentials } = endpointFixture();
      peers.verdict = verdict;

      const answer = await request(app).get(`/lease/${token}`);

      expect(answer.status).toBe(403);
      expect(answer.body).toMatchObject({ code: "RequestRefused", message: expect.stringMatching(message) as string });
      expect(answer.headers["connection"]).toBe("close");
      expect(credentials.asked).toBe(0);
      expect(leases.touched).toEqual([]);
    },
  );

  it("is asked to come again, and not refused, while it is not known whose it is", async () => {
    const { app, token, peers } = endpointFixture();
    peers.verdict = { kind: "late" };
    const answer = await request(app).get(`/lease/${token}`);
    expect(answer.status).toBe(503);
    expect(answer.body).toMatchObject({ code: "CredentialsPending" });
  });

  it("gets no answer when its client is gone, and is on record as no user's", async () => {
    const { app, token, peers, fetches } = endpointFixture();
    peers.verdict = { kind: "gone" };
    await expect(request(app).get(`/lease/${token}`)).rejects.toThrow(/hang up|ECONNRESET/);
    await expect.poll(fetches).toMatchObject([{ outcome: "abandoned" }]);
    expect(fetches()[0]).not.toHaveProperty("uid", expect.anything());
  });

  it("is served where the system does not tell whose it is", async () => {
    const { app, token, peers } = endpointFixture();
    peers.verdict = { kind: "not-checked" };
    expect((await request(app).get(`/lease/${token}`)).status).toBe(200);
  });

  it("has its user looked up once a connection, and each refusal of it names the user", async () => {
    const { listen, token, peers, fetches } = endpointFixture();
    const listener = await listen();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = (): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const options = { host: "127.0.0.1", port: listener.port, path: `/lease/${token}`, agent };
        const answered = (answer: IncomingMessage): void => {
          answer.resume().once("end", () => resolve(answer.statusCode));
        };
        get(options, answered).once("error", reject);
      });

    expect([await ask(), await ask(), await ask()]).toEqual([200, 200, 200]);
    expect(peers.asked).toBe(1);
    await expect.poll(fetches).toMatchObject([{ uid: 1000 }, { uid: 1000 }, { uid: 1000 }]);
    agent.destroy();
    await listener.close();
  });
});

describe("whose a connection is", () => {
  it("is not looked up without a token that is good, nor for a request that the guard refuses, nor for /healthz", async () => {
    const { app, token, peers, leases } = endpointFixture();
    peers.verdict = of(1001);
    const ended = leases.add("dev");
    leases.end(ended);

    expect((await request(app).get("/healthz")).status).toBe(204);
    await request(app).get("/creds");
    await request(app).get(`/lease/brk_${"a".repeat(43)}`);
    await request(app).get(`/lease/${ended}`);
    await request(app).get(`/lease/${token}`).set("Origin", "https://example.com");

    expect(peers.asked).toBe(0);
  });
});
