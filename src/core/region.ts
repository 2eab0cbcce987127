/** What the name of an AWS region looks like, within a larger pattern: eu-west-1, us-gov-east-1, us-iso-east-1, eusc-de-east-1. */
export const REGION_SOURCE = String.raw`[a-z]{2,6}(?:-[a-z]{2,12}){1,3}-\d{1,2}`;

/** The whole of a region's name: it becomes part of a host name, so nothing else may pass. */
export const REGION_PATTERN = new RegExp(`^${REGION_SOURCE}$`);
