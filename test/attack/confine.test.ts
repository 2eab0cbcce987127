import { type ChildProcess, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FakeAws, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import { awsOptions, ROLES_YAML } from "../support/in-process-broker.js";
import { Household, missingToConfine, SECRET, WITHOUT_BWRAP, WITHOUT_USER_NAMESPACES } from "./confined.js";
import { Table } from "./table.js";
import { missing, Victim } from "./victim.js";

const table = new Table();
let aws: FakeAws;
let victim: Victim;
let household: Household;

beforeAll(async () => {
  expect([...missing(), ...missingToConfine()]).toEqual([]);
  aws = await startFakeAws(awsOptions());
  victim = await Victim.start({ config: ROLES_YAML, awsUrl: aws.url });
  household = await Household.create(victim);
});

afterAll(async () => {
  table.print();
  household.close();
  await victim.stop();
  await aws.close();
});

const confined = (...argv: readonly string[]) => household.ctl(["exec", "dev", "--confine", "--", ...argv]);
/** In the language of a shell. */
const confinedShell = (script: string) => confined("sh", "-c", script);

/** Ways that are open, or not, by how the kernel is built: outside of a sandbox they may come to either. */
const BY_KERNEL = /^(?:done|EIO|EAFNOSUPPORT|ENOSYS)$/;
/** What each came to inside; outside all are "done", but for what is said. */
const WAYS: Readonly<Record<string, readonly [inside: string | RegExp, outside?: string | RegExp]>> = {
  "/proc/PID/root": ["no process has it"],
  "/proc/PID/environ": ["no process has it"],
  "/proc/PID/cwd": ["no process has it"],
  ptrace: ["ESRCH"],
  "a signal": ["ESRCH"],
  "~/.aws/credentials": ["ENOENT"],
  "~/.ssh/id_ed25519": ["ENOENT"],
  "~/.npmrc": ["ENOENT"],
  "~/.bashrc": ["EROFS"],
  "~/.profile": ["EROFS"],
  ".git/hooks": ["EROFS"],
  ".git/config": ["EROFS"],
  ".git moved": ["EBUSY"],
  "a link out of the project": ["ENOENT"],
  "the control socket": ["ENOENT"],
  "D-Bus": ["ENOENT"],
  "systemd-run": ["ENOENT"],
  Docker: ["ENOENT"],
  "an ssh agent": ["ENOENT"],
  "gpg's agent": ["ENOENT"],
  tmux: ["ENOENT"],
  X11: ["ENOENT"],
  "an abstract socket": ["EPERM"],
  vsock: ["EAFNOSUPPORT", BY_KERNEL],
  "a key of the session": ["EPERM"],
  "System V memory": ["ENOENT"],
  "a setuid program": [/^it ran as uid [1-9]/],
  "a user namespace": [/./],
  TIOCSTI: ["EPERM", BY_KERNEL],
  "the environment": ["it is not there"],
  "an inherited descriptor": ["ENOTDIR"],
};

describe("a program in `exec --confine`", () => {
  it("finds no way out, and each of them is open without", async () => {
    const inside = await household.waysOut(["--confine"]);
    const outside = await household.waysOut([]);
    expect(Object.keys(inside)).toEqual(Object.keys(WAYS));
    for (const [way, [expected, without = "done"]] of Object.entries(WAYS)) {
      table.check(`${way}, confined`, expected, inside[way] ?? "not tried");
      table.check(`${way}, not confined`, without, outside[way] ?? "not tried");
      expect(inside[way]).not.toBe("done");
    }
  });

  it("has its lease's credentials, from the endpoint, and the token in a file", async () => {
    const script = `fetch(process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI, { headers: { Authorization:
      require("fs").readFileSync(process.env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, "utf8") } })
      .then((answer) => answer.json()).then(({ RoleArn }) => console.log(RoleArn))`;
    const { stdout, stderr } = await confined(process.execPath, "-e", script);
    expect([stdout.trim(), stderr]).toEqual(["arn:aws:iam::111111111111:role/dev", ""]);
  });

  it("has its lease's socket, also of a lease with a name", async () => {
    const script = `require("http").get({ socketPath: process.env.CREDBROKER_SOCKET, path: "/creds" }, (answer) =>
      answer.on("data", (text) => console.log(JSON.parse(text).RoleArn)))`;
    expect((await confined(process.execPath, "-e", script)).stdout).toBe("arn:aws:iam::111111111111:role/dev\n");
    const socket = join(victim.broker.home, "named.sock");
    await victim.broker.call("lease-create", { name: "named", role: "prod", socket });
    const named = ["exec", "--lease", "named", "--confine", "--", process.execPath, "-e", script];
    expect((await household.ctl(named)).stdout).toBe("arn:aws:iam::111111111111:role/prod\n");
  });

  it("finds nothing of the broker but what it is lent", async () => {
    const { stdout } = await confinedShell("find /run ! -type d | sort; cat $AWS_SHARED_CREDENTIALS_FILE; env");
    expect(stdout).toContain("/run/credbroker/aws/config\n");
    expect(stdout).toContain("/run/credbroker/token\n");
    expect(stdout).toContain("/run/credbroker/leases/lease.sock\n");
    expect(stdout).not.toContain(victim.broker.home);
    expect(stdout).not.toContain(SECRET);
  });

  it("writes to the project, /tmp and ~/.cache, of which the first alone stays", async () => {
    const script = "for at in . /tmp ~/.cache; do echo x >$at/made && cat $at/made; done; touch ~/made /made /run/made";
    const { stdout, stderr } = await confinedShell(script);
    expect(stdout).toBe("x\nx\nx\n");
    expect(stderr.match(/Read-only file system/g)?.length).toBe(3);
    expect(readFileSync(join(household.project, "made"), "utf8")).toBe("x\n");
    expect((await confinedShell("ls /tmp ~/.cache")).stdout).not.toContain("made");
  });

  it("is refused as much as it was shown by a link that it made for the next run", async () => {
    symlinkSync(join(household.home, ".ssh"), join(household.project, "vendor"));
    const { code, stderr } = await household.ctl(["exec", "dev", "--confine", "--writable", "vendor", "--", "true"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("leads out of the working directory")]);
  });

  it("is not run by a bwrap that it put into PATH", async () => {
    const bin = join(household.project, "bin");
    mkdirSync(bin);
    writeFileSync(join(bin, "bwrap"), "#!/bin/sh\necho stolen\n", { mode: 0o755 });
    const env = { PATH: `${bin}:${household.env["PATH"]}` };
    const { stdout } = await household.ctl(["exec", "dev", "--confine", "--", "echo", "confined"], { env });
    expect(stdout).toBe("confined\n");
  });
});

/** What a program says; `there`: it has said this. */
function until(child: ChildProcess, text: string): { readonly there: Promise<void>; readonly text: () => string } {
  let said = "";
  const there = new Promise<void>((resolve, reject) => {
    child.stdout?.on("data", (more: Buffer) => {
      said += more.toString();
      if (said.includes(text)) resolve();
    });
    child.once("close", () => reject(new Error(`it ended: ${said}`)));
  });
  there.catch(() => undefined);
  return { there, text: () => said };
}

describe("`exec --confine`", () => {
  it("passes exit codes, says what is not found, and what cannot be run", async () => {
    const codes = ["exit 7", "kill -TERM $$"].map(async (script) => (await confinedShell(script)).code);
    expect(await Promise.all(codes)).toEqual([7, 143]);
    const [unknown, directory] = [await confined("no-such-program"), await confined("/usr")];
    expect([unknown.code, directory.code]).toEqual([127, 126]);
    expect(unknown.stderr).toContain("no-such-program");
  });

  it("passes stdin and stdout", async () => {
    const { stdout } = await household.ctl(["exec", "dev", "--confine", "--", "cat"], { input: "through\n" });
    expect(stdout).toBe("through\n");
  });

  it("passes SIGTERM to the command, whose own end it then is", async () => {
    const script = 'trap "echo told; exit 5" TERM; echo ready; while :; do sleep 0.1; done';
    const child = household.startCtl(["exec", "dev", "--confine", "--", "sh", "-c", script]);
    const said = until(child, "ready");
    await said.there;
    child.kill("SIGTERM");
    const [code] = (await once(child, "close")) as [number | null];
    expect([code, said.text()]).toEqual([5, "ready\ntold\n"]);
  });

  it("dies by the signal that it passed and that the command died by", async () => {
    const child = household.startCtl(["exec", "dev", "--confine", "--", "sh", "-c", "echo ready; sleep 600"]);
    await until(child, "ready").there;
    child.kill("SIGINT");
    expect(await once(child, "close")).toEqual([null, "SIGINT"]);
  });

  it("takes the command with it where it is killed", async () => {
    const mark = `6${process.pid}`;
    const child = household.startCtl(["exec", "dev", "--confine", "--", "sh", "-c", `echo ready; sleep ${mark}; true`]);
    await until(child, "ready").there;
    const left = (): string => spawnSync("pgrep", ["-f", `sleep ${mark}`], { encoding: "utf8" }).stdout;
    expect(left()).not.toBe("");
    child.kill("SIGKILL");
    await expect.poll(left).toBe("");
  });

  it("passes Ctrl-C of a terminal on, and its size", async () => {
    const script = 'trap "echo told" INT; echo "ready $(stty size)"; sleep 600; echo on';
    const exec = [process.execPath, resolve("dist/brokerctl.js"), "exec", "dev", "--confine", "--", "sh", "run.sh"];
    writeFileSync(join(household.project, "run.sh"), script);
    const typed = `stty rows 31 cols 97; ${exec.join(" ")}`;
    const child = household.start(["script", "-qec", typed, "/dev/null"]);
    const said = until(child, "ready 31 97");
    await said.there;
    child.stdin?.write("\u0003");
    await once(child, "close");
    expect(said.text()).toMatch(/told\s+on/);
  });

  it("refuses the home as the working directory", async () => {
    const { code, stderr } = await household.ctl(["exec", "dev", "--confine", "--", "true"], { cwd: household.home });
    expect([code, stderr]).toEqual([2, expect.stringContaining("is the whole home")]);
  });

  it("ends with 125 where there is no bwrap, and says how to install it", async () => {
    const { code, stderr } = await household.ctl(["exec", "dev", "--confine", "--", "true"], { below: WITHOUT_BWRAP });
    expect([code, stderr]).toEqual([125, expect.stringContaining("apt-get install bubblewrap")]);
  });

  it("ends with 125 where users may make no user namespace, and names the setting", async () => {
    const below = WITHOUT_USER_NAMESPACES;
    const { code, stderr } = await household.ctl(["exec", "dev", "--confine", "--", "true"], { below });
    expect([code, stderr]).toEqual([125, expect.stringContaining("sysctl -w user.max_user_namespaces")]);
  });
});
