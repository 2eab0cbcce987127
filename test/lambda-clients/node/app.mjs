/** Calls AWS as event.do says: the same in every language that the lease is tested in. */
import { setTimeout as pause } from "node:timers/promises";
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const PAUSE_MS = 250;

// No credentials are given: the SDK's own default chain looks for them.
const sts = new STSClient({});
const s3 = new S3Client({});

const ACTIONS = {
  identity: async () => ({ arn: await identity() }),
  s3: putAndRead,
  watch,
};

export async function handler(event) {
  const action = ACTIONS[event.do];
  if (action === undefined) throw new Error(`do what? ${event.do}`);
  return action(event);
}

async function identity() {
  const { Arn } = await sts.send(new GetCallerIdentityCommand({}));
  return Arn;
}

async function putAndRead({ bucket: Bucket, key: Key, text }) {
  await s3.send(new PutObjectCommand({ Bucket, Key, Body: text }));
  const object = await s3.send(new GetObjectCommand({ Bucket, Key }));
  const read = await object.Body.transformToString();
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: Key }));
  return { text: read, keys: Contents.map((each) => each.Key) };
}

/** Asks who it is again and again with one client, whose credentials come and end meanwhile; tells which keys signed. */
async function watch({ seconds }) {
  const arns = new Set();
  const keys = new Set();
  // After the request was signed.
  const noteKey = (next) => (call) => {
    keys.add(/Credential=([^/]+)/.exec(call.request.headers.authorization)[1]);
    return next(call);
  };
  sts.middlewareStack.add(noteKey, { step: "deserialize", priority: "low" });
  for (const endsAt = Date.now() + 1000 * seconds; Date.now() < endsAt; await pause(PAUSE_MS)) {
    arns.add(await identity());
  }
  return { arns: [...arns], keys: [...keys] };
}
