import { nearestName } from "./nearest-name.js";

/** The hash of a construct's path, with which CDK ends logical ids. */
const CDK_SUFFIX = /[0-9A-F]{8}$/;

/** The logical ids that `text` may mean: it, else those that are it with CDK's suffix, of which more than one is too many. */
export function logicalIdsLike(text: string, ids: readonly string[]): readonly string[] {
  return ids.includes(text) ? [text] : ids.filter((id) => withoutSuffix(id) === text);
}

/** The one that was probably meant; undefined when none is near. */
export function nearestLogicalId(text: string, ids: readonly string[]): string | undefined {
  const near = nearestName(
    text,
    ids.flatMap((id) => [id, withoutSuffix(id)]),
  );
  return ids.find((id) => id === near) ?? ids.find((id) => withoutSuffix(id) === near);
}

function withoutSuffix(id: string): string {
  return id.replace(CDK_SUFFIX, "");
}
