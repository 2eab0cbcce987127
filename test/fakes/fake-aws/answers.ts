import type { AwsRefusal } from "./aws-refusal.js";
import type { Lie } from "./faults.js";

/** An HTTP answer to be. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const NAMESPACES: Readonly<Record<string, string>> = {
  sts: "https://sts.amazonaws.com/doc/2011-06-15/",
  cloudformation: "http://cloudformation.amazonaws.com/doc/2010-05-15/",
  iam: "https://iam.amazonaws.com/doc/2010-05-08/",
};

const JSON_TYPE = { "content-type": "application/json" };
const JSON_1_1 = { "content-type": "application/x-amz-json-1.1" };
const XML = { "content-type": "text/xml" };
const REQUEST_ID = "c6104cbe-af31-11e0-8154-cbc7ccf896c7";

/** The query protocol's envelope around a result. */
export function resultAnswer(service: string, action: string, result: object): Answer {
  if (service === "lambda") return { status: 200, headers: JSON_TYPE, body: JSON.stringify(result) };
  if (service === "ecs") return { status: 200, headers: JSON_1_1, body: JSON.stringify(result) };
  const inner = `<${action}Result>${toXml(result)}</${action}Result>`;
  const metadata = `<ResponseMetadata><RequestId>${REQUEST_ID}</RequestId></ResponseMetadata>`;
  const body = `<${action}Response xmlns="${NAMESPACES[service]}">${inner}${metadata}</${action}Response>`;
  return { status: 200, headers: XML, body };
}

export function refusalAnswer(service: string, refusal: AwsRefusal): Answer {
  if (service === "lambda") return jsonRefusal(refusal);
  if (service === "ecs") {
    const { code, message, status, headers } = refusal;
    return { status, headers: { ...JSON_1_1, ...headers }, body: JSON.stringify({ __type: code, message }) };
  }
  const type = refusal.status >= 500 ? "Receiver" : "Sender";
  const error = toXml({ Error: { Type: type, Code: refusal.code, Message: refusal.message } });
  const body = `<ErrorResponse xmlns="${NAMESPACES[service]}">${error}<RequestId>${REQUEST_ID}</RequestId></ErrorResponse>`;
  return { status: refusal.status, headers: { ...XML, ...refusal.headers }, body };
}

/** REST JSON: the code stands in a header, as an exception. */
function jsonRefusal({ code, message, status, headers }: AwsRefusal): Answer {
  const type = code.endsWith("Exception") ? code : `${code}Exception`;
  const body = JSON.stringify({ Type: "User", Message: message });
  return { status, headers: { ...JSON_TYPE, "x-amzn-errortype": type, ...headers }, body };
}

export function portalAnswer(status: number): Answer {
  return {
    status,
    headers: { "content-type": "text/html" },
    body: "<html><body><h1>Please log in to the network</h1></body></html>",
  };
}

/** A right answer made wrong. */
export function lieAnswer(right: Answer, lie: Lie): Answer {
  const body = (change: (text: string) => string): Answer => ({ ...right, body: change(right.body) });
  switch (lie) {
    case "no-expiration":
      return body((text) => text.replace(/<Expiration>.*?<\/Expiration>/, ""));
    case "garbled-expiration":
      return body((text) => text.replace(/<Expiration>.*?</, "<Expiration>tomorrow<"));
    case "expired":
      return body((text) => text.replace(/<Expiration>.*?</, "<Expiration>2001-01-01T00:00:00Z<"));
    case "far-future":
      return body((text) => text.replace(/<Expiration>.*?</, "<Expiration>2999-01-01T00:00:00Z<"));
    case "no-secret":
      return body((text) => text.replace(/<SecretAccessKey>.*?<\/SecretAccessKey>/, ""));
    case "empty-token":
      return body((text) => text.replace(/<SessionToken>.*?</, "<SessionToken><"));
    case "other-account":
      return body((text) => text.replace(/(arn:[\w-]+:sts::)\d{12}/, "$1999999999999"));
    case "other-role":
      return body((text) => text.replace(/assumed-role\/[^/]+\//, "assumed-role/another-role/"));
    case "no-arn":
      return body((text) => text.replace(/<Arn>.*?<\/Arn>/, ""));
    case "html":
      return portalAnswer(200);
    case "json":
      return { ...right, body: JSON.stringify({ Credentials: null }) };
    case "empty":
      return body(() => "");
    case "truncated":
      return body((text) => text.slice(0, text.length / 2));
  }
}

function toXml(value: unknown): string {
  if (Array.isArray(value)) return value.map((item) => `<member>${toXml(item)}</member>`).join("");
  if (typeof value === "object" && value !== null) {
    return Object.entries(value)
      .map(([name, inner]) => `<${name}>${toXml(inner)}</${name}>`)
      .join("");
  }
  return String(value).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
