import { writeSync } from "node:fs";
import { NodeFileSystem, writeFileAtomic } from "../../src/files/atomic-file.js";

/** Writes versions FIRST…LAST of FILE, and says each number on stdout once it is durable. */
const [path = "", first = "", last = ""] = process.argv.slice(2);
const fs = new NodeFileSystem();
for (let version = Number(first); version <= Number(last); version++) {
  const filler = String(version)
    .padStart(6, "0")
    .repeat(2_000 + (version % 7) * 3_000);
  await writeFileAtomic(fs, path, Buffer.from(JSON.stringify({ version, filler, end: version })));
  writeSync(1, `${version}\n`);
}
