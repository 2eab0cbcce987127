export interface Sample {
  readonly about: string;
  readonly event: unknown;
}

export type Samples = Readonly<Record<string, Sample>>;

/** What the samples have in common: there is no such account, and nothing in it. */
export const ACCOUNT = "111111111111";
export const REGION = "eu-west-1";
export const REQUEST_ID = "6f2a7c10-4b5d-4e1f-9a38-0c1d2e3f4a5b";
/** One moment, in the forms in which AWS writes times. */
export const AT = {
  iso: "2026-01-15T09:30:00.000Z",
  isoSeconds: "2026-01-15T09:30:00Z",
  log: "15/Jan/2026:09:30:00 +0000",
  ms: 1_768_469_400_000,
} as const;

export function arn(service: string, resource: string): string {
  return `arn:aws:${service}:${REGION}:${ACCOUNT}:${resource}`;
}

export function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
