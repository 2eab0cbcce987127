import { defineCommand, JSON_OPTION } from "../command.js";

export const configPathCommand = defineCommand({
  name: "config path",
  summary: "Print where the config is",
  options: { json: JSON_OPTION },
  examples: ["brokerctl config path", 'less "$(brokerctl config path)"'],
  run(_, { output, paths }) {
    const { configFile, stateDir, runtimeDir, logFile } = paths();
    if (output.json) {
      output.printJson({ path: configFile, state_dir: stateDir, runtime_dir: runtimeDir, log_file: logFile });
    } else output.print(configFile);
    return Promise.resolve(undefined);
  },
});
