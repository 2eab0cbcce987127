import type { Case } from "./differential-cases.js";
import { does, HANDLER, module } from "./python-case.js";

/** What fails, and how it ends. */
export const PYTHON_ERRORS: readonly Case[] = [
  does("raises from another error", [
    "try:",
    "    {}['a']",
    "except KeyError as error:",
    "    raise ValueError('outer') from error",
  ]),
  does("raises several at once", ["raise ExceptionGroup('several', [ValueError('a'), TypeError('b')])"]),
  does("raises with notes", ["error = ValueError('boo')", "error.add_note('a note')", "raise error"]),
  module("raises what cannot be told", [
    "class Mute(Exception):",
    "    def __str__(self):",
    "        raise RuntimeError('no words')",
    HANDLER,
    "    raise Mute()",
  ]),
  does("raises half a surrogate pair", ["raise ValueError('\\ud83d')"]),
  does("raises what it has imported", ["import importlib", "importlib.import_module('broken')"], {
    files: {
      "app.py": `import importlib\n${HANDLER}\n    importlib.import_module('importlib_of_mine')\n`,
      "importlib_of_mine.py": "def inner():\n    raise RuntimeError('boo')\ninner()\n",
    },
  }),
  module("raises deep down", [
    "def down(n):",
    "    if n == 0:",
    "        raise ValueError('bottom')",
    "    down(n - 1)",
    HANDLER,
    "    down(40)",
  ]),
  module("recurses without end", ["def down():", "    down()", HANDLER, "    down()"], {
    differs: ["payload", "logs"],
    because: "Python counts the client's calls, too",
  }),
  module("takes one argument", ["def handler(event):", "    return 1"]),
  module("is nothing that can be called", ["handler = None"]),
  module("is an object that can be called", [
    "class Api:",
    "    def __call__(self, event, context):",
    "        return type(self).__name__",
    "handler = Api()",
  ]),
  does("is interrupted", ["raise KeyboardInterrupt()"]),
  does("is cancelled", ["import asyncio", "raise asyncio.CancelledError('late')"]),
  does("exits with a text", ["sys.exit('no more')"]),
  does("exits without a code", ["raise SystemExit"]),
  does("ends by a signal", ["os.kill(os.getpid(), 9)"]),
  module("exits at init", ["import sys", "sys.exit(3)"]),
  module("ends at init", ["import os", "os._exit(4)"]),
  module("is interrupted at init", ["raise KeyboardInterrupt()"]),
  module("is bound by a time of its own", [
    "import signal, time",
    "def late(*_):",
    "    raise TimeoutError('too slow')",
    HANDLER,
    "    signal.signal(signal.SIGALRM, late)",
    "    signal.setitimer(signal.ITIMER_REAL, 0.05)",
    "    time.sleep(30)",
  ]),
];
