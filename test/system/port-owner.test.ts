import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { describeLsof, describePortOwner } from "../../src/system/port-owner.js";

describe.runIf(process.platform === "linux")("who has a port", () => {
  let server: Server | undefined;

  afterEach(() => server?.close());

  async function listenOn(host: string): Promise<number> {
    server = createServer().listen(0, host);
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  }

  it.each(["127.0.0.1", "0.0.0.0", "::", "::ffff:127.0.0.1"])(
    "is named by pid, program and uid on %s",
    async (host) => {
      const owner = await describePortOwner(await listenOn(host));
      expect(owner).toMatch(new RegExp(`^pid ${process.pid} \\(.+, uid ${process.getuid!()}\\)$`));
    },
  );

  it("is unknown on another loopback address", async () => {
    expect(await describePortOwner(await listenOn("127.0.0.2"))).toBeUndefined();
  });

  it("is none once it is free", async () => {
    const port = await listenOn("127.0.0.1");
    server!.close();
    await once(server!, "close");
    expect(await describePortOwner(port)).toBeUndefined();
  });

  it.runIf(process.getuid?.() === 0)("is another user's uid when their processes are hidden from us", async () => {
    const port = await listenOn("127.0.0.1");
    const module = new URL("../../src/system/port-owner.ts", import.meta.url).href;
    const script = `process.stdout.write(String(await (await import(${JSON.stringify(module)})).describePortOwner(${port})))`;
    const child = spawn(
      process.execPath,
      ["--import", "tsx", "--input-type=module", "-e", `process.setuid(65534);${script}`],
      {
        stdio: ["ignore", "pipe", "inherit"],
        env: { PATH: "/usr/bin:/bin", TMPDIR: "/tmp", TSX_DISABLE_CACHE: "1" },
      },
    );
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    await once(child, "close");
    expect(output).toBe("a process of user root, uid 0");
  });
});

describe("lsof's answer", () => {
  it("names pid, program and uid", () => {
    expect(describeLsof("p4711\ncnode\nu501\nf23\n")).toBe("pid 4711 (node, uid 501)");
  });

  it("is none when it is empty", () => {
    expect(describeLsof("")).toBeUndefined();
  });

  it("leaves open what it does not say", () => {
    expect(describeLsof("p1\n")).toBe("pid 1 (unknown, uid unknown)");
  });
});
