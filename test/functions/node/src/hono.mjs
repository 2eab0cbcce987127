import { Hono } from "hono";
import { handle } from "hono/aws-lambda";
import { who } from "./who.cjs";

const app = new Hono();
app.post("/orders/:id", async (c) => {
  const { order } = await c.req.json();
  return c.json(await who({ order, id: c.req.param("id") }), 201);
});

export const handler = handle(app);
