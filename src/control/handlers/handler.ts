import type { ControlOperation, ControlRequest, ControlResponse } from "../../control-api/contract.js";

export interface ControlCall {
  /** Aborts when the CLI goes away: nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

export type Handler<O extends ControlOperation> = (
  request: ControlRequest<O>,
  call: ControlCall,
) => Promise<ControlResponse<O>>;

export type Handlers<O extends ControlOperation = ControlOperation> = { readonly [Operation in O]: Handler<Operation> };
