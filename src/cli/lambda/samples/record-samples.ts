import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { ACCOUNT, AT, arn, base64, REGION, REQUEST_ID, type Samples } from "./sample-values.js";

const BODY = JSON.stringify({ id: 7, item: "lamp" });
const BUCKET = "orders-bucket";
const ARRIVED = String(AT.ms);

const s3 = (eventName: string, object: object): object => ({
  Records: [
    {
      eventVersion: "2.1",
      eventSource: "aws:s3",
      awsRegion: REGION,
      eventTime: AT.iso,
      eventName,
      userIdentity: { principalId: "AWS:AIDAEXAMPLE0123456789" },
      requestParameters: { sourceIPAddress: "203.0.113.7" },
      responseElements: {
        "x-amz-request-id": "C3D13FE58DE4C810",
        "x-amz-id-2": "aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789=",
      },
      s3: {
        s3SchemaVersion: "1.0",
        configurationId: "orders",
        bucket: {
          name: BUCKET,
          ownerIdentity: { principalId: "A3NL1KOZZKExample" },
          arn: `arn:aws:s3:::${BUCKET}`,
        },
        // As S3 writes keys here: form-encoded, a blank is +.
        object: { key: "incoming/order+7.json", ...object, sequencer: "0065A4F8A0B1C2D3E4" },
      },
    },
  ],
});

const IMAGE = { id: { S: "7" }, item: { S: "lamp" }, price: { N: "19.90" } };

/** As a log subscription sends them: JSON, compressed, in base64. */
const LOGS = gzipSync(
  JSON.stringify({
    messageType: "DATA_MESSAGE",
    owner: ACCOUNT,
    logGroup: "/aws/lambda/orders",
    logStream: "2026/01/15/[$LATEST]0123456789abcdef0123456789abcdef",
    subscriptionFilters: ["errors"],
    logEvents: [
      { id: "38765432109876543210987654321098765432109876543210987654", timestamp: AT.ms, message: "order 7 failed\n" },
    ],
  }),
).toString("base64");

const rule = (about: {
  readonly type: string;
  readonly source: string;
  readonly resources: readonly string[];
}): object => ({
  version: "0",
  id: REQUEST_ID,
  "detail-type": about.type,
  source: about.source,
  account: ACCOUNT,
  time: AT.isoSeconds,
  region: REGION,
  resources: about.resources,
});

