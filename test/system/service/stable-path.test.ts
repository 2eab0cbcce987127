import { describe, expect, it } from "vitest";
import { stablePath } from "../../../src/system/service/stable-path.js";

/** Links, each to where it leads; what is none is itself. */
const links =
  (to: Readonly<Record<string, string>>) =>
  (path: string): string =>
    to[path] ?? path;

describe("a path for a unit", () => {
  it("is not one shell's link, which ends with the shell", () => {
    const shell = "/run/user/1000/fnm_multishells/1_2/bin/node";
    const real = "/home/me/.local/share/fnm/node-versions/v20.20.0/installation/bin/node";
    expect(stablePath(shell, links({ [shell]: real }))).toEqual({
      path: real,
      endsWith: expect.stringContaining("fnm") as string,
    });
  });

  it("follows Homebrew's upgrades by the link that does", () => {
    const real = "/opt/homebrew/Cellar/node/20.1.0/bin/node";
    const linked = "/opt/homebrew/opt/node/bin/node";
    expect(stablePath("/opt/homebrew/bin/node", links({ "/opt/homebrew/bin/node": real, [linked]: real }))).toEqual({
      path: linked,
    });
    expect(stablePath(real, links({})).path).toBe(real);
  });

  it.each([
    ["/home/me/.nvm/versions/node/v20.1.0/bin/node", "nvm"],
    ["/home/me/.volta/tools/image/node/20.1.0/bin/node", "volta"],
    ["/home/me/.asdf/installs/nodejs/20.1.0/bin/node", "asdf"],
    ["/home/me/.local/share/mise/installs/node/20.1.0/bin/node", "mise"],
    ["/home/me/.npm/_npx/0123/node_modules/credbroker/dist/brokerd.js", "npx"],
  ])("says who may take %s away", (path, who) => {
    expect(stablePath(path, links({})).endsWith).toContain(who);
  });

  it("is the path itself where no link leads to it, or it cannot be followed", () => {
    expect(stablePath("/usr/bin/node", links({}))).toEqual({ path: "/usr/bin/node" });
    const gone = (): string => {
      throw new Error("ENOENT");
    };
    expect(stablePath("/gone/node", gone)).toEqual({ path: "/gone/node" });
  });
});
