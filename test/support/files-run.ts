import { Session } from "node:inspector/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const SOURCES = `${pathToFileURL(resolve("src")).href}/`;

/** The files below src/ whose functions V8 counts as called while `act` runs, sorted. */
export async function filesRun(act: () => Promise<unknown>): Promise<readonly string[]> {
  const session = new Session();
  session.connect();
  try {
    await session.post("Profiler.enable");
    await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
    // Counts begin anew with each take.
    await session.post("Profiler.takePreciseCoverage");
    await act();
    const { result } = await session.post("Profiler.takePreciseCoverage");
    const ran = result.filter(({ functions }) => functions.some(({ ranges }) => ranges.some(({ count }) => count > 0)));
    const names = ran.map(({ url }) => (url.startsWith("file:") ? url : pathToFileURL(url).href));
    return names
      .filter((url) => url.startsWith(SOURCES))
      .map((url) => url.slice(SOURCES.length))
      .sort();
  } finally {
    session.disconnect();
  }
}
