import { stat } from "node:fs/promises";

/** False where there is nothing of that name. */
export async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
