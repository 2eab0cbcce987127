/** Before programs with the SDK v2 for JavaScript, which does not know AWS_ENDPOINT_URL. Credentials are left to it. */
const process = require("node:process");
const { config } = require("aws-sdk");

for (const service of ["cloudformation", "sts", "s3"]) config[service] = { endpoint: process.env.AWS_ENDPOINT_URL };
