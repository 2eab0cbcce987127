import { BrokerError } from "../../core/errors.js";
import { shellQuote } from "../../core/shell-quote.js";
import type { AwsFileTexts } from "../aws-files/read-aws-files.js";
import { type BlockProfile, type FoundBlock, findBlock, type Made, withBlock, withoutBlock } from "./profile-block.js";
import { ownProfiles } from "./taken-names.js";

/** A profile that could stand for a role. */
export interface WantedProfile extends BlockProfile {
  readonly role: string;
}

/** Why a role has no profile in the block. */
export interface SkippedRole {
  readonly role: string;
  readonly profile: string;
  readonly why: string;
  /** It has one outside of it, which asks us. */
  readonly isServed: boolean;
}

export interface ProfilesPlan {
  /** null: as it is. */
  readonly text: string | null;
  readonly profiles: readonly BlockProfile[];
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  readonly skipped: readonly SkippedRole[];
}

/** All SDKs read names of these (Java's and JavaScript's refuse others), and all of ours but those with an account's name are. */
const SDK_NAME = /^[A-Za-z0-9_\-/.%@:+]+$/;

/** What the config becomes with a block of exactly these profiles, never over one of the user's own. */
export function planProfiles(
  files: AwsFileTexts,
  wanted: readonly WantedProfile[],
  { path, made, force }: { readonly path: string; readonly made: readonly Made[]; readonly force: boolean },
): ProfilesPlan {
  const text = files.config?.text ?? "";
  const before = blockToReplace(findBlock(text), path, force)?.profiles ?? [];
  const own = ownProfiles(files);
  const skipped = wanted.flatMap((profile) => skippedRole(profile, own.get(profile.name)) ?? []);
  const profiles = wanted.filter(({ role }) => !skipped.some((skip) => skip.role === role));
  const next = nextText(text, profiles, made);
  const names = (all: readonly BlockProfile[]): readonly string[] => all.map(({ name }) => name);
  const old = new Map(before.map((profile) => [profile.name, profile.lines.join("\n")]));
  return {
    text: next === text ? null : next,
    profiles,
    added: names(profiles.filter(({ name }) => !old.has(name))),
    changed: names(profiles.filter(({ name, lines }) => old.has(name) && old.get(name) !== lines.join("\n"))),
    removed: names(before.filter(({ name }) => !names(profiles).includes(name))),
    skipped,
  };
}

/** The block, if it may be replaced. Throws `Conflict` where it, or what is around it, was edited. */
export function blockToReplace(
  search: FoundBlock,
  path: string,
  force: boolean,
): Extract<FoundBlock, { readonly found: "block" }>["block"] | undefined {
  if (search.found === "none") return undefined;
  const edit = `\${EDITOR:-vi} ${shellQuote(path)}`;
  if (search.found === "broken") throw new BrokerError("Conflict", `${path} ${search.problem}`, { hint: edit });
  const { block } = search;
  if (!block.isChanged || force) return block;
  const [first, last] = block.lines;
  throw new BrokerError(
    "Conflict",
    `the block of credbroker in ${path} was changed by hand (lines ${first} to ${last})`,
    {
      hint: "move what is yours out of it, or let go of it with --force",
    },
  );
}

function nextText(text: string, profiles: readonly BlockProfile[], made: readonly Made[]): string {
  if (profiles.length > 0) return withBlock(text, profiles, made);
  const search = findBlock(text);
  return search.found === "block" ? withoutBlock(text, search.block) : text;
}

function skippedRole(
  { role, name }: WantedProfile,
  own: { readonly where: string; readonly asksUs: boolean } | undefined,
): SkippedRole | undefined {
  if (own?.asksUs) return { role, profile: name, why: `${own.where} asks brokerctl already`, isServed: true };
  const why = own ? `you have a profile of that name: ${own.where}` : nameProblem(name);
  return why === undefined ? undefined : { role, profile: name, why, isServed: false };
}

function nameProblem(name: string): string | undefined {
  if (name === "default") return "it would speak for every program that names no profile";
  if (name === "__proto__") return "programs have been attacked with that name";
  return SDK_NAME.test(name) ? undefined : "not every SDK reads a profile of that name";
}
