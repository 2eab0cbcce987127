const { who } = require("./who.cjs");

exports.handler = async (event, context) => who({ order: event.order, name: context.functionName });
