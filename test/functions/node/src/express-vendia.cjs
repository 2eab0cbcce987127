const serverlessExpress = require("@vendia/serverless-express");
const express = require("express");
const { who } = require("./who.cjs");

const app = express();
app.use(express.json());
app.post("/orders/:id", async (request, response) => {
  response.status(201).json(await who({ order: request.body.order, id: request.params.id }));
});

exports.handler = serverlessExpress({ app });
