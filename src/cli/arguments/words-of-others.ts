/**
 * Commands and flags of aws-vault, granted (`assume`), aws-sso-cli and the AWS CLI that we do not have: what is typed here for
 * the same end. Asked only about words that the command at hand does not know.
 */
const EVALUATE = 'eval "$(brokerctl env ROLE)"';
const MOVE = "brokerctl use ROLE";
const RUN = "brokerctl exec ROLE -- CMD";
const IN_BROWSER = "brokerctl console ROLE";

/** By command; below a group of ours as `GROUP WORD`. */
const COMMANDS: Readonly<Record<string, string>> = {
  list: "brokerctl roles",
  ls: "brokerctl roles",
  export: EVALUATE,
  eval: EVALUATE,
  assume: MOVE,
  switch: MOVE,
  set: MOVE,
  run: RUN,
  shell: "brokerctl exec ROLE    (a shell for one role; for all shells: brokerctl hook --help)",
  add: "brokerctl keys add SOURCE    (a long-term key; a role: brokerctl role add NAME)",
  remove: "brokerctl keys remove SOURCE",
  rm: "brokerctl keys remove SOURCE",
  rotate: "brokerctl keys rotate SOURCE",
  clear: "brokerctl logout SOURCE",
  flush: "brokerctl logout SOURCE",
  setup: "brokerctl init",
  configure: "brokerctl init    (profiles of ~/.aws: brokerctl import)",
  credentials: "brokerctl keys --help",
  process: "brokerctl credential-process ROLE",
  "export-credentials": `${EVALUATE}    (as JSON: brokerctl credential-process ROLE)`,
  generate: "brokerctl sso roles SOURCE --add",
  populate: "brokerctl sso roles SOURCE --add",
  server: "brokerctl start",
  proxy: "brokerctl start",
  ecs: "brokerctl start",
  time: "brokerctl status",
  info: "brokerctl status",
  id: "brokerctl whoami",
  identity: "brokerctl whoami",
  version: "brokerctl --version",
  "sso login": "brokerctl login SOURCE",
  "sso logout": "brokerctl logout SOURCE",
  "sso generate": "brokerctl sso roles SOURCE --add",
  "sso populate": "brokerctl sso roles SOURCE --add",
  "config show": "brokerctl config path",
  "role list": "brokerctl roles",
  "source list": "brokerctl status",
  "lambda run": "brokerctl lambda invoke FUNCTION",
};

/** What commands of any group are called elsewhere. */
const VERBS: Readonly<Record<string, readonly string[]>> = {
  ls: ["list"],
  rm: ["remove", "revoke"],
  delete: ["remove", "revoke", "uninstall"],
  new: ["create", "add"],
  create: ["add"],
  add: ["create"],
  get: ["show"],
};

const SERVED = "leave it out: brokerd serves credentials to every program that it is named to";
const ROLE_IS_ARGUMENT = "the role is an argument and needs no flag: brokerctl exec ROLE -- CMD, brokerctl use ROLE";
const BY_ACCOUNT = "an account's role without config: brokerctl exec SOURCE:ACCOUNT/ROLE -- CMD";

const FLAGS: Readonly<Record<string, string>> = {
  "--server": SERVED,
  "--ec2-server": SERVED,
  "--ecs-server": SERVED,
  "--imds-server": SERVED,
  "--lazy": SERVED,
  "--console": IN_BROWSER,
  "--stdout": EVALUATE,
  "--export": EVALUATE,
  "--env": EVALUATE,
  "--json": "brokerctl credential-process ROLE    (or brokerctl env ROLE --format json)",
  "--exec": RUN,
  "--duration": "--for DURATION, where the command takes it: brokerctl exec ROLE --for 30m -- CMD",
  "--profile": ROLE_IS_ARGUMENT,
  "--role": ROLE_IS_ARGUMENT,
  "--account": BY_ACCOUNT,
  "--arn": BY_ACCOUNT,
  "--no-session": "a key that signs by itself: a source of type keys without mfa_serial",
  "--mfa": "brokerctl login SOURCE",
  "--mfa-token": "brokerctl login SOURCE --mfa-code-stdin",
  "--prompt": "brokerctl asks at the terminal by itself; elsewhere: brokerctl login SOURCE --mfa-code-stdin",
  "--sso": "brokerctl login SOURCE",
  "--sso-session": "brokerctl login SOURCE",
  "--use-device-code": "brokerctl login SOURCE --device",
  "--url-action": "brokerctl login SOURCE --no-browser",
  "--backend": "brokerctl init --secret-store STORE",
  "--unset": "exit the shell, or: brokerctl use ROLE",
  "--un": "exit the shell, or: brokerctl use ROLE",
  "--debug": "brokerctl logs",
  "--verbose": "brokerctl logs",
};

/** Our words for a command that another tool has; `group` is empty for a command itself, `names` are what it holds. */
export function ourWordForCommand(typed: string, group: string, names: readonly string[]): string | undefined {
  const whole = `${group} ${typed}`.trim();
  if (Object.hasOwn(COMMANDS, whole)) return COMMANDS[whole];
  const verb =
    group === "" || !Object.hasOwn(VERBS, typed) ? undefined : VERBS[typed]?.find((name) => names.includes(name));
  return verb === undefined ? undefined : `brokerctl ${group} ${verb}`;
}

/** Our words for a flag of another tool, as typed. */
export function ourWordForFlag(typed: string): string | undefined {
  return Object.hasOwn(FLAGS, typed) ? FLAGS[typed] : undefined;
}
