import type { SandboxPlan } from "./plan.js";

/** Descriptors of the two pipes to bwrap. */
export const STATUS_DESCRIPTOR = 3;
export const FILTER_DESCRIPTOR = 4;

/**
 * The words after `bwrap` that make the plan true: processes, System V memory and terminal session of its own, no capability, and a file
 * system that is empty but for what the plan shows. No secret is among them: any user may read the words of a process.
 */
export function bwrapArguments(plan: SandboxPlan, command: readonly string[]): readonly string[] {
  return [
    // The first is implied but where bwrap is setuid, or run by root.
    ...["--unshare-user-try", "--unshare-pid", "--unshare-ipc", "--unshare-cgroup-try"],
    ...["--new-session", "--die-with-parent", "--cap-drop", "ALL"],
    ...["--json-status-fd", String(STATUS_DESCRIPTOR), "--seccomp", String(FILTER_DESCRIPTOR)],
    ...mounts(plan),
    // Of the directories that hold the others: a file that goes with the command would be a surprise.
    ...["--remount-ro", plan.home, "--remount-ro", "/run", "--remount-ro", "/"],
    ...["--chdir", plan.workingDirectory, "--", ...command],
  ];
}

/** What holds others comes before them: a later mount lies on an earlier one. */
function mounts(plan: SandboxPlan): readonly string[] {
  const all: readonly (readonly [path: string, ...words: string[]])[] = [
    ["/proc", "--proc", "/proc"],
    ["/dev", "--dev", "/dev"],
    ["/run", "--tmpfs", "/run"],
    ["/var/run", "--symlink", "../run", "/var/run"],
    ...[...plan.scratch, plan.home].map((path) => [path, "--tmpfs", path] as const),
    ...plan.links.map(({ path, target }) => [path, "--symlink", target, path] as const),
    ...plan.readable.map(({ path, as }) => [as, "--ro-bind", path, as] as const),
    ...[...plan.writable, ...plan.pinned].map((path) => [path, "--bind", path, path] as const),
    ...plan.kept.map((path) => [path, "--ro-bind", path, path] as const),
  ];
  return all.toSorted(([one], [other]) => depthOf(one) - depthOf(other)).flatMap(([, ...words]) => words);
}

function depthOf(path: string): number {
  return path.split("/").length;
}
