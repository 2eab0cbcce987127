import { validationError } from "./aws-refusal.js";
import type { Action } from "./sts-actions.js";

export interface FakeStack {
  readonly name: string;
  readonly account: string;
  readonly region: string;
  readonly resources: readonly FakeResource[];
}

export interface FakeResource {
  readonly logicalId: string;
  /** Absent while it is being made. */
  readonly physicalId?: string;
  readonly type: string;
  /** `CREATE_COMPLETE` by default. */
  readonly status?: string;
}

/** The stacks of one region's endpoint. */
export function stackActions(region: string): Readonly<Record<string, Action>> {
  return {
    ListStackResources: ({ stacks, pageSize }, caller, { StackName = "", NextToken = "0" }) => {
      const found = stacks.find((stack) => stack.name === StackName && stack.region === region);
      if (found?.account !== caller.account) throw validationError(`Stack with id ${StackName} does not exist`);
      const start = Number(NextToken);
      const end = start + pageSize;
      const summaries = found.resources.slice(start, end).map(({ logicalId, physicalId, type, status }) => ({
        LogicalResourceId: logicalId,
        ...(physicalId !== undefined && { PhysicalResourceId: physicalId }),
        ResourceType: type,
        LastUpdatedTimestamp: "2026-11-28T10:00:00.000Z",
        ResourceStatus: status ?? "CREATE_COMPLETE",
      }));
      return { StackResourceSummaries: summaries, ...(end < found.resources.length && { NextToken: String(end) }) };
    },
  };
}
