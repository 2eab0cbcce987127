/** How picomatch is to take patterns for names: a star takes the slashes of names too, and nothing is negated. */
export const GLOB_OPTIONS = { bash: true, dot: true, nonegate: true, noextglob: true } as const;

/** The pattern as picomatch is given it: parentheses mean themselves. */
export function globText(pattern: string): string {
  return pattern.replaceAll(/[\\()]/g, "\\$&");
}
