import type { DesktopNotice, DesktopNotices } from "../../src/system/desktop-notices.js";

/** A desktop that keeps what it was asked to show. */
export class FakeDesktopNotices implements DesktopNotices {
  readonly shown: DesktopNotice[] = [];
  /** Why it shows nothing. */
  problem: string | undefined;

  async show(notice: DesktopNotice): Promise<string | undefined> {
    if (this.problem === undefined) this.shown.push(notice);
    return Promise.resolve(this.problem);
  }
}
