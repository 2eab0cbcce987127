import type { ControlResponse } from "../../control-api/contract.js";
import { BrokerError } from "../../core/errors.js";
import { ssoRoleParts } from "../../core/role.js";
import { unknownRole } from "../../core/unknown-role.js";
import type { CliContext } from "../context.js";
import type { WantedProfile } from "./plan-profiles.js";
import { type OwnCommand, processLine } from "./process-line.js";
import { findBlock } from "./profile-block.js";
import type { ProfilesFile } from "./profiles-file.js";

interface Wish {
  /** Empty: all of the config. */
  readonly roles: readonly string[];
  readonly prefix: string;
  readonly command: OwnCommand;
  readonly file: ProfilesFile;
}

type Status = ControlResponse<"status">;

/** A profile for each of the roles. Throws `ConfigInvalid` while no config is in force: not one role would be left. */
export async function wantedProfiles(
  { roles, prefix, command, file }: Wish,
  context: CliContext,
): Promise<readonly WantedProfile[]> {
  const status = await context.client.call("status", {});
  const { problem } = status.daemon;
  if (problem?.code === "ConfigInvalid") throw new BrokerError(problem.code, problem.message, { hint: problem.hint });
  const regions = regionsOf(status, { prefix, text: file.texts.config?.text ?? "" });
  const names = roles.length > 0 ? [...new Set(roles)] : [...regions.keys()].filter((name) => !name.includes(":"));
  return names.map((role) => {
    if (!regions.has(role)) refuseUnknown(role, status);
    const region = regions.get(role);
    const regionLine = region === undefined ? [] : [`region = ${region}`];
    return { role, name: prefix + role, lines: [processLine(command, role), ...regionLine] };
  });
}

/** A role whose entry is wrong at the moment keeps its profile, with the region that it has there. */
function regionsOf(
  { roles, leftOut = [] }: Status,
  { prefix, text }: { readonly prefix: string; readonly text: string },
): ReadonlyMap<string, string | undefined> {
  const search = findBlock(text);
  const held = search.found === "block" ? search.block.profiles : [];
  const regions = new Map(roles.map(({ name, region }) => [name, region ?? undefined]));
  for (const { kind, name } of leftOut) {
    const lines = held.find((profile) => profile.name === prefix + name)?.lines;
    if (kind !== "role" || lines === undefined) continue;
    regions.set(name, lines.flatMap((line) => /^region = (.+)$/.exec(line)?.[1] ?? [])[0]);
  }
  return regions;
}

/** `SOURCE:ACCOUNT/ROLE` works without an entry, and in a profile's name only with the account's id. */
function refuseUnknown(role: string, { sources }: Status): void {
  const parts = ssoRoleParts(role);
  if (!parts || !sources.some(({ name }) => name === parts.source)) throw unknownRole(role);
  if (/^\d{12}$/.test(parts.account)) return;
  throw new BrokerError("NotSupported", `a profile cannot be named ${role}: name the account by its id`, {
    hint: `brokerctl sso roles ${parts.source}`,
  });
}
