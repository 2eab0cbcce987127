import { describe, expect, it } from "vitest";
import { keysInCsv } from "../../../src/cli/keys/key-input.js";
import { canarySecretKey } from "../../support/canaries.js";

const ID = "AKIAIOSFODNN7EXAMPLE";
const SECRET = canarySecretKey("Csv");

function read(text: string): unknown {
  return keysInCsv(text).map(({ accessKeyId, secretAccessKey }) => [accessKeyId, secretAccessKey.reveal()]);
}

describe("keys in a CSV file of the IAM console", () => {
  it.each([
    ["today's", `Access key ID,Secret access key\n${ID},${SECRET}\n`],
    ["with BOM and Windows line ends", `\uFEFFAccess key ID,Secret access key\r\n${ID},${SECRET}\r\n`],
    [
      "of a new user",
      `User name,Password,Access key ID,Secret access key,Console login link\nme,"a,""b",${ID},${SECRET},https://x\n`,
    ],
    ["with empty cells before", `User Name,Password,Access key ID,Secret access key\nme,,${ID},${SECRET}\n`],
    ["with quotes, spaces and other capitals", `"access key id" , "SECRET ACCESS KEY"\n "${ID}" , "${SECRET}"\n\n`],
    ["with other columns first", `Secret access key,Access key ID\n${SECRET},${ID}`],
  ])("are found: %s", (_, text) => {
    expect(read(text)).toEqual([[ID, SECRET]]);
  });

  it("are all found", () => {
    expect(read(`Access key ID,Secret access key\n${ID},a\nAKIA2,b\n`)).toEqual([
      [ID, "a"],
      ["AKIA2", "b"],
    ]);
  });

  it.each(["", "a,b\n1,2\n", "Access key ID\nAKIA\n", "Access key ID,Secret access key\n", `${ID},${SECRET}\n`])(
    "are none in %j",
    (text) => {
      expect(read(text)).toEqual([]);
    },
  );
});
