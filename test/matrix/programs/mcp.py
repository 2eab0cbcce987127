"""An agent that has an MCP server of AWS's list the roles of IAM. With SECONDS: again each second of that one server."""

import json
import subprocess
import sys
import time

SERVER = [sys.executable, "-m", "awslabs.iam_mcp_server.server"]
server = subprocess.Popen(SERVER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
last_id = 0


def call(method, params):
    global last_id
    last_id += 1
    say({"id": last_id, "method": method, "params": params})
    for line in server.stdout:
        answer = json.loads(line)
        if answer.get("id") == last_id:
            return answer
    sys.exit("the server has ended")


def say(message):
    server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    server.stdin.flush()


call(
    "initialize",
    {"protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": {"name": "matrix", "version": "1"}},
)
say({"method": "notifications/initialized"})
ends_at = time.time() + float(sys.argv[1] if len(sys.argv) > 1 else 0)
while True:
    print(json.dumps(call("tools/call", {"name": "list_roles", "arguments": {}})), flush=True)
    if time.time() >= ends_at:
        break
    time.sleep(1)
server.terminate()
