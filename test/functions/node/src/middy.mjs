import middy from "@middy/core";
import httpErrorHandler from "@middy/http-error-handler";
import jsonBodyParser from "@middy/http-json-body-parser";
import { who } from "./who.cjs";

export const handler = middy()
  .use(jsonBodyParser())
  .use(httpErrorHandler())
  .handler(async (event) => ({ statusCode: 200, body: JSON.stringify(await who({ order: event.body.order })) }));
