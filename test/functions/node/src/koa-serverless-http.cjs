const Koa = require("koa");
const serverless = require("serverless-http");
const { who } = require("./who.cjs");

const app = new Koa();
app.use(async (ctx) => {
  ctx.status = 201;
  ctx.body = await who({ id: ctx.path.split("/").pop(), method: ctx.method });
});

exports.handler = serverless(app);
