import { defineCommand, JSON_OPTION } from "../command.js";
import { SAMPLE_EVENTS, sampleEvent } from "../lambda/samples/sample-events.js";
import { table } from "../terminal/table.js";

export const lambdaEventCommand = defineCommand({
  name: "lambda event",
  summary: "Print a sample event of a service of AWS, or list them",
  details: `The shapes are those of AWS's documentation; the values are made up. \`lambda invoke --event sample:NAME\` takes one as it is.`,
  positionals: [{ name: "NAME", help: "of a sample; without it they are listed" }],
  options: { json: JSON_OPTION },
  examples: [
    "brokerctl lambda event",
    "brokerctl lambda event s3-put | jq '.Records[0].s3.object.key = \"a.json\"' | brokerctl lambda invoke orders --event -",
  ],
  run({ positionals: [name], options }, { output }) {
    const samples = Object.entries(SAMPLE_EVENTS).map(([sample, { about }]) => ({ name: sample, about }));
    if (name !== undefined) output.print(sampleEvent(name));
    else if (options.json) output.printJson({ samples });
    else
      output.print(
        table(
          ["name", "what"],
          samples.map((sample) => [sample.name, sample.about]),
          output.screen,
        ),
      );
    return Promise.resolve(undefined);
  },
});
