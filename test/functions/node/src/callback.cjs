const { STS } = require("aws-sdk");

// This SDK knows no variable for endpoints.
const sts = new STS({ endpoint: process.env.AWS_ENDPOINT_URL });

exports.handler = (event, context, callback) => {
  sts.getCallerIdentity({}, (error, data) => callback(error, data && { arn: data.Arn, order: event.order }));
};
