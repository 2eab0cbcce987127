import { ACCOUNT, AT, arn, REGION, REQUEST_ID, type Samples } from "./sample-values.js";

const BODY = JSON.stringify({ id: 7, item: "lamp" });
const AGENT = "curl/8.11.0";
const CLIENT_IP = "203.0.113.7";
const API_ID = "a1b2c3d4e5";
const API_HOST = `${API_ID}.execute-api.${REGION}.amazonaws.com`;
const TRACE = "Root=1-6968b458-0123456789abcdef01234567";

/** With names in lower case, as HTTP APIs, function URLs and load balancers have them. */
const headersAt = (host: string): Readonly<Record<string, string>> => ({
  accept: "*/*",
  "content-length": String(BODY.length),
  "content-type": "application/json",
  host,
  "user-agent": AGENT,
  "x-amzn-trace-id": TRACE,
  "x-forwarded-for": CLIENT_IP,
  "x-forwarded-port": "443",
  "x-forwarded-proto": "https",
});

/** As the client wrote the names, which REST APIs keep. */
const REST_HEADERS = {
  Accept: "*/*",
  "Content-Type": "application/json",
  Host: API_HOST,
  "User-Agent": AGENT,
  "X-Amzn-Trace-Id": TRACE,
  "X-Forwarded-For": CLIENT_IP,
  "X-Forwarded-Port": "443",
  "X-Forwarded-Proto": "https",
};

const several = (values: Readonly<Record<string, string>>): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, [value]]));

const IDENTITY = {
  ...{ accessKey: null, accountId: null, caller: null, cognitoAuthenticationProvider: null },
  ...{ cognitoAuthenticationType: null, cognitoIdentityId: null, cognitoIdentityPoolId: null },
  ...{ principalOrgId: null, sourceIp: CLIENT_IP, user: null, userAgent: AGENT, userArn: null },
};

const restContext = (method: string): object => ({
  accountId: ACCOUNT,
  apiId: API_ID,
  domainName: API_HOST,
  domainPrefix: API_ID,
  extendedRequestId: "XaBcDeFgHiJkLmN=",
  httpMethod: method,
  identity: IDENTITY,
  path: "/prod/orders/7",
  protocol: "HTTP/1.1",
  requestId: REQUEST_ID,
  requestTime: AT.log,
  requestTimeEpoch: AT.ms,
  resourceId: "r1s2t3",
  resourcePath: "/orders/{id}",
  stage: "prod",
});

const restRequest = (method: string): object => ({
  resource: "/orders/{id}",
  path: "/orders/7",
  httpMethod: method,
  headers: REST_HEADERS,
  multiValueHeaders: several(REST_HEADERS),
  queryStringParameters: { dry: "1" },
  multiValueQueryStringParameters: { dry: ["1"] },
  pathParameters: { id: "7" },
  stageVariables: null,
  requestContext: restContext(method),
});

interface Version2 {
  readonly host: string;
  readonly routeKey: string;
  readonly stage: string;
}

const version2 = ({ host, routeKey, stage }: Version2): object => ({
  version: "2.0",
  routeKey,
  rawPath: stage === "$default" ? "/orders/7" : `/${stage}/orders/7`,
  rawQueryString: "dry=1",
  cookies: ["theme=dark"],
  headers: headersAt(host),
  queryStringParameters: { dry: "1" },
  ...(routeKey.includes("{id}") && { pathParameters: { id: "7" } }),
  requestContext: {
    accountId: routeKey === "$default" ? "anonymous" : ACCOUNT,
    apiId: host.split(".")[0],
    domainName: host,
    domainPrefix: host.split(".")[0],
    http: { method: "POST", path: "/orders/7", protocol: "HTTP/1.1", sourceIp: CLIENT_IP, userAgent: AGENT },
    requestId: REQUEST_ID,
    routeKey,
    stage,
    time: AT.log,
    timeEpoch: AT.ms,
  },
  body: BODY,
  isBase64Encoded: false,
});

