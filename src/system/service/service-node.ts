import { NodeCopy, ROOT_COPY, type UnreadableNode } from "./node-copy.js";
import type { SupervisorInstall, SupervisorPlace, SupervisorProblem, SupervisorState } from "./supervisor.js";

/** For a shell. */
const ROOT_INSTALL = `sudo install -D -m 0111 "$(node -p process.execPath)" ${ROOT_COPY}`;

export interface ChosenNode {
  /** undefined: the ordinary one. */
  readonly path?: string;
  /** The user's own copy was made, or made anew. */
  readonly isNew: boolean;
  readonly notes: readonly string[];
}

/** Which Node runs brokerd as a service of systemd: where it helps, one that the user's programs cannot read. */
export class ServiceNode {
  readonly #copy: NodeCopy;

  constructor(place: SupervisorPlace) {
    this.#copy = new NodeCopy(place);
  }

  /** All that `choose` may write. */
  get files(): readonly string[] {
    return this.#copy.files;
  }

  /**
   * Where the drop-in is in force, only root's copy helps: systemd starts the program with all capabilities in its new
   * namespace, and so with the right to read the files of the user who made it. What the drop-in takes away is more.
   */
  async choose({ readableBecause }: SupervisorInstall, confined: boolean): Promise<ChosenNode> {
    const before = await this.#copy.made();
    const found = await this.#find(readableBecause, confined);
    const notes = readableBecause === undefined ? [noteOf(found)] : [];
    if (!("path" in found)) return { isNew: false, notes };
    return { path: found.path, isNew: found.ownedBy === "user" && (await this.#copy.made()) !== before, notes };
  }

  /** The unit in force runs `command`: a copy that it does not run goes. */
  async settle([node]: readonly (string | undefined)[]): Promise<void> {
    if (node !== this.#copy.path) await this.#copy.remove();
  }

  async #find(readableBecause: string | undefined, confined: boolean): Promise<UnreadableNode | { problem: string }> {
    if (readableBecause !== undefined) return { problem: readableBecause };
    const ofRoot = await this.#copy.ofRoot();
    if (ofRoot) return ofRoot;
    if (!confined) return this.#copy.make();
    return { problem: `under the drop-in only a Node of root's helps: ${ROOT_INSTALL}; brokerctl service install` };
  }

  /** Node may have been upgraded since. A copy that cannot be made anew (a full disk) leaves the former, and `problems` says so. */
  async renew([node]: readonly string[]): Promise<void> {
    if (node === this.#copy.path) await this.#copy.renew();
  }

  ownerOf([node]: readonly string[]): SupervisorState["unreadableNode"] {
    if (node === ROOT_COPY) return "root";
    return node === this.#copy.path ? "user" : null;
  }

  async problems([node]: readonly string[]): Promise<readonly SupervisorProblem[]> {
    if (node === ROOT_COPY && !(await this.#copy.ofRoot())) {
      return [{ message: `${ROOT_COPY} is not as new as Node, or not root's alone`, hint: ROOT_INSTALL }];
    }
    const why = node === this.#copy.path ? await this.#copy.whyOlder() : undefined;
    if (why === undefined) return [];
    return [{ message: `the Node that runs brokerd is out of date: ${why}`, hint: "brokerctl restart" }];
  }

  /** Gives what was there. */
  remove(): Promise<readonly string[]> {
    return this.#copy.remove();
  }
}

function noteOf(found: UnreadableNode | { readonly problem: string }): string {
  return "path" in found
    ? `programs of yours cannot read brokerd's memory: it is run by ${found.path}`
    : `programs of yours can read brokerd's memory: ${found.problem}`;
}
