import * as z from "zod";

export const scheduleSchema = z.strictObject({
  cron: z
    .string()
    .max(256, "must be at most 256 characters")
    .describe("When: minute, hour, day, month and weekday as for cron(8), in the machine's time zone"),
  do: z
    .string()
    .max(256, "must be at most 256 characters")
    .describe(
      "lock; keys-rotate SOURCE; or login-notice SOURCE, which tells you where its login is needed or ends before the next time",
    ),
});
