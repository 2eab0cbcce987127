import type { Case } from "./differential-cases.js";
import { does, HANDLER, module, returns } from "./python-case.js";

/** Where the code is, what it is told, and what it leaves behind. */
export const PYTHON_ENVIRONMENT: readonly Case[] = [
  does(
    "prints its context",
    [
      "text = repr(context).replace(context.aws_request_id, '')",
      "print(text, context.client_context)",
      "return sorted(vars(context))",
    ],
    {
      clientContext: '{"custom":{"a":"\\u00e9"},"client":{"app_title":"t"},"env":{"x":1}}',
      cognitoIdentity: '{"cognitoIdentityId":"x","cognitoIdentityPoolId":"y"}',
    },
  ),
  returns(
    "has time left",
    "[type(context.get_remaining_time_in_millis()).__name__, 0 < context.get_remaining_time_in_millis() <= 30000]",
  ),
  returns("has a client context that is no JSON", "1", { clientContext: "{" }),
  returns(
    "has a trace id",
    "__import__('re').fullmatch('Root=1-[0-9a-f-]+;Parent=[0-9a-f]+;Sampled=0', os.environ['_X_AMZN_TRACE_ID']) is not None",
  ),
  returns("knows where it is", "[__file__, __name__, os.getcwd(), os.sys.path[0], handler.__module__]"),
  {
    name: "is deep in a package",
    files: {
      "src/__init__.py": "",
      "src/api/__init__.py": "",
      "src/api/get.py":
        "from ..shared import value\ndef handler(event, context):\n    return [value, __name__, __package__]\n",
      "src/shared.py": "value = 5\n",
    },
    handler: "src.api.get.handler",
  },
  module("is beside what it imports as if in a package", ["from .other import value", HANDLER, "    return value"]),
  module(
    "is a method of a class",
    ["class Api:", "    @staticmethod", "    def get(event, context):", "        return 1"],
    {
      handler: "app.Api.get",
    },
  ),
  {
    name: "has a name that Python would not take",
    files: { "my-orders.v1/app-1.py": `${HANDLER}\n    return __name__\n` },
    handler: "my-orders.v1/app-1.handler",
  },
  {
    name: "has an indentation that does not fit, in a module of its own",
    files: { "app.py": `import orders\n${HANDLER}\n    return 1\n`, "orders.py": "def one():\n  x = 1\n    y = 2\n" },
  },
  module("has an encoding that there is not", ["# -*- coding: nope -*-", HANDLER, "    return 1"]),
  module("imports a name that is not there", ["from os import nothing_like_it", HANDLER, "    return 1"]),
  {
    name: "has modules by the names of the standard library's",
    files: {
      "app.py": `import email, statistics, uuid\n${HANDLER}\n    return [email.mine, statistics.mine, uuid.mine]\n`,
      "email.py": "mine = 1\n",
      "statistics.py": "mine = 2\n",
      "uuid.py": "mine = 3\n",
    },
  },
  {
    name: "is called as a module of the standard library",
    files: { "calendar.py": `${HANDLER}\n    return __file__\n` },
    handler: "calendar.handler",
  },
  module("starts processes of its own", [
    "import multiprocessing, os",
    "def work(ends):",
    "    ends.send(os.environ['AWS_LAMBDA_FUNCTION_NAME'])",
    HANDLER,
    "    seen = []",
    "    for kind in ('fork', 'spawn'):",
    "        ours, theirs = multiprocessing.Pipe()",
    "        one = multiprocessing.get_context(kind).Process(target=work, args=(theirs,))",
    "        one.start(); seen.append(ours.recv()); one.join()",
    "    return seen",
  ]),
  module("has a thread that fails", [
    "import threading",
    "def work():",
    "    raise ValueError('in a thread')",
    HANDLER,
    "    one = threading.Thread(target=work, name='worker')",
    "    one.start(); one.join()",
  ]),
  module("says goodbye", [
    "import atexit, sys, threading",
    "atexit.register(print, 'bye')",
    "go_on = threading.Event()",
    "threading.Thread(target=lambda: (go_on.wait(), print('still here'))).start()",
    HANDLER,
    "    go_on.set()",
    "    sys.exit(2)",
  ]),
  module(
    "is kept for one event after the other",
    [
      "import logging, os, socket, threading",
      "count, running = [], threading.Event()",
      HANDLER,
      "    count.append(context.aws_request_id)",
      "    logging.warning('event %d', len(count))",
      "    if len(count) == 1:",
      "        os.environ['SET_BEFORE'] = 'yes'",
      "        os.environ.pop('AWS_LAMBDA_RUNTIME_API')",
      "        socket.setdefaulttimeout(0)",
      "        socket.socket = None",
      "        threading.Thread(target=running.wait, daemon=True).start()",
      "    if event == 'fail':",
      "        raise ValueError('once')",
      "    return [event, len(count), len(set(count)), os.environ.get('SET_BEFORE'), threading.active_count()]",
    ],
    { events: ["first", "fail", "last"], env: { AWS_EXECUTION_ENV: "AWS_Lambda_python3.11" } },
  ),
];
