import type { Case } from "./differential-cases.js";
import { HANDLER, module, returns } from "./python-case.js";

/** What is JSON for Lambda's client, and what is not. */
export const PYTHON_ANSWERS: readonly Case[] = [
  returns(
    "answers Decimals of every kind",
    '[Decimal("-Infinity"), Decimal("NaN"), Decimal("-0.00"), {"n": Decimal("1E-30")}]',
  ),
  returns("answers what is no number", "[float('nan'), float('inf'), -float('inf'), {float('nan'): 1}]"),
  returns("answers a Decimal as a name", "{Decimal('1'): 1}"),
  returns("answers names in bytes", "{b'a': 1, 'b': [{b'c': b'd'}]}"),
  returns("answers bytes that are no text", "{'a': b'\\xff'}"),
  returns("answers a set deep within", "{'a': [1, {'b': {1}}]}"),
  returns("answers a time", "__import__('datetime').datetime(2026, 11, 29)"),
  returns("answers a generator", "(n for n in range(3))"),
  returns("answers enumerations", "[__import__('enum').IntEnum('N', 'A B').B, __import__('http').HTTPStatus.OK]"),
  returns("answers a number too long to write", "10 ** 5000"),
  returns("answers a list nested deeply", "__import__('functools').reduce(lambda inner, _: [inner], range(200), 1)"),
  returns("answers half a surrogate pair", "'\\ud83d'"),
  returns("answers text as it is, in Python 3.11", "'é😀\\u2028'", {
    env: { AWS_EXECUTION_ENV: "AWS_Lambda_python3.11" },
  }),
  returns("answers half a surrogate pair, in Python 3.11", "'\\ud83d'", {
    env: { AWS_EXECUTION_ENV: "AWS_Lambda_python3.11" },
  }),
  module("answers what a dataclass is", [
    "from dataclasses import dataclass",
    "@dataclass",
    "class Order:",
    "    number: int = 5",
    HANDLER,
    "    return Order()",
  ]),
  module("answers rows of a database", [
    "from collections import namedtuple",
    "Row = namedtuple('Row', 'id tags')",
    HANDLER,
    "    return {'rows': [Row(1, ('a',)), Row(2, (Row(3, ()),))], 'plain': (1, 2)}",
  ]),
  module("is a coroutine", ["async def handler(event, context):", "    return 1"], {
    differs: ["logs"],
    because: "Python's warning names the client's line",
  }),
  module("runs an event loop", [
    "import asyncio, logging",
    "async def work(n):",
    "    await asyncio.sleep(0)",
    "    logging.warning('in a task')",
    "    return n",
    "async def both():",
    "    return await asyncio.gather(work(1), work(2))",
    HANDLER,
    "    return asyncio.run(both())",
  ]),
];
