import { shadowingVariables } from "../../access/variables.js";
import type { Environment } from "../../context.js";
import type { Finding } from "../finding.js";

/** What other tools leave in a shell they have given credentials to. */
const TOOLS: readonly (readonly [tool: string, pattern: RegExp, fix: string])[] = [
  ["aws-vault", /^AWS_VAULT(?:_|$)/, "exit"],
  ["aws-sso-cli", /^AWS_SSO_(?:PROFILE|ACCOUNT_ID|ROLE_NAME|ROLE_ARN|SESSION_EXPIRATION)$/, "unset"],
  ["granted", /^(?:GRANTED_|AWS_GRANTED_|SHOULD_UNSET_GRANTED)/, "unset"],
  ["awsume", /^AWSUME_/, "unset"],
  ["saml2aws", /^SAML2AWS_(?:PROFILE|ROLE)$/, "unset"],
  ["leapp", /^LEAPP_/, "unset"],
  ["aws-runas", /^AWSRUNAS_/, "unset"],
  ["okta-aws-cli", /^OKTA_AWSCLI_/, "unset"],
  ["gimme-aws-creds", /^GIMME_AWS_CREDS_/, "unset"],
];
/** Settings of a tool, and not what it has left: they stay in start files for good reason. */
const SETTINGS = /_(?:BACKEND|CONFIG|KEYCHAIN_NAME|PROMPT|BROWSER|ALIAS_CONFIGURED|ENABLE_AUTO_REASSUME)$/;
/** What a tool's credentials end with, whichever it was. */
const ENDS = ["AWS_CREDENTIAL_EXPIRATION", "AWS_SESSION_EXPIRATION", "AWSUME_EXPIRATION", "AWS_SSO_SESSION_EXPIRATION"];

export function staleVariables(env: Environment, now: number): readonly Finding[] {
  return [...ofTools(env), ...ended(env, now), ...stages(env)];
}

function ofTools(env: Environment): readonly Finding[] {
  return TOOLS.flatMap(([tool, pattern, fix]): readonly Finding[] => {
    const names = Object.keys(env).filter((name) => env[name] && pattern.test(name) && !SETTINGS.test(name));
    if (names.length === 0) return [];
    const message = `${tool} has been here: ${names.join(", ")} ${names.length === 1 ? "is" : "are"} set`;
    const isInside = fix === "exit" && env["AWS_ACCESS_KEY_ID"] !== undefined;
    return [
      { id: "left-by-other-tool", severity: "warning", message, fix: isInside ? "exit" : `unset ${names.join(" ")}` },
    ];
  });
}

function ended(env: Environment, now: number): readonly Finding[] {
  if (!env["AWS_ACCESS_KEY_ID"]) return [];
  const name = ENDS.find((each) => Date.parse(env[each] ?? "") <= now);
  if (name === undefined) return [];
  const message = `the keys in this shell ended at ${env[name] ?? ""}, by ${name}`;
  const fix = `unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN ${name}`;
  return [{ id: "ended-keys", severity: "warning", message, fix }];
}

/** Serverless Framework takes them for their stage alone, which no verdict can know. */
function stages(env: Environment): readonly Finding[] {
  const names = shadowingVariables(env).filter((name) =>
    /^AWS_.+_(?:PROFILE|ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)$/.test(name),
  );
  const ofStage = names.filter((name) => !["AWS_ACCESS_KEY_ID", "AWS_DEFAULT_PROFILE"].includes(name));
  if (ofStage.length === 0) return [];
  const message = `Serverless Framework takes ${ofStage.join(", ")} before the lease, for that stage`;
  return [{ id: "stage-variables", severity: "warning", message, fix: `unset ${ofStage.join(" ")}` }];
}
