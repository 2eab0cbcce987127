import { dirname, join } from "node:path";
import { NodeFileSystem, writeFileAtomic } from "../../files/atomic-file.js";
import type { CliContext } from "../context.js";
import { SCHEMA_FILE } from "./config-template.js";

/** For editors with a YAML language server: the config's first line names this file. */
export async function writeConfigSchema({ client, paths }: CliContext): Promise<void> {
  const { schema } = await client.call("config-schema", {});
  const path = join(dirname(paths().configFile), SCHEMA_FILE);
  await writeFileAtomic(new NodeFileSystem(), path, Buffer.from(`${JSON.stringify(schema, null, 2)}\n`));
}
