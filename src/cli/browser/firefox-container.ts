import { createHash } from "node:crypto";
import { join } from "node:path";
import { BrokerError } from "../../core/errors.js";
import { readSmallFile } from "../../files/read-small-file.js";
import { firefoxProfiles } from "./browser-profiles.js";
import { commandOf, FIREFOX, type Machine } from "./browsers.js";
import type { BrowserCommand } from "./open-url.js";

/** Colours that Firefox has for containers. */
export const COLOURS = ["blue", "turquoise", "green", "yellow", "orange", "red", "pink", "purple"] as const;
export type ContainerColour = (typeof COLOURS)[number];

/** Extensions that open a URL in a container, best first: id, and what their URLs begin with. */
const EXTENSIONS = [
  { id: "{b5e0e8de-ebfe-4306-9528-bcc18241a490}", scheme: "ext+granted-containers" },
  { id: "{f069aec0-43c5-4bbf-b6b4-df95c4326b98}", scheme: "ext+container" },
] as const;
const MAX_BYTES = 64 * 1024 * 1024;

export interface ContainerOpener {
  readonly command: BrowserCommand;
  /** What the extension opens this URL by, in the container of that name, which is made if need be. */
  readonly wrap: (url: string, container: { readonly name: string; readonly colour: ContainerColour }) => string;
}

/**
 * Firefox with the extension that its default profile has. Without one Firefox would search the web for what it is given, so
 * that it is looked for first.
 */
export async function containerOpener(machine: Machine): Promise<ContainerOpener> {
  const command = commandOf(FIREFOX, ["--new-tab"], machine);
  if (!command) {
    throw new BrokerError("UsageInvalid", "--container needs Firefox, which is not installed here", {
      hint: "brokerctl console ROLE --browser-profile NAME",
    });
  }
  const active = await activeExtensions(machine);
  const extension = EXTENSIONS.find(({ id }) => active.has(id));
  if (!extension) throw noExtension();
  return {
    command,
    wrap: (url, { name, colour }) => {
      const parameters = { name, url, color: colour, icon: "fingerprint" };
      const pairs = Object.entries(parameters).map(([key, value]) => `${key}=${encodeURIComponent(value)}`);
      return `${extension.scheme}:${pairs.join("&")}`;
    },
  };
}

/** The same for an account each time, on every machine. */
export function colourOf(account: string): ContainerColour {
  const number = createHash("sha256").update(account).digest().readUInt32BE();
  return COLOURS[number % COLOURS.length] ?? "blue";
}

/** Of the profile that Firefox starts with. */
async function activeExtensions(machine: Machine): Promise<ReadonlySet<string>> {
  const profiles = await firefoxProfiles(machine);
  const started = profiles.filter(({ isDefault }) => isDefault);
  const found = new Set<string>();
  for (const { directory } of started.length > 0 ? started : profiles) {
    const file = await readSmallFile(join(directory, "extensions.json"), MAX_BYTES);
    for (const id of file.found === "text" ? idsIn(file.text.reveal()) : []) found.add(id);
  }
  return found;
}

function idsIn(text: string): readonly string[] {
  try {
    const { addons = [] } = JSON.parse(text) as { addons?: readonly { id?: unknown; active?: unknown }[] };
    return addons.filter(({ active }) => active === true).map(({ id }) => String(id));
  } catch {
    return [];
  }
}

function noExtension(): BrokerError {
  const message =
    "Firefox has no extension that opens URLs in containers: its default profile has neither `Granted` nor `Open external links in a container`";
  return new BrokerError("UsageInvalid", message, {
    hint: "install one of them from addons.mozilla.org, or: brokerctl console ROLE --browser-profile NAME",
  });
}
