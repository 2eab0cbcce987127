import type { Caller } from "../../audit/audit-event.js";
import type { ControlOperation, ControlRequest, ControlResponse } from "../../control-api/contract.js";

/** What a handler gets beside its request; made in one place, `callOf` of control/app. */
export interface ControlCall {
  /** Aborts when the CLI goes away and with it the need for an answer. */
  readonly signal: AbortSignal;
  /** Who says to have sent it. */
  readonly caller: Caller;
}

export type Handler<O extends ControlOperation> = (
  request: ControlRequest<O>,
  call: ControlCall,
) => Promise<ControlResponse<O>>;

export type Handlers<O extends ControlOperation = ControlOperation> = { readonly [Operation in O]: Handler<Operation> };
