const awsLambdaFastify = require("@fastify/aws-lambda");
const fastify = require("fastify");
const { who } = require("./who.cjs");

const app = fastify();
app.post("/orders/:id", async (request, reply) => {
  reply.code(201);
  return who({ order: request.body.order, id: request.params.id });
});

exports.handler = awsLambdaFastify(app);
