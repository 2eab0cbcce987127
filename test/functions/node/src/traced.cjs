const { trace } = require("@opentelemetry/api");
const { who } = require("./who.cjs");

exports.handler = async (event) => {
  const span = trace.getActiveSpan();
  return who({ order: event.order, span: span?.name, isRecording: span?.isRecording() });
};
