/** `get-by.mjs socket PATH`, or `get-by.mjs URL [TOKEN]`: one GET of credentials; prints its status and role, or code, or why there was none. */
import { request } from "node:http";
import process from "node:process";

const [first, second] = process.argv.slice(2);
const token = second === undefined ? {} : { authorization: second };
const where =
  first === "socket"
    ? { socketPath: second, path: "/creds", headers: { host: "localhost" } }
    : { ...urlParts(new URL(first)), headers: token };
const asked = request({ ...where, agent: false }, (answer) => {
  let text = "";
  answer.setEncoding("utf8").on("data", (chunk) => (text += chunk));
  answer.on("end", () => {
    const body = JSON.parse(text);
    tell(`${answer.statusCode} ${body.RoleArn?.replace(/^.*\//, "") ?? body.code}`);
  });
});
asked.on("error", ({ code }) => tell(code));
asked.end();

function urlParts({ hostname, port, pathname }) {
  return { hostname, port, path: pathname };
}

function tell(what) {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}
