import type { ControlOperation, ControlResponse } from "../control-api/contract.js";
import type { ControlServices } from "./control-services.js";
import { accessHandlers } from "./handlers/access-handlers.js";
import { auditHandlers } from "./handlers/audit-handlers.js";
import { configHandlers } from "./handlers/config-handlers.js";
import { confirmHandler } from "./handlers/confirm-handler.js";
import { consoleHandler } from "./handlers/console-handler.js";
import { credentialsHandlers } from "./handlers/credentials-handlers.js";
import { denialHandler } from "./handlers/denial-handler.js";
import { entryHandlers } from "./handlers/entry-handlers.js";
import type { ControlCall, Handler, Handlers } from "./handlers/handler.js";
import { importHandlers } from "./handlers/import-handlers.js";
import { keyHandlers } from "./handlers/key-handlers.js";
import { lambdaHandlers } from "./handlers/lambda-handlers.js";
import { leaseHandlers } from "./handlers/lease-handlers.js";
import { loginHandlers } from "./handlers/login-handlers.js";
import { moveHandlers } from "./handlers/move-handlers.js";
import { narrowHandler } from "./handlers/narrow-handler.js";
import { requestHandlers } from "./handlers/request-handlers.js";
import { ssoHandlers } from "./handlers/sso-handlers.js";
import { statusHandlers } from "./handlers/status-handlers.js";
import { storeHandlers } from "./handlers/store-handlers.js";
import { taskHandlers } from "./handlers/task-handlers.js";
import { uiHandler } from "./handlers/ui-handler.js";
import { onRecord } from "./on-record.js";
import { parseRequest } from "./request-schemas.js";

/** Every operation of control, checked and put on record, whichever way it is asked for. */
export interface Operations {
  run<O extends ControlOperation>(operation: O, body: unknown, call: ControlCall): Promise<ControlResponse<O>>;
}

export function createOperations(services: ControlServices): Operations {
  const handlers: Handlers = {
    ...statusHandlers(services),
    ...storeHandlers(services),
    ...configHandlers(services),
    ...entryHandlers(services),
    ...keyHandlers(services),
    ...importHandlers(services),
    ...loginHandlers(services),
    ...ssoHandlers(services),
    ...credentialsHandlers(services),
    ...consoleHandler(services),
    ...leaseHandlers(services),
    ...moveHandlers(services),
    ...narrowHandler(services),
    ...confirmHandler(services),
    ...requestHandlers(services),
    ...accessHandlers(services),
    ...lambdaHandlers(services),
    ...denialHandler(services),
    ...taskHandlers(services),
    ...auditHandlers(services),
    ...uiHandler(services),
  };
  return {
    async run<O extends ControlOperation>(operation: O, body: unknown, call: ControlCall): Promise<ControlResponse<O>> {
      const handler: Handler<O> = handlers[operation];
      const request = parseRequest(operation, body);
      return onRecord({ operation, request, caller: call.caller }, services, () => handler(request, call));
    },
  };
}
