import { BrokerError } from "../../../core/errors.js";
import { nearestName } from "../../../core/nearest-name.js";
import { HTTP_SAMPLES } from "./http-samples.js";
import { LIFECYCLE_SAMPLES } from "./lifecycle-samples.js";
import { RECORD_SAMPLES } from "./record-samples.js";
import type { Samples } from "./sample-values.js";

/** What AWS hands to functions, one of each kind, by name; the shapes are those of AWS's documentation, the values ours. */
export const SAMPLE_EVENTS: Samples = { ...HTTP_SAMPLES, ...RECORD_SAMPLES, ...LIFECYCLE_SAMPLES };

/** Indented JSON; `UsageInvalid` where there is no sample of this name. */
export function sampleEvent(name: string): string {
  const found = Object.hasOwn(SAMPLE_EVENTS, name) ? SAMPLE_EVENTS[name] : undefined;
  if (found) return JSON.stringify(found.event, null, 2);
  const near = nearestName(name, Object.keys(SAMPLE_EVENTS));
  throw new BrokerError("UsageInvalid", `there is no sample event ${name}`, {
    hint: near === undefined ? "brokerctl lambda event    # lists them" : `brokerctl lambda event ${near}`,
  });
}
