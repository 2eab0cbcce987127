import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, it } from "vitest";
import { InProcessBroker } from "../support/in-process-broker.js";

/** Longer than a stranger at the endpoint may keep a connection without a word (`SERVER_LIMITS`), and the interval of that check. */
const STARVED_MS = 2000 + 500 + 200;

it("a command that a busy machine did not let speak for some seconds is answered by control", async () => {
  const broker = await InProcessBroker.ready();
  try {
    const socket = connect(join(broker.home, "run", "control.sock"));
    await once(socket, "connect");
    await pause(STARVED_MS); // Node's own timer is what is tested
    const headers = "Host: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close";
    socket.write(`POST /v1/status HTTP/1.1\r\n${headers}\r\n\r\n{}`);
    let answer = "";
    for await (const chunk of socket.setEncoding("utf8") as AsyncIterable<string>) answer += chunk;
    expect(answer.split("\r\n")[0]).toBe("HTTP/1.1 200 OK");
  } finally {
    await broker.close();
  }
});
