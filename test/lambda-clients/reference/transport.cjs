"use strict";
// `aws-lambda-ric` speaks to the Runtime API through an addon of C++, which needs a compiler, cmake and autoconf to install. Loaded
// with `node --require`, this file takes the addon's place: the same three functions, two of which block as there. All else of the
// client is AWS's own.
const { spawnSync } = require("node:child_process");
const http = require("node:http");
const Module = require("node:module");
const process = require("node:process");

const root = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`;
const resolveFilename = Module._resolveFilename;
Module._resolveFilename = function (request, ...others) {
  return request === "./rapid-client.node" ? module.filename : resolveFilename.call(this, request, ...others);
};

// What the module leaves uncaught is being posted when the client asks for its first event: which of the two is through first
// would decide. Here it is the one that was first.
let posting;
const request = http.request;
http.request = function (options, ...others) {
  const sent = request.call(this, options, ...others);
  if (String(options.path).endsWith("/init/error")) posting = new Promise((closed) => sent.once("close", closed));
  return sent;
};

async function next() {
  await posting;
  return new Promise((resolve, reject) => {
    const asked = http.get(`${root}/next`, (response) => {
      let bodyJson = "";
      response.setEncoding("utf8").on("data", (chunk) => (bodyJson += chunk));
      response.on("end", () => resolve({ bodyJson, headers: response.headers }));
    });
    asked.on("error", reject);
  });
}

function post(path, body) {
  const args = ["-sS", "-o", "/dev/null", "-X", "POST", "-H", "Content-Type: application/json", "--data-binary", "@-"];
  const { status, stderr } = spawnSync("curl", [...args, `${root}/${path}`], { input: body });
  if (status !== 0) throw new Error(`the Runtime API did not take ${path}: ${stderr}`);
}

module.exports = {
  next,
  done: (id, body) => post(`${id}/response`, body),
  error: (id, body) => post(`${id}/error`, body),
};