/** What Lambda fetches from queues and streams, and what other services announce. */
export const RECORD_SAMPLES: Samples = {
  "s3-put": {
    about: "an object was made in a bucket of S3",
    event: s3("ObjectCreated:Put", { size: BODY.length, eTag: createHash("md5").update(BODY).digest("hex") }),
  },
  "s3-delete": { about: "an object was removed from a bucket", event: s3("ObjectRemoved:Delete", {}) },
  sqs: {
    about: "a message of an SQS queue",
    event: {
      Records: [
        {
          messageId: REQUEST_ID,
          receiptHandle: "AQEBexampleReceiptHandle==",
          body: BODY,
          attributes: {
            ApproximateReceiveCount: "1",
            SentTimestamp: ARRIVED,
            SenderId: "AIDAEXAMPLE0123456789",
            ApproximateFirstReceiveTimestamp: String(AT.ms + 12),
          },
          messageAttributes: {
            source: { stringValue: "web", stringListValues: [], binaryListValues: [], dataType: "String" },
          },
          md5OfBody: createHash("md5").update(BODY).digest("hex"),
          eventSource: "aws:sqs",
          eventSourceARN: arn("sqs", "orders"),
          awsRegion: REGION,
        },
      ],
    },
  },
  sns: {
    about: "a notification of an SNS topic",
    event: {
      Records: [
        {
          EventVersion: "1.0",
          EventSubscriptionArn: arn("sns", `orders:${REQUEST_ID}`),
          EventSource: "aws:sns",
          Sns: {
            SignatureVersion: "1",
            Timestamp: AT.iso,
            Signature: "EXAMPLE",
            SigningCertUrl: `https://sns.${REGION}.amazonaws.com/SimpleNotificationService-example.pem`,
            MessageId: REQUEST_ID,
            Message: BODY,
            MessageAttributes: { source: { Type: "String", Value: "web" } },
            Type: "Notification",
            UnsubscribeUrl: `https://sns.${REGION}.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=${arn("sns", `orders:${REQUEST_ID}`)}`,
            TopicArn: arn("sns", "orders"),
            Subject: "order 7",
          },
        },
      ],
    },
  },
  dynamodb: {
    about: "items changed in a table with a DynamoDB stream",
    event: {
      Records: (["INSERT", "MODIFY", "REMOVE"] as const).map((eventName, at) => ({
        eventID: String(at + 1).padStart(32, "0"),
        eventName,
        eventVersion: "1.1",
        eventSource: "aws:dynamodb",
        awsRegion: REGION,
        dynamodb: {
          ApproximateCreationDateTime: AT.ms / 1000,
          Keys: { id: IMAGE.id },
          ...(eventName !== "REMOVE" && { NewImage: IMAGE }),
          ...(eventName !== "INSERT" && { OldImage: { ...IMAGE, price: { N: "24.90" } } }),
          SequenceNumber: String(at + 1).padStart(21, "1"),
          SizeBytes: 59,
          StreamViewType: "NEW_AND_OLD_IMAGES",
        },
        eventSourceARN: arn("dynamodb", "table/orders/stream/2026-01-01T00:00:00.000"),
      })),
    },
  },
  kinesis: {
    about: "a record of a Kinesis data stream",
    event: {
      Records: [
        {
          kinesis: {
            kinesisSchemaVersion: "1.0",
            partitionKey: "7",
            sequenceNumber: "49590338271490256608559692538361571095921575989136588898",
            data: base64(BODY),
            approximateArrivalTimestamp: AT.ms / 1000,
          },
          eventSource: "aws:kinesis",
          eventVersion: "1.0",
          eventID: "shardId-000000000006:49590338271490256608559692538361571095921575989136588898",
          eventName: "aws:kinesis:record",
          invokeIdentityArn: `arn:aws:iam::${ACCOUNT}:role/orders`,
          awsRegion: REGION,
          eventSourceARN: arn("kinesis", "stream/orders"),
        },
      ],
    },
  },
  firehose: {
    about: "Data Firehose has records transformed",
    event: {
      invocationId: REQUEST_ID,
      deliveryStreamArn: arn("firehose", "deliverystream/orders"),
      region: REGION,
      records: [
        {
          recordId: "49590338271490256608559692538361571095921575989136588898000000",
          approximateArrivalTimestamp: AT.ms,
          data: base64(BODY),
        },
      ],
    },
  },
  kafka: {
    about: "a record of a topic in Amazon MSK",
    event: {
      eventSource: "aws:kafka",
      eventSourceArn: arn("kafka", `cluster/orders/${REQUEST_ID}-2`),
      bootstrapServers: `b-1.orders.abcdef.c2.kafka.${REGION}.amazonaws.com:9098`,
      records: {
        "orders-0": [
          {
            ...{ topic: "orders", partition: 0, offset: 15, timestamp: AT.ms, timestampType: "CREATE_TIME" },
            ...{ key: base64("7"), value: base64(BODY), headers: [{ source: [...Buffer.from("web")] }] },
          },
        ],
      },
    },
  },
  "cloudwatch-logs": {
    about: "lines of a log group, by a subscription (gzip, base64)",
    event: { awslogs: { data: LOGS } },
  },
  eventbridge: {
    about: "an event of an EventBridge bus, by a rule",
    event: {
      ...rule({ type: "Order Placed", source: "com.example.orders", resources: [] }),
      detail: { id: 7, item: "lamp" },
    },
  },
  scheduled: {
    about: "a schedule of EventBridge",
    event: {
      ...rule({ type: "Scheduled Event", source: "aws.events", resources: [arn("events", "rule/nightly")] }),
      detail: {},
    },
  },
  "ec2-state": {
    about: "an instance of EC2 changed its state, by EventBridge",
    event: {
      ...rule({
        type: "EC2 Instance State-change Notification",
        source: "aws.ec2",
        resources: [arn("ec2", "instance/i-0123456789abcdef0")],
      }),
      detail: { "instance-id": "i-0123456789abcdef0", state: "stopped" },
    },
  },
};
