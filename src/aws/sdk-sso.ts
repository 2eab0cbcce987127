import {
  GetRoleCredentialsCommand,
  ListAccountRolesCommand,
  ListAccountsCommand,
  LogoutCommand,
  type RoleCredentials,
  SSOClient,
} from "@aws-sdk/client-sso";
import type { Credentials } from "../core/credentials.js";
import { toBrokerError } from "../core/errors.js";
import type { Secret } from "../core/secret.js";
import type { Clock } from "../system/clock.js";
import type { AwsAnswer, AwsCall, AwsCaller, CallOptions } from "./aws-caller.js";
import type { Page, SsoAccount, SsoAccountRole, SsoPortal } from "./sso.js";
import { displayName, SsoAnswer } from "./sso-answers.js";
import { ssoError } from "./sso-error.js";
import { askWithLoginOfCli } from "./sso-login-of-cli.js";
import { checkedCredentials } from "./sts-answers.js";

/** The API's limit: every call counts against a limit near 20 a second. */
const PAGE_SIZE = 100;
/** The longest session duration of a permission set; it cannot be chosen by the call. */
const MAX_ROLE_SESSION_SECONDS = 43_200;

export interface SdkSsoOptions {
  readonly caller: AwsCaller;
  readonly clock: Clock;
}

/** Identity Center's portal through the AWS SDK: unsigned calls with a bearer token, every answer checked. */
export class SdkSso implements SsoPortal {
  readonly #caller: AwsCaller;
  readonly #clock: Clock;

  constructor({ caller, clock }: SdkSsoOptions) {
    this.#caller = caller;
    this.#clock = clock;
  }

  async getRoleCredentials(
    accessToken: Secret,
    { accountId, roleName }: { readonly accountId: string; readonly roleName: string },
    region: string,
  ): Promise<Credentials> {
    const input = { accountId, roleName };
    const { output, host, clockSkewMs } = await this.#call({
      action: "GetRoleCredentials",
      subject: `role ${roleName} of account ${accountId}`,
      region,
      send: (client, http) =>
        client.send(new GetRoleCredentialsCommand({ ...input, accessToken: accessToken.reveal() }), http),
    });
    return { ...this.#checked(output.roleCredentials, { host, clockSkewMs }), accountId };
  }

  async getRoleCredentialsOfCli(
    cacheKey: string,
    { accountId, roleName }: { readonly accountId: string; readonly roleName: string },
    region: string,
  ): Promise<Credentials> {
    const { output, host, clockSkewMs } = await this.#call({
      action: "GetRoleCredentials",
      subject: `role ${roleName} of account ${accountId}`,
      region,
      send: (client) => askWithLoginOfCli(client, { cacheKey, accountId, roleName, region }),
    });
    return { ...this.#checked(output, { host, clockSkewMs }), accountId };
  }

  #checked(
    { accessKeyId, secretAccessKey, sessionToken, expiration }: RoleCredentials = {},
    answer: { readonly host: string; readonly clockSkewMs: number },
  ): Credentials {
    const found = {
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey,
      SessionToken: sessionToken,
      Expiration: expiration === undefined ? undefined : new Date(expiration),
    };
    return checkedCredentials(found, { ...answer, now: this.#clock.now(), durationSeconds: MAX_ROLE_SESSION_SECONDS });
  }

  async listAccounts(
    accessToken: Secret,
    { nextToken }: { readonly nextToken?: string },
    region: string,
  ): Promise<Page<SsoAccount>> {
    const input = { maxResults: PAGE_SIZE, ...(nextToken === undefined ? {} : { nextToken }) };
    const { output, host } = await this.#call({
      action: "ListAccounts",
      region,
      send: (client, http) =>
        client.send(new ListAccountsCommand({ ...input, accessToken: accessToken.reveal() }), http),
    });
    const answer = new SsoAnswer("ListAccounts", host);
    const items = answer.list(output.accountList, "accountList").map((account) => {
      const accountId = answer.accountId(account.accountId);
      const emailAddress = displayName(account.emailAddress);
      const accountName = displayName(account.accountName) ?? accountId;
      return { accountId, accountName, ...(emailAddress === undefined ? {} : { emailAddress }) };
    });
    return { items, ...answer.nextPage(output.nextToken, nextToken) };
  }

  async listAccountRoles(
    accessToken: Secret,
    { accountId, nextToken }: { readonly accountId: string; readonly nextToken?: string },
    region: string,
  ): Promise<Page<SsoAccountRole>> {
    const input = { accountId, maxResults: PAGE_SIZE, ...(nextToken === undefined ? {} : { nextToken }) };
    const { output, host } = await this.#call({
      action: "ListAccountRoles",
      subject: `account ${accountId}`,
      region,
      send: (client, http) =>
        client.send(new ListAccountRolesCommand({ ...input, accessToken: accessToken.reveal() }), http),
    });
    const answer = new SsoAnswer("ListAccountRoles", host);
    const items = answer
      .list(output.roleList, "roleList")
      .map(({ roleName }) => ({ accountId, roleName: answer.roleName(roleName) }));
    return { items, ...answer.nextPage(output.nextToken, nextToken) };
  }

  /** A session that has ended already counts as logged out. */
  async logout(accessToken: Secret, region: string): Promise<void> {
    try {
      await this.#call({
        action: "Logout",
        region,
        send: (client, http) => client.send(new LogoutCommand({ accessToken: accessToken.reveal() }), http),
      });
    } catch (error) {
      if (toBrokerError(error).code !== "LoginRequired") throw error;
    }
  }

  #call<Output>(call: Omit<AwsCall<SSOClient, Output>, "service" | "client" | "explain">): Promise<AwsAnswer<Output>> {
    return this.#caller.call({
      service: "sso",
      client: (options: CallOptions) => new SSOClient(options),
      explain: ssoError,
      ...call,
    });
  }
}
