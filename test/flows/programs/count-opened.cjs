// `node count-opened.cjs PROGRAM …`: runs it until it listens or ends, and prints on descriptor 3 which files of its installation
// it had opened until then, one a line, and `node:NAME` for each of Node's own modules that it had loaded.
const fs = require("node:fs");
const net = require("node:net");
const { dirname } = require("node:path");

process.argv.splice(1, 1);
const [, program] = process.argv;
const root = `${dirname(program)}/`;
const opened = [];

function tell() {
  const loaded = process.moduleLoadList.filter((name) => /^NativeModule (?!internal)/.test(name));
  const own = loaded.map((name) => name.replace("NativeModule ", "node:"));
  fs.writeSync(3, `${[...opened, ...own].join("\n")}\n`);
}

const { openSync } = fs;
fs.openSync = (path, ...rest) => {
  if (String(path).startsWith(root)) opened.push(String(path).slice(root.length));
  return openSync(path, ...rest);
};
net.Server.prototype.listen = () => {
  tell();
  process.kill(process.pid, "SIGKILL");
};
process.on("exit", tell);
require(program);
