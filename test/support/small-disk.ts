import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "./temp-dir.js";

/** A file system of its own that can be filled to its last block, or made read-only; only root can mount one. */
export class SmallDisk {
  readonly path: string;
  readonly #fill: string;

  /** At `path`, which is made. */
  constructor(path: string) {
    this.path = path;
    this.#fill = join(path, "fill");
    mkdirSync(path, { recursive: true, mode: 0o700 });
    mount(["-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs", path]);
  }

  /** Also what was freed since the last time. */
  fill(): void {
    const file = openSync(this.#fill, "a", 0o600);
    try {
      for (;;) writeSync(file, Buffer.alloc(4096));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    } finally {
      closeSync(file);
    }
  }

  free(): void {
    rmSync(this.#fill);
  }

  makeReadOnly(): void {
    mount(["-o", "remount,ro", this.path]);
  }

  makeWritable(): void {
    mount(["-o", "remount,rw", this.path]);
  }

  unmount(): void {
    execFileSync("umount", ["--lazy", this.path]);
  }
}

/** Whether this user, in this container, can mount. */
export function canMount(): boolean {
  if (process.getuid?.() !== 0) return false;
  try {
    new SmallDisk(join(tempDir("mount"), "probe")).unmount();
    return true;
  } catch {
    return false;
  }
}

function mount(args: readonly string[]): void {
  execFileSync("mount", args, { stdio: "ignore" });
}
