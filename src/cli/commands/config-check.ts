import { absolutePath } from "../arguments/argument-values.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import { readConfig, readConfigAt } from "../config/config-file.js";

export const configCheckCommand = defineCommand({
  name: "config check",
  summary: "Check a config without loading it",
  details: "Names every problem with file, line and the nearest valid name. Without FILE: the config in use.",
  positionals: [{ name: "FILE", help: "another file" }],
  options: { json: JSON_OPTION },
  examples: ["brokerctl config check", "brokerctl config check ./config.yaml"],
  async run({ positionals }, context) {
    const file = positionals[0];
    const config =
      file === undefined
        ? await readConfig(context)
        : await readConfigAt(absolutePath(file, context), "brokerctl config path");
    const { roles, sources, notes } = await context.client.call("config-check", config);
    if (context.output.json) context.output.printJson({ path: config.path, sources, roles, notes });
    else context.output.say(`${config.path}: fine, ${sources} sources and ${roles} roles`);
    for (const note of notes) context.output.warn(note, "brokerctl config edit");
  },
});
