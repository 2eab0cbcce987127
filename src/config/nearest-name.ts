import leven from "leven";

/** The name most like `given`, as far as it can be meant: case, `-` and `_` do not count, `roleArn` is `role_arn`. */
export function nearestName(given: string, names: readonly string[]): string | undefined {
  const wanted = normalize(given);
  const farthest = wanted.length < 2 ? 0 : Math.max(1, Math.floor(wanted.length / 3));
  let nearest: string | undefined;
  let distance = farthest + 1;
  for (const name of names) {
    const current = distanceOf(wanted, normalize(name), distance);
    if (current < distance) [nearest, distance] = [name, current];
  }
  return nearest;
}

function normalize(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, "");
}

/** Letters swapped (`dve` for `dev`) are one slip, not two. */
function distanceOf(wanted: string, name: string, maxDistance: number): number {
  const distance = leven(wanted, name, { maxDistance });
  const isSwap = distance > 1 && wanted.length === name.length && sorted(wanted) === sorted(name);
  return isSwap ? 1 : distance;
}

function sorted(text: string): string {
  return Array.from(text).sort().join("");
}
