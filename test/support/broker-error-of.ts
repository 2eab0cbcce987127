import { BrokerError } from "../../src/core/errors.js";

/** The BrokerError that `action` fails with: `expect(await brokerErrorOf(…)).toMatchObject({ code })`. */
export async function brokerErrorOf(action: () => unknown): Promise<BrokerError> {
  try {
    await action();
  } catch (error) {
    if (error instanceof BrokerError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}
