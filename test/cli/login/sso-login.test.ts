import { describe, expect, it } from "vitest";
import { chooseLoginFlow } from "../../../src/cli/login/sso-login.js";

const DESKTOP = { DISPLAY: ":0" };

function choose(
  env: Readonly<Record<string, string>>,
  options: { device?: boolean; noBrowser?: boolean; platform?: NodeJS.Platform; programs?: string[] } = {},
): ReturnType<typeof chooseLoginFlow> {
  const { device = false, noBrowser = false, platform = "linux", programs = [] } = options;
  return chooseLoginFlow({ env, platform, device, noBrowser, hasProgram: (name) => programs.includes(name) });
}

describe("the flow of a login", () => {
  it.each<[string, ReturnType<typeof choose>, ReturnType<typeof choose>]>([
    ["on a desktop", choose(DESKTOP), { flow: "browser", browsers: [["xdg-open"]] }],
    ["under Wayland", choose({ WAYLAND_DISPLAY: "wayland-0" }), { flow: "browser", browsers: [["xdg-open"]] }],
    ["on a Mac", choose({}, { platform: "darwin" }), { flow: "browser", browsers: [["open"]] }],
    ["without a display", choose({ DISPLAY: "" }), { flow: "device", browsers: [] }],
    ["over SSH", choose({ ...DESKTOP, SSH_CONNECTION: "1 2 3 4", BROWSER: "x" }), { flow: "device", browsers: [] }],
    ["over SSH to a Mac", choose({ SSH_TTY: "/dev/ttys0" }, { platform: "darwin" }), { flow: "device", browsers: [] }],
    ["in WSL without wslview", choose({ ...DESKTOP, WSL_DISTRO_NAME: "Debian" }), { flow: "device", browsers: [] }],
    [
      "in WSL with wslview",
      choose({ WSL_INTEROP: "/run/1" }, { programs: ["wslview"] }),
      { flow: "browser", browsers: [["wslview"]] },
    ],
    ["with --device", choose(DESKTOP, { device: true }), { flow: "device", browsers: [["xdg-open"]] }],
    ["with --no-browser", choose(DESKTOP, { noBrowser: true }), { flow: "browser", browsers: [] }],
    [
      "with $BROWSER",
      choose({ ...DESKTOP, BROWSER: "firefox --new-window %s:'my browser'" }),
      { flow: "browser", browsers: [["firefox", "--new-window", "%s"], ["my browser"], ["xdg-open"]] },
    ],
    ["with $BROWSER alone", choose({ BROWSER: "w3m" }), { flow: "browser", browsers: [["w3m"]] }],
  ])("%s", (_, chosen, expected) => {
    expect(chosen).toEqual(expected);
  });
});
