import { type Case, JSON_LOGS } from "./differential-cases.js";
import { does, HANDLER, module } from "./python-case.js";

/** What is logged and printed. */
export const PYTHON_LOGS: readonly Case[] = [
  ...["trace", "warn", "NOTSET"].map((level) =>
    does(
      `logs from ${level} on, as text`,
      [
        "logging.getLogger('x').error('e')",
        "for l in ('debug', 'info', 'warning', 'error', 'critical'): getattr(logging, l)(l)",
      ],
      { env: { AWS_LAMBDA_LOG_LEVEL: level } },
    ),
  ),
  does("logs levels of its own as JSON", ["for level in (5, 25, 35, 99): logging.log(level, '%d', level)"], {
    env: { ...JSON_LOGS, AWS_LAMBDA_LOG_LEVEL: "NOTSET" },
  }),
  does(
    "logs fields of many kinds as JSON",
    [
      "logging.error('é', extra={'when': __import__('datetime').date(2026, 11, 29), 'tags': {1}, 'tenantId': 't', 'level': 'mine', 'none': None})",
      "logging.error({'n': float('nan'), 's': {1}}, stack_info=True)",
      "logging.error('given', exc_info=ValueError('never raised'))",
    ],
    { env: JSON_LOGS },
  ),
  does("logs an exception that there is not, as JSON", ["logging.error('oh', exc_info=True)"], { env: JSON_LOGS }),
  does("logs a format that does not fit", ["logging.error('%d orders', 'many')"]),
  does("logs half a surrogate pair", ["logging.error('\\ud83d')"]),
  module("logs what a record factory adds, as JSON", ["import logging", HANDLER, "    logging.error('e')"], {
    files: {
      "sitecustomize.py": [
        "import logging",
        "first = logging.getLogRecordFactory()",
        "def record(*args, **kwargs):",
        "    made = first(*args, **kwargs)",
        "    made.taskName = 'Task-1'",
        "    return made",
        "logging.setLogRecordFactory(record)",
        "",
      ].join("\n"),
      "app.py": `import logging\n${HANDLER}\n    logging.error('e')\n`,
    },
    env: { ...JSON_LOGS, PYTHONPATH: "." },
  }),
  does("takes the root logger's handler away", ["logging.getLogger().handlers.clear()", "logging.warning('w')"]),
  does("logs by a handler of its own", [
    "logging.basicConfig(force=True, stream=sys.stdout, format='%(levelname)s %(message)s', level='INFO')",
    "logging.info('i')",
  ]),
  does(
    "logs by another format",
    [
      "logging.getLogger().handlers[0].setFormatter(logging.Formatter('%(aws_request_id)s %(message)s'))",
      "logging.warning('one')",
      "logging.warning('two')",
    ],
    { differs: ["logs"], because: "in Lambda itself each record is one of its own, here they would be one line" },
  ),
  does("captures warnings", ["import warnings", "logging.captureWarnings(True)", "warnings.warn('old')"]),
  does("warns", ["import warnings", "warnings.warn('old', DeprecationWarning); warnings.warn('odd')"]),
  does("prints without an end, and is gone", ["print('half a line', end='')", "os._exit(0)"]),
  does("prints before what another program prints", [
    "import subprocess",
    "print('mine ', end='')",
    "subprocess.run(['echo', 'theirs'])",
    "sys.stdout.writelines(['x', 'y'])",
    "subprocess.run(['echo', 'z'])",
    "sys.stdout.buffer.write(b'raw')",
    "print()",
  ]),
  does("prints elsewhere", [
    "import contextlib, io",
    "with contextlib.redirect_stdout(io.StringIO()) as kept:",
    "    print('kept'); logging.error('e')",
    "return kept.getvalue()",
  ]),
  does("logs by its context", ["context.log('one')", "context.log(2)", "print()"]),
];
