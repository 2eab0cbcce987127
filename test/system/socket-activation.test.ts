import { describe, expect, it } from "vitest";
import { BrokerError } from "../../src/core/errors.js";
import { takeInheritedSockets } from "../../src/system/socket-activation.js";

const given = (names: string, pid = 42): NodeJS.ProcessEnv => ({
  LISTEN_PID: String(pid),
  LISTEN_FDS: String(names.split(":").length),
  LISTEN_FDNAMES: names,
});

describe("sockets that a service manager hands over", () => {
  it("are known by their names, in whatever order", () => {
    expect(takeInheritedSockets(given("endpoint:control:endpoint"), 42)).toEqual({ endpoint: [3, 5], control: 4 });
    expect(takeInheritedSockets(given("control"), 42)).toEqual({ endpoint: [], control: 3 });
  });

  it("are another process's when the pid is, and no child is told of them in any case", () => {
    const env = given("endpoint", 41);
    expect(takeInheritedSockets(env, 42)).toBeUndefined();
    expect(env).toEqual({});
  });

  it.each([
    ["a name that is not ours", given("endpoint:syslog")],
    ["two control sockets", given("control:control")],
    ["fewer names than sockets", { ...given("endpoint"), LISTEN_FDS: "2" }],
    ["no names", { LISTEN_PID: "42", LISTEN_FDS: "1" }],
  ])("are refused with %s", (_, env) => {
    expect(() => takeInheritedSockets(env, 42)).toThrow(BrokerError);
  });

  it.each(["0", "-1", "x", ""])("are none when their count is %j", (count) => {
    expect(takeInheritedSockets({ ...given("endpoint"), LISTEN_FDS: count }, 42)).toBeUndefined();
  });
});
