import { whoAmI } from "./who.mjs";

export const handler = async () => ({ who: await whoAmI(), table: process.env.TABLE });
