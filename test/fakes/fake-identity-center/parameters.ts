import { invalidRequest } from "./sso-refusal.js";

/** Of a JSON body, a query or a form: nothing of it is certain. */
export type Parameters = Readonly<Record<string, unknown>>;

export function text(parameters: Parameters, name: string): string {
  const value = optionalText(parameters, name);
  if (value === undefined) throw invalidRequest(`Missing required parameter: ${name}`);
  return value;
}

export function optionalText(parameters: Parameters, name: string): string | undefined {
  const value = parameters[name];
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value !== "string") throw invalidRequest(`Invalid parameter: ${name}`);
  return value;
}

export function optionalTexts(parameters: Parameters, name: string): readonly string[] | undefined {
  const value = parameters[name];
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw invalidRequest(`Invalid parameter: ${name}`);
  const texts = value.filter((item): item is string => typeof item === "string");
  if (texts.length !== value.length) throw invalidRequest(`Invalid parameter: ${name}`);
  return texts;
}
