import type { ControlServices } from "../control/control-services.js";
import type { Operations } from "../control/operations.js";
import type { PageFinding } from "../control-api/ui-contract.js";
import { BrokerError } from "../core/errors.js";
import { onceMade } from "../core/on-first-use.js";
import type { Pages, PagesOptions } from "../ui/pages.js";

/** What answers a page. */
interface PageParts {
  readonly services: ControlServices;
  readonly operations: Operations;
}

export interface PagesOnDemandOptions extends Omit<PagesOptions, "operations"> {
  /** From now on there is someone to tell that something of `status` is another. */
  readonly onMade: (tell: () => void) => void;
}

/** The port for pages, made when the first page is opened: most brokerds never have one. */
export class PagesOnDemand {
  readonly #options: PagesOnDemandOptions;
  readonly #made = onceMade(() => this.#make());
  #parts: PageParts | undefined;
  #pages: Pages | undefined;

  constructor(options: PagesOnDemandOptions) {
    this.#options = options;
  }

  /** From now on pages can be opened. */
  start(parts: PageParts): void {
    this.#parts = parts;
  }

  async open(findings: readonly PageFinding[]): ReturnType<Pages["open"]> {
    const pages = await this.#made();
    return pages.open(findings);
  }

  async stop(): Promise<void> {
    this.#parts = undefined;
    await this.#pages?.stop();
  }

  async #make(): Promise<Pages> {
    const [{ Pages }, { createPageOperations }] = await Promise.all([
      import("../ui/pages.js"),
      import("../control/page/page-operations.js"),
    ]);
    if (!this.#parts) throw new BrokerError("DaemonUnreachable", "brokerd ends", { hint: "brokerctl start" });
    const pages = new Pages({ ...this.#options, operations: createPageOperations(this.#parts) });
    this.#options.onMade(() => pages.changed());
    return (this.#pages = pages);
  }
}
