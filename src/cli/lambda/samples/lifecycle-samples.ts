import { AT, arn, REGION, REQUEST_ID, type Samples } from "./sample-values.js";

const POOL = `${REGION}_aBcDeFgHi`;
const USER_ATTRIBUTES = { sub: REQUEST_ID, email_verified: "true", email: "ann@example.com" };

interface Trigger {
  readonly triggerSource: string;
  readonly request: object;
  readonly response: object;
}

const cognito = ({ triggerSource, request, response }: Trigger, version = "1"): object => ({
  version,
  triggerSource,
  region: REGION,
  userPoolId: POOL,
  userName: "ann",
  callerContext: { awsSdkVersion: "aws-sdk-unknown-unknown", clientId: "1example23456789" },
  request,
  response,
});

/** What a service has done on its way: users of Cognito, stacks, secrets, workflows, mail. */
export const LIFECYCLE_SAMPLES: Samples = {
  "cognito-pre-signup": {
    about: "a user of Cognito signs up",
    event: cognito({
      triggerSource: "PreSignUp_SignUp",
      request: { userAttributes: { email: "ann@example.com" }, validationData: null },
      response: { autoConfirmUser: false, autoVerifyEmail: false, autoVerifyPhone: false },
    }),
  },
  "cognito-post-confirmation": {
    about: "a user of Cognito has confirmed",
    event: cognito({
      triggerSource: "PostConfirmation_ConfirmSignUp",
      request: { userAttributes: { ...USER_ATTRIBUTES, "cognito:user_status": "CONFIRMED" } },
      response: {},
    }),
  },
  "cognito-pre-authentication": {
    about: "a user of Cognito signs in",
    event: cognito({
      triggerSource: "PreAuthentication_Authentication",
      request: { userAttributes: USER_ATTRIBUTES, validationData: null },
      response: {},
    }),
  },
  "cognito-custom-message": {
    about: "Cognito is about to write to a user",
    event: cognito({
      triggerSource: "CustomMessage_SignUp",
      request: {
        userAttributes: USER_ATTRIBUTES,
        codeParameter: "{####}",
        linkParameter: "{##Click Here##}",
        usernameParameter: null,
      },
      response: { smsMessage: null, emailMessage: null, emailSubject: null },
    }),
  },
  "cognito-pre-token": {
    about: "Cognito is about to issue tokens (V2_0)",
    event: cognito(
      {
        triggerSource: "TokenGeneration_Authentication",
        request: {
          userAttributes: USER_ATTRIBUTES,
          groupConfiguration: { groupsToOverride: ["staff"], iamRolesToOverride: [], preferredRole: null },
          scopes: ["aws.cognito.signin.user.admin"],
        },
        response: { claimsAndScopeOverrideDetails: null },
      },
      "2",
    ),
  },
  "cognito-define-challenge": {
    about: "Cognito asks which challenge comes next",
    event: cognito({
      triggerSource: "DefineAuthChallenge_Authentication",
      request: {
        userAttributes: USER_ATTRIBUTES,
        session: [{ challengeName: "SRP_A", challengeResult: true, challengeMetadata: null }],
      },
      response: { challengeName: null, issueTokens: null, failAuthentication: null },
    }),
  },
  cloudformation: {
    about: "CloudFormation makes a custom resource",
    event: {
      RequestType: "Create",
      ServiceToken: arn("lambda", "function:orders"),
      // Where the function itself must PUT its answer: this address goes nowhere.
      ResponseURL: "https://localhost:1/response",
      StackId: arn("cloudformation", `stack/orders/${REQUEST_ID}`),
      RequestId: REQUEST_ID,
      LogicalResourceId: "Seed",
      ResourceType: "Custom::Seed",
      ResourceProperties: { ServiceToken: arn("lambda", "function:orders"), Table: "orders" },
    },
  },
  "secret-rotation": {
    about: "Secrets Manager rotates a secret, first step",
    event: {
      Step: "createSecret",
      SecretId: arn("secretsmanager", "secret:orders-AbCdEf"),
      ClientRequestToken: REQUEST_ID,
      RotationToken: REQUEST_ID,
    },
  },
  "step-functions": {
    about: "a task of Step Functions that waits for its token, as its Payload is usually written",
    event: { input: { id: 7, item: "lamp" }, taskToken: "AAAAKgAAAAIexampleTaskToken" },
  },
  "step-functions-error": {
    about: "what Catch of Step Functions hands to the next state",
    event: { Error: "OrderNotFound", Cause: '{"errorMessage":"no order 7","errorType":"OrderNotFound","trace":[]}' },
  },
  ses: {
    about: "SES has received a mail",
    event: {
      Records: [
        {
          eventSource: "aws:ses",
          eventVersion: "1.0",
          ses: {
            mail: {
              timestamp: AT.iso,
              source: "ann@example.com",
              messageId: "o3vrnil0e2ic28trm7dfhrc2v0clambda4nbp0g1",
              destination: ["orders@example.com"],
              headersTruncated: false,
              headers: [
                { name: "From", value: "Ann <ann@example.com>" },
                { name: "To", value: "orders@example.com" },
                { name: "Subject", value: "order 7" },
              ],
              commonHeaders: { from: ["Ann <ann@example.com>"], to: ["orders@example.com"], subject: "order 7" },
            },
            receipt: {
              timestamp: AT.iso,
              processingTimeMillis: 574,
              recipients: ["orders@example.com"],
              ...{ spamVerdict: { status: "PASS" }, virusVerdict: { status: "PASS" }, spfVerdict: { status: "PASS" } },
              ...{ dkimVerdict: { status: "PASS" }, dmarcVerdict: { status: "PASS" } },
              action: { type: "Lambda", functionArn: arn("lambda", "function:orders"), invocationType: "Event" },
            },
          },
        },
      ],
    },
  },
  codepipeline: {
    about: "a job of CodePipeline",
    event: {
      "CodePipeline.job": {
        id: REQUEST_ID,
        accountId: "111111111111",
        data: {
          actionConfiguration: { configuration: { FunctionName: "orders", UserParameters: "stage=prod" } },
          inputArtifacts: [],
          outputArtifacts: [],
          artifactCredentials: { accessKeyId: "EXAMPLE", secretAccessKey: "EXAMPLE", sessionToken: "EXAMPLE" },
          continuationToken: "1",
        },
      },
    },
  },
};
