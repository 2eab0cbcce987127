/** A place of the machine that a confined command sees; `as`: under which path. */
export interface Shown {
  readonly path: string;
  readonly as: string;
}

/** All that a confined command finds in the file system. Paths are absolute and without links. */
export interface SandboxPlan {
  readonly home: string;
  readonly workingDirectory: string;
  /** Read-only. */
  readonly readable: readonly Shown[];
  /** Links of the system such as `/bin`, with what they say. */
  readonly links: readonly { readonly path: string; readonly target: string }[];
  /** The working directory and what `--writable` names. */
  readonly writable: readonly string[];
  /** In a writable one: stays where it is, so that what it keeps below cannot be replaced by moving it. */
  readonly pinned: readonly string[];
  /** In a writable one: read-only nevertheless. */
  readonly kept: readonly string[];
  /** Of the readable ones: sockets, or what holds them, that may be connected to. */
  readonly sockets: readonly string[];
  /** Empty, writable, and gone with the command. */
  readonly scratch: readonly string[];
}

/** Whether `path` is `place` or lies in it. */
export function isWithin(path: string, place: string): boolean {
  return path === place || path.startsWith(place === "/" ? "/" : `${place}/`);
}
