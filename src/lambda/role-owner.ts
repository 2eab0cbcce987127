import type { IamRole } from "../aws/iam-roles.js";
import type { RoleOwner } from "../core/deployed-function.js";

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html */
const STACK = "aws:cloudformation:stack-name";
const LOGICAL_ID = "aws:cloudformation:logical-id";
/** SAM tags the functions and roles that it generates. */
const CREATED_BY = "lambda:createdBy";

/**
 * Which tool makes a role, where its tags tell: CloudFormation's own, SAM's, or one by which people say Terraform. Not every role that one
 * of them makes has such a tag.
 */
export function ownerOfRole({ tags }: Pick<IamRole, "tags">): RoleOwner | undefined {
  const tool = tags[CREATED_BY] === "SAM" ? "SAM" : tags[STACK] === undefined ? undefined : "CloudFormation";
  if (tool) {
    const [stack, logicalId] = [tags[STACK], tags[LOGICAL_ID]];
    return { tool, ...(stack !== undefined && { stack }), ...(logicalId !== undefined && { logicalId }) };
  }
  const saysTerraform = Object.entries(tags).some((tag) => tag.some((text) => /^(?:terraform|opentofu)\b/i.test(text)));
  return saysTerraform ? { tool: "Terraform" } : undefined;
}
