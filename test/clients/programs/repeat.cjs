/** A plugin of Serverless: `repeat`, one process that asks AWS who it is each second for REPEAT_SECONDS, as a long deployment asks for its state. */
module.exports = class Repeat {
  constructor(serverless) {
    this.commands = { repeat: { lifecycleEvents: ["run"] } };
    this.hooks = { "repeat:run": () => this.repeat(serverless) };
  }

  async repeat(serverless) {
    const provider = serverless.getProvider("aws");
    const end = Date.now() + Number(process.env.REPEAT_SECONDS) * 1000;
    while (Date.now() < end) {
      const { Arn } = await provider.request("STS", "getCallerIdentity", {});
      process.stdout.write(`${JSON.stringify({ Arn })}\n`);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
};