/** What comes from a client of a web address, and what decides whether it may. */
export const HTTP_SAMPLES: Samples = {
  "apigateway-v1": {
    about: "a request of an API Gateway REST API (proxy integration)",
    event: { ...restRequest("POST"), body: BODY, isBase64Encoded: false },
  },
  "apigateway-v2": {
    about: "a request of an API Gateway HTTP API (payload 2.0)",
    event: version2({ host: API_HOST, routeKey: "POST /orders/{id}", stage: "$default" }),
  },
  "apigateway-authorizer": {
    about: "a REST API asks its authorizer (REQUEST)",
    event: { type: "REQUEST", methodArn: arn("execute-api", `${API_ID}/prod/GET/orders/7`), ...restRequest("GET") },
  },
  "apigateway-websocket": {
    about: "a message to a WebSocket API",
    event: {
      requestContext: {
        ...{ routeKey: "$default", messageId: "XaBcDeFgHiJkLmN=", eventType: "MESSAGE" },
        ...{ extendedRequestId: "XaBcDeFgHiJkLmO=", requestTime: AT.log, messageDirection: "IN", stage: "prod" },
        ...{ connectedAt: AT.ms - 60_000, requestTimeEpoch: AT.ms, identity: { sourceIp: CLIENT_IP } },
        ...{ requestId: REQUEST_ID, domainName: API_HOST, connectionId: "XaBcDeFgHiJkLmP=", apiId: API_ID },
      },
      body: BODY,
      isBase64Encoded: false,
    },
  },
  "function-url": {
    about: "a request to a function URL",
    event: version2({
      host: `abcdefghij0123456789.lambda-url.${REGION}.on.aws`,
      routeKey: "$default",
      stage: "$default",
    }),
  },
  alb: {
    about: "a request through an Application Load Balancer",
    event: {
      requestContext: { elb: { targetGroupArn: arn("elasticloadbalancing", "targetgroup/orders/0123456789abcdef") } },
      httpMethod: "POST",
      path: "/orders/7",
      queryStringParameters: { dry: "1" },
      headers: headersAt(`orders-123456789.${REGION}.elb.amazonaws.com`),
      body: BODY,
      isBase64Encoded: false,
    },
  },
  cloudfront: {
    about: "a viewer request at CloudFront (Lambda@Edge)",
    event: {
      Records: [
        {
          cf: {
            config: {
              distributionDomainName: "d111111abcdef8.cloudfront.net",
              distributionId: "EDFDVBD6EXAMPLE",
              eventType: "viewer-request",
              requestId: "aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789abcdefghijklmno==",
            },
            request: {
              clientIp: CLIENT_IP,
              headers: {
                host: [{ key: "Host", value: "d111111abcdef8.cloudfront.net" }],
                "user-agent": [{ key: "User-Agent", value: AGENT }],
                accept: [{ key: "accept", value: "*/*" }],
              },
              method: "GET",
              querystring: "dry=1",
              uri: "/orders/7",
            },
          },
        },
      ],
    },
  },
  appsync: {
    about: "AppSync resolves a field (direct Lambda resolver)",
    event: {
      arguments: { id: "7" },
      identity: null,
      source: null,
      request: { headers: headersAt(`a1b2c3d4e5.appsync-api.${REGION}.amazonaws.com`), domainName: null },
      prev: null,
      info: {
        selectionSetList: ["id", "item"],
        selectionSetGraphQL: "{\n  id\n  item\n}",
        parentTypeName: "Query",
        fieldName: "order",
        variables: {},
      },
      stash: {},
    },
  },
  bedrock: {
    about: "an agent of Bedrock calls an action group (function details)",
    event: {
      messageVersion: "1.0",
      agent: { name: "orders", id: "AGENT00001", alias: "TSTALIASID", version: "DRAFT" },
      inputText: "Where is order 7?",
      sessionId: ACCOUNT,
      actionGroup: "orders",
      function: "order_state",
      parameters: [{ name: "id", type: "string", value: "7" }],
      sessionAttributes: {},
      promptSessionAttributes: {},
    },
  },
};
