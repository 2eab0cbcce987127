import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import { type CliFixture, cliFixture } from "../support/cli-fixture.js";

let fixture: CliFixture;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.addSource("ops").addRole("dev").addLease("named", { name: "ide", role: "dev" });
});

/** Bad input to every command: what is wrong is named, and how to fix it; exit 2; nothing is done. */
const TABLE: readonly (readonly [argv: string, names: RegExp, fix: RegExp])[] = [
  ["init --prot 1", /--prot/, /--port/],
  ["ls", /'ls'/, /brokerctl roles/],
  ["list", /'list'/, /brokerctl roles/],
  ["export dev", /'export'/, /eval "\$\(brokerctl env ROLE\)"/],
  ["assume dev", /'assume'/, /brokerctl use ROLE/],
  ["sso login", /'sso login'/, /brokerctl login SOURCE/],
  ["sso populate", /'sso populate'/, /brokerctl sso roles SOURCE --add/],
  ["keys ls", /'keys ls'/, /brokerctl keys list/],
  ["lease rm", /'lease rm'/, /brokerctl lease revoke/],
  ["lease delete", /'lease delete'/, /brokerctl lease revoke/],
  ["login dev --console", /--console/, /brokerctl console ROLE/],
  ["login dev --stdout", /--stdout/, /brokerctl env ROLE/],
  ["exec --server dev -- true", /--server/, /brokerd serves/],
  ["exec --ecs-server dev -- true", /--ecs-server/, /brokerd serves/],
  ["exec --profile dev -- true", /--profile/, /brokerctl exec ROLE --as profile --profile dev -- CMD/],
  ["exec dev --duration 1h -- true", /--duration/, /--for/],
  ["role add a --source b --policy-arn arn", /--policy-arn /, /--policy-arns\?/],
  ["role add a --source b --duration 900", /--duration /, /--duration-seconds\?/],
  ["role add a --source b --session-name x", /--session-name /, /--role-session-name\?/],
  ["exec dev aws s3 ls --query x", /'aws': put -- before/, /brokerctl exec dev -- aws s3 ls --query x/],
  ["exec dev ls -la /tmp", /'ls': put -- before/, /brokerctl exec dev -- ls -la \/tmp/],
  ["exec dev --for 5m aws --for x --no-such", /'aws'/, /brokerctl exec dev --for 5m -- aws --for x --no-such/],
  ["exec dev --query x", /--query/, /brokerctl exec --help/],
  ["lambda exec orders-api node x.js --port 1", /'node'/, /brokerctl lambda exec orders-api -- node x.js --port 1/],
  ["start now", /'now'/, /brokerctl start --help/],
  ["stop --force", /--force/, /brokerctl stop --help/],
  ["restart --yes", /--yes/, /brokerctl restart --help/],
  ["status --jsno", /--jsno/, /--json/],
  ["status dev", /'dev'/, /brokerctl status --help/],
  ["logs -n", /-n needs a value/, /-n=N/],
  ["logs -x", /-x/, /brokerctl logs --help/],
  ["config chekc", /'config chekc'/, /brokerctl config check/],
  ["config check a b", /'b'/, /brokerctl config check --help/],
  ["config edit --editor vi", /--editor/, /brokerctl config edit --help/],
  ["config path x", /'x'/, /brokerctl config path --help/],
  ["source add", /NAME/, /brokerctl source add --help/],
  ["source add -x", /-x/, /brokerctl source add --help/],
  ["role add", /NAME/, /brokerctl role add --help/],
  ["role add a --source b --role-anr c", /--role-anr/, /--role-arn/],
  ["role add a --source b --guard x", /--guard must be KEY=VALUE/, /--guard confirm=terminal/],
  ["role add .a --source b", /NAME '\.a'/, /no colon/],
  ["keys add", /SOURCE/, /brokerctl keys add --help/],
  ["keys add a:b", /'a:b'/, /no colon/],
  ["keys add ops --csv", /--csv needs a value/, /--csv=FILE/],
  ["keys list ops", /'ops'/, /brokerctl keys list --help/],
  ["keys rotate", /SOURCE/, /brokerctl keys rotate --help/],
  ["keys remove opps --yes", /'opps'/, /brokerctl keys list/],
  ["login ops ops", /'ops'/, /brokerctl login --help/],
  ["keys add ops --no-browser", /--no-browser/, /brokerctl keys add --help/],
  ["lock now", /'now'/, /brokerctl lock --help/],
  ["unlock --passphrase x", /--passphrase does not exist/, /--passphrase-stdin/],
  ["roles dev prod", /'prod'/, /brokerctl roles --help/],
  ["use dev prod", /'prod'/, /brokerctl use --help/],
  ["use dev --for soon", /--for .*'soon'/, /--for 30m/],
  ["use dev --default --lease ide", /--default and --lease/, /--lease ide/],
  ["request prod --reason x --policy nosuch.json", /nosuch\.json cannot be read/, /ls -l nosuch\.json/],
  ["request prod", /reason/, /brokerctl request prod --reason TEXT/],
  ["use nosuch", /nosuch/, /brokerctl roles/],
  ["use dev --lease nosuch", /lease/, /brokerctl lease list/],
  ["env dev --lease ide", /ROLE and --lease ide/, /--lease ide/],
  ["env --new", /--new needs the process/, /--pid \$\$/],
  ["env --new --pid zero", /--pid .*'zero'/, /--pid \$\$/],
  ["env --new --pid 5 --lease ide", /--new .*--lease/, /--new/],
  ["env --pid 5", /--pid/, /--new --pid 5/],
  ["env --as jwt", /--as must be one of url, header, token-file, static/, /brokerctl env --help/],
  ["env --format bash", /--format must be one of sh, fish/, /brokerctl env --help/],
  ["env --new --pid 5 --as static", /--new/, /--as url/],
  ["exec dev aws s3 ls", /'aws'/, /brokerctl exec dev -- aws s3 ls/],
  ["exec dev --for 0s -- true", /--for/, /--for 30m/],
  ["exec dev --lease ide -- true", /--lease ide/, /--lease ide -- CMD/],
  ["exec dev --session-for 5s -- true", /--session-for/, /./],
  ["lease", /create, list, show, set, narrow, rotate, revoke/, /brokerctl lease --help/],
  ["lease create", /NAME/, /brokerctl lease create --help/],
  ["lease create a:b", /'a:b'/, /brokerctl lease create/],
  ["lease create a --for 1x", /--for .*'1x'/, /--for 30m/],
  ["lease create a dev --policy nosuch.json", /nosuch\.json cannot be read/, /ls -l nosuch\.json/],
  ["lease create a nosuch", /nosuch/, /brokerctl roles/],
  ["lease list ide", /'ide'/, /brokerctl lease list --help/],
  ["lease show", /LEASE/, /brokerctl lease show --help/],
  ["lease show nosuchthing", /'nosuchthing'/, /brokerctl lease list/],
  ["lease rotate idf", /'idf'/, /did you mean ide/],
  ["lease revoke idf", /'idf'/, /did you mean ide/],
  ["refresh nosuch", /nosuch/, /brokerctl roles/],
  ["refresh --all", /--all/, /brokerctl refresh --help/],
  ["whoami nosuch", /nosuch/, /brokerctl roles/],
  ["whoami a b", /'b'/, /brokerctl whoami --help/],
  ["credential-process", /ROLE/, /brokerctl credential-process --help/],
  ["credential-process nosuch", /nosuch/, /brokerctl roles/],
];

const CHANGING =
  /^(stop|store-create|lock|unlock|.*-add|keys-re|keys-rotate|login-mfa|lease-(create|child|rotate|revoke))/;

describe("bad input", () => {
  it.each(TABLE)("is named with its fix: brokerctl %s", async (argv, names, fix) => {
    const { code, stderr } = await fixture.run(argv.split(" "));
    expect(code).toBe(2);
    const [error = "", hint = ""] = stderr.split("\n");
    expect(error).toMatch(/^brokerctl: error: /);
    expect(error).toMatch(names);
    expect(hint).toMatch(/^brokerctl: hint: /);
    expect(hint).toMatch(fix);
    expect(fixture.control.calls.filter(({ operation }) => CHANGING.test(operation))).toEqual([]);
    expect(readFileSync(fixture.configFile, "utf8")).toBe("version: 1\n");
  });

  const withoutJson = /^(init|stop|config edit|login|lock|unlock|env|exec|credential-process)/;

  it.each(TABLE.filter(([argv]) => !withoutJson.test(argv)))("is named as JSON: brokerctl %s", async (argv, names) => {
    const { code, stdout, error } = await fixture.run([...argv.split(" "), "--json"]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(error?.message).toMatch(names);
  });
});
