import type { FileValue, FileVariables } from "../diff/compare-variables.js";
import type { Around } from "./function-in-template.js";
import { isMap, type Template } from "./read-template.js";
import { ServerlessVariables, UnresolvedVariable } from "./serverless-variables.js";
import type { TemplateFunction } from "./template-functions.js";

/** The environment variables that a template gives a function, with those that it gives all of them. */
export function templateVariables(template: Template, one: TemplateFunction, around: Around): FileVariables {
  return template.kind === "serverless" ? ofServerless(template, one, around) : ofCloudFormation(template, one);
}

/** As far as the text says; what only Serverless or AWS can tell is not compared. */
function ofServerless({ root, file }: Template, { path }: TemplateFunction, around: Around): FileVariables {
  const { stage, region, env } = around;
  const valueAt = (at: readonly string[]): Reading => {
    try {
      // Anew for each: the limit of one is not that of all.
      return { value: new ServerlessVariables({ root, file, env, options: { stage, region } }).valueAt(at) };
    } catch (error) {
      if (error instanceof UnresolvedVariable) return { unread: error.why };
      throw error;
    }
  };
  const variablesAt = (at: readonly string[]): FileVariables => {
    const { value, unread } = valueAt(at);
    return variablesIn(value, { unread, valueOf: (name) => valueAt([...at, name]) });
  };
  return joined(variablesAt(["provider", "environment"]), variablesAt([...path, "environment"]));
}

/** A value, or why it is not known. */
interface Reading {
  readonly value?: unknown;
  readonly unread?: string;
}

function ofCloudFormation({ root }: Template, { path: [, id = ""] }: TemplateFunction): FileVariables {
  const resource = childOf(root["Resources"], id);
  const isSam = childOf(resource, "Type") === "AWS::Serverless::Function";
  // SAM merges name by name.
  const globals = isSam ? childOf(childOf(root, "Globals"), "Function") : undefined;
  return joined(ofProperties(globals), ofProperties(childOf(resource, "Properties")));
}

function ofProperties(properties: unknown): FileVariables {
  const environment = childOf(properties, "Environment");
  const variables = childOf(environment, "Variables");
  const unread = [properties, environment].map(callIn).find((call) => call !== undefined);
  return variablesIn(variables, {
    unread: unread === undefined ? undefined : byStack(unread),
    valueOf: (name) => ({ value: childOf(variables, name) }),
  });
}

interface MapReading {
  readonly unread: string | undefined;
  readonly valueOf: (name: string) => Reading;
}

function variablesIn(map: unknown, { unread: around, valueOf }: MapReading): FileVariables {
  const call = callIn(map);
  const unread = around ?? (call === undefined ? odd(map) : byStack(call));
  const names = isMap(map) ? Object.keys(map).filter((name) => !isCall(name)) : [];
  const values = new Map(names.map((name) => [name, valueIn(valueOf(name))]));
  return { values, ...(unread !== undefined && { unread }) };
}

/** Without a value the map is not there; a list or a text in its place is something that we do not know. */
function odd(map: unknown): string | undefined {
  return map === undefined || map === null || isMap(map) ? undefined : "its variables are no map in FILE";
}

/** `{Ref: AWS::NoValue}`: no variable, also where all functions have one of the name. */
const LEFT_OUT: FileValue = { is: () => false };

function valueIn({ value, unread }: Reading): FileValue {
  if (unread !== undefined) return unknown(unread);
  if (typeof value === "string") return ofText(value);
  // Which of its forms a number was written in is not kept.
  if (typeof value === "number") return { is: (text) => text.trim() !== "" && Number(text) === value };
  if (typeof value === "boolean") return { is: (text) => text.toLowerCase() === String(value) };
  const call = callIn(value);
  if (call === undefined) return unknown("it is no text in FILE");
  if (call === "Ref" && childOf(value, "Ref") === "AWS::NoValue") return LEFT_OUT;
  return call === "Fn::If" ? { ...unknown(byStack(call)), isOptional: true } : unknown(byStack(call));
}

/** What YAML 1.1 takes for a boolean, as SAM and CloudFormation read it, and YAML 1.2 for a text. */
const BOOLEANS: readonly (readonly [RegExp, string])[] = [
  [/^(?:yes|on|true)$/i, "true"],
  [/^(?:no|off|false)$/i, "false"],
];

function ofText(value: string): FileValue {
  if (value.includes("{{resolve:")) return unknown("a dynamic reference, which CloudFormation resolves");
  const booleans = BOOLEANS.flatMap(([pattern, text]) => (pattern.test(value) ? [text] : []));
  return { is: (deployed) => deployed === value || booleans.includes(deployed) };
}

function unknown(why: string): FileValue {
  return { is: () => false, unsure: why };
}

function byStack(call: string): string {
  return `${call} is resolved when it is deployed`;
}

/** The function of CloudFormation that stands in a value's place, or among its fields. */
function callIn(value: unknown): string | undefined {
  return isMap(value) ? Object.keys(value).find(isCall) : undefined;
}

function isCall(name: string): boolean {
  return name === "Ref" || name.startsWith("Fn::");
}

/** Those of one function stand over those of all, of which nothing is sure where the former are not all read. */
function joined(ofAll: FileVariables, own: FileVariables): FileVariables {
  const unsure = (value: FileValue): FileValue =>
    own.unread === undefined || value === LEFT_OUT ? value : { ...value, unsure: value.unsure ?? own.unread };
  const values = [...[...ofAll.values].map(([name, value]) => [name, unsure(value)] as const), ...own.values];
  const unread = own.unread ?? ofAll.unread;
  const kept = [...new Map(values)].filter(([, value]) => value !== LEFT_OUT);
  return { values: new Map(kept), ...(unread !== undefined && { unread }) };
}

function childOf(map: unknown, key: string): unknown {
  return isMap(map) && Object.hasOwn(map, key) ? map[key] : undefined;
}
