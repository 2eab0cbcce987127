const api = require("lambda-api")();
const { who } = require("./who.cjs");

api.post("/orders/:id", async (request, response) => {
  response.status(201).json(await who({ order: request.body.order, id: request.params.id }));
});

exports.handler = async (event, context) => api.run(event, context);
