import { type Case, JSON_LOGS } from "./differential-cases.js";
import { does, py, returns } from "./python-case.js";

/** What every function does. */
export const PYTHON_BASICS: readonly Case[] = [
  returns("answers the event", "event"),
  returns("answers None", "None"),
  returns("answers text of many kinds", "'\\u00e9\\U0001f600\\u2028\\x00<'"),
  returns("answers floats", "[1.0, 1e300, 0.1]"),
  returns(
    "answers Decimals",
    '[Decimal("5"), Decimal("0.1234567890123456789012345678901234567"), Decimal("1.50"), Decimal("1E+3")]',
  ),
  returns("answers bytes", `b'"raw"'`),
  returns("answers bytes within", "{'a': b'x'}"),
  returns("answers tuples and odd keys", "{1: (1, 2), None: 3, True: 4, 1.5: 5}"),
  returns("answers a set", "{1}"),
  returns("answers an object", "object()"),
  returns("answers a ring", "(lambda r: (r.append(r), r)[1])([])"),
  returns(
    "has its context",
    "[context.function_name, context.memory_limit_in_mb, context.log_group_name, context.tenant_id, context.w3c(), context.client_context, context.identity.cognito_identity_id]",
  ),
  returns(
    "has client context and identity",
    "[context.client_context.custom, context.client_context.client.app_title, context.w3c(), context.identity.cognito_identity_id]",
    {
      clientContext: '{"custom":{"a":"b"},"client":{"app_title":"t"},"w3c":{"traceparent":"00-1","x":"y"}}',
      cognitoIdentity: '{"cognitoIdentityId":"x"}',
    },
  ),
  does("sets what identity has no place for", ["context.identity.other = 1"]),
  does("raises", ["raise KeyError('boo')"]),
  does("raises without a message", ["raise ValueError()"]),
  does("raises in a function", ["def inner():", "    raise ValueError('é boo')", "inner()"]),
  does("raises several lines", ["raise ValueError('one\\ntwo')"]),
  does("raises, with JSON logs", ["raise ValueError('boo')"], { env: JSON_LOGS }),
  does("exits", ["os._exit(7)"]),
  does("exits by sys.exit", ["sys.exit(3)"]),
  does("prints to stderr", ["print('err', file=sys.stderr)"]),
  does("logs", ["logging.warning('w %s', 1); logging.info('i'); logging.getLogger('x').error('e')"]),
  does("logs an exception", ["try:", "    1 / 0", "except ZeroDivisionError:", "    logging.exception('oh')"]),
  does("logs JSON", ["logging.warning('w %s', 1, extra={'order': 5}); logging.warning({'a': 1})"], { env: JSON_LOGS }),
  does("logs an exception as JSON", ["try:", "    1 / 0", "except ZeroDivisionError:", "    logging.exception('oh')"], {
    env: JSON_LOGS,
  }),
  ...["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "nonsense"].map((level) =>
    does(
      `logs from ${level} on`,
      ["for l in ('debug', 'info', 'warning', 'error', 'critical'): getattr(logging, l)(l)"],
      {
        env: { ...JSON_LOGS, AWS_LAMBDA_LOG_LEVEL: level },
      },
    ),
  ),
  py("imports what is not there", "import nope"),
  py("is no Python", "def handler(:"),
  py("has no such function", "x = 1"),
  py("raises at init", "1 / 0", { differs: ["payload", "logs"], because: "the trace leaves out Python's own import" }),
  py("names a built-in module", "x = 1", { handler: "sys.exit" }),
  { name: "is not there", files: {} },
  {
    name: "is in a package",
    files: { "a/b.py": "def handler(event, context):\n    return 1\n" },
    handler: "a/b.handler",
  },
  py("names no function", "x = 1", {
    handler: "app",
    differs: ["payload", "logs"],
    because: "ours says what form the name has",
  }),
];
