import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { who } from "./who.cjs";

// What Lambda gives its functions.
const { awslambda } = globalThis;

export const handler = awslambda.streamifyResponse(async (event, stream) => {
  stream.setContentType("application/json");
  const text = JSON.stringify(await who({ order: event.order }));
  await pipeline(Readable.from([...text]), stream);
});
