import { Logger } from "@aws-lambda-powertools/logger";
import { getParameter } from "@aws-lambda-powertools/parameters/ssm";
import { who } from "./who.cjs";

const logger = new Logger({ serviceName: "orders" });

export const handler = async (event, context) => {
  logger.addContext(context);
  const greeting = await getParameter("/orders/greeting");
  logger.info("greeted", { greeting });
  return who({ order: event.order, greeting });
};
