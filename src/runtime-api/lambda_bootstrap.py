"""The runtime interface client of Python functions, where awslambdaric is not installed.

`python3 lambda_bootstrap.py MODULE.FUNCTION`, in the directory of the function's code, with AWS_LAMBDA_RUNTIME_API set.
Standard library only, Python 3.8 or newer. Handler rules, context object, log format and error documents are those of
Lambda's own client; SnapStart hooks and multi-concurrency are not served.
"""

import importlib
import itertools
import json
import logging
import math
import os
import re
import socket
import sys
import time
import traceback
from decimal import Decimal

ROOT = "/2018-06-01/runtime"


class Fault(Exception):
    """An error of the runtime and not of the function: reported as Runtime.NAME."""

    def __init__(self, name, message, stack=()):
        super().__init__(message)
        self.name = "Runtime." + name
        self.stack = list(stack)


class RuntimeConnection:
    """
    The client's side of the Runtime API. A new connection for each request: a handler may think for minutes. Written out,
    since http.client loads modules whose names a function's own may have (email, calendar, queue).
    """

    # As it was before the function's code could put another in its place.
    Socket = socket.socket

    def __init__(self, address):
        host, _, port = address.rpartition(":")
        self.address = (host, int(port))

    def next(self):
        return self._exchange("GET", "/invocation/next", 200)

    def respond(self, request_id, body, content_type):
        # 413: the API has said so to the caller of invoke; the next event is served all the same.
        self._exchange("POST", "/invocation/%s/response" % request_id, (202, 413), body, content_type)

    def fail(self, request_id, document):
        self._exchange("POST", "/invocation/%s/error" % request_id, 202, to_json(document).encode())

    def fail_init(self, document):
        self._exchange("POST", "/init/error", 202, to_json(document).encode())

    def _exchange(self, method, path, expected, body=b"", content_type="application/json"):
        with self.Socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
            # The function may have set another limit for all sockets.
            connection.settimeout(None)
            connection.connect(self.address)
            # 1.0: the answer ends with the connection, and is in one piece.
            head = "%s %s%s HTTP/1.0\r\nHost: %s:%d\r\n" % ((method, ROOT, path) + self.address)
            if method == "POST":
                head += "Content-Type: %s\r\nContent-Length: %d\r\n" % (content_type, len(body))
            connection.sendall(head.encode() + b"\r\n" + body)
            with connection.makefile("rb") as stream:
                status, headers, content = read_answer(stream)
        if status not in (expected if isinstance(expected, tuple) else (expected,)):
            raise RuntimeError("the Runtime API answered %d to %s %s" % (status, method, path))
        return headers, content


def read_answer(stream):
    """Its status, its headers by their names in small letters, its body; RuntimeError where it is not whole."""
    first = stream.readline().split(None, 2)
    headers = {}
    for line in iter(stream.readline, b"\r\n"):
        if line == b"":
            raise RuntimeError("the Runtime API ended in the middle of an answer")
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    content = stream.read()
    if len(content) != int(headers.get("content-length", len(content))):
        raise RuntimeError("the Runtime API ended in the middle of an answer")
    return int(first[1]), headers, content


class Named(object):
    """An object with the fields of a JSON object, None where it has none; it takes no others."""

    __slots__ = ()

    def __init__(self, values):
        for field in self.__slots__:
            setattr(self, field, values.get(field))

    def __repr__(self):
        return described(self, self.__slots__)


class Client(Named):
    __slots__ = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")


class ClientContext(Named):
    __slots__ = ("custom", "env", "client")


class CognitoIdentity(Named):
    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")


def described(one, fields):
    named = ",".join("%s=%s" % (field, getattr(one, field)) for field in fields)
    return "%s([%s])" % (type(one).__name__, named)


W3C_FIELDS = ("traceparent", "tracestate", "baggage")


class LambdaContext:
    """https://docs.aws.amazon.com/lambda/latest/dg/python-context.html"""

    DESCRIBED = (
        "aws_request_id",
        "log_group_name",
        "log_stream_name",
        "function_name",
        "memory_limit_in_mb",
        "function_version",
        "invoked_function_arn",
        "client_context",
        "identity",
        "tenant_id",
    )

    def __init__(self, headers):
        self.aws_request_id = headers.get("lambda-runtime-aws-request-id")
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        sent = parsed(headers.get("lambda-runtime-client-context"), "Client Context")
        self._w3c_fields = w3c_fields(sent)
        self.client_context = client_context(sent)
        self.identity = identity(parsed(headers.get("lambda-runtime-cognito-identity"), "Cognito Identity"))
        self._epoch_deadline_time_in_ms = int(headers.get("lambda-runtime-deadline-ms") or 0)

    def get_remaining_time_in_millis(self):
        return max(self._epoch_deadline_time_in_ms - int(time.time() * 1000), 0)

    def __repr__(self):
        return described(self, self.DESCRIBED)

    def w3c(self):
        return dict(self._w3c_fields)

    def log(self, message):
        sys.stdout.write(str(message))


def w3c_fields(sent):
    """Taken out of the client context: it has its own way to the handler."""
    fields = sent.pop("w3c", None) if isinstance(sent, dict) else None
    if not isinstance(fields, dict):
        return {}
    return {name: fields[name] for name in W3C_FIELDS if isinstance(fields.get(name), str)}


def client_context(values):
    if values is None:
        return None
    context = ClientContext(values)
    context.client = None if context.client is None else Client(context.client)
    return context


def identity(values):
    named = CognitoIdentity({})
    named.cognito_identity_id = (values or {}).get("cognitoIdentityId")
    named.cognito_identity_pool_id = (values or {}).get("cognitoIdentityPoolId")
    return named


def parsed(text, name):
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError as error:
        raise Fault("LambdaContextUnmarshalError", "Unable to parse %s JSON: %s" % (name, error))


class RequestIdFilter(logging.Filter):
    """Gives each log record the id of the running invocation, and its tenant."""

    request_id = ""
    tenant_id = None

    def filter(self, record):
        record.aws_request_id = self.request_id
        record.tenant_id = self.tenant_id
        return True


class StdoutHandler(logging.Handler):
    """Looks sys.stdout up for each record, since a handler may replace it."""

    def emit(self, record):
        sys.stdout.write(self.format(record) + "\n")


JSON_TIME = "%Y-%m-%dT%H:%M:%SZ"
# As Lambda lists them; the others are `extra` fields of the function's own, and what newer Pythons add (taskName).
STANDARD_FIELDS = set(
    "name msg args levelname levelno pathname filename module exc_info exc_text stack_info lineno funcName created msecs "
    "relativeCreated thread threadName processName process aws_request_id tenant_id".split()
)


class JsonFormatter(logging.Formatter):
    """A record as Lambda's JSON log format has it: https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html"""

    def __init__(self):
        super().__init__(datefmt=JSON_TIME)

    def format(self, record):
        level = min(50, max(0, record.levelno)) // 10 * 10
        plain = isinstance(record.msg, dict) and not record.args
        # Where it is asked for and there is none, `kind` is None, and that is an error: there, too.
        kind, error, trace = record.exc_info or (None, None, None)
        fields = {
            "timestamp": self.formatTime(record, self.datefmt),
            "level": logging.getLevelName(level),
            "message": record.msg if plain else record.getMessage(),
            "logger": record.name,
            "stackTrace": traceback.format_tb(trace) if record.exc_info else None,
            "errorType": kind.__name__ if record.exc_info else None,
            "errorMessage": str(error) if record.exc_info else None,
            "requestId": record.aws_request_id,
            "location": "%s:%s:%s" % (record.pathname, record.funcName, record.lineno) if record.exc_info else None,
        }
        if record.tenant_id is not None:
            fields["tenantId"] = record.tenant_id
        for name, value in vars(record).items():
            if name not in STANDARD_FIELDS:
                fields.setdefault(name, value)
        written = {name: value for name, value in fields.items() if value is not None}
        return json.dumps(written, ensure_ascii=False, default=str)


def logs_json():
    return os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"


def set_up_logging(request_ids):
    logging.Formatter.converter = time.gmtime
    handler = StdoutHandler()
    line = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
    handler.setFormatter(JsonFormatter() if logs_json() else logging.Formatter(line, "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(request_ids)
    logger = logging.getLogger()
    logger.addHandler(handler)
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "")
    level = "DEBUG" if level == "TRACE" else level.upper()
    # A number for the names that logging knows, else a text.
    if isinstance(logging.getLevelName(level), int):
        logger.setLevel(level)


def load_handler(name):
    module_name, dot, function_name = name.rpartition(".")
    if not dot:
        raise Fault("MalformedHandlerName", "Bad handler '%s': it has the form MODULE.FUNCTION" % name)
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise Fault("BuiltInModuleConflict", "Cannot use built-in module %s as a handler module" % module_name)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise Fault("ImportModuleError", "Unable to import module '%s': %s" % (module_name, error))
    except SyntaxError as error:
        place = '  File "%s" Line %s\n    %s' % (error.filename, error.lineno, error.text)
        raise Fault("UserCodeSyntaxError", "Syntax error in module '%s': %s" % (module_name, error), [place])
    try:
        return getattr(module, function_name)
    except AttributeError:
        raise Fault("HandlerNotFound", "Handler '%s' missing on module '%s'" % (function_name, module_name))


def error_document(error, request_id=""):
    if isinstance(error, Fault):
        name, stack = error.name, error.stack
    else:
        frames = traceback.extract_tb(error.__traceback__)
        # The client's own, which come first; at init with those of Python's import.
        own = itertools.takewhile(lambda frame: frame.filename == __file__ or "importlib" in frame.filename, frames)
        # Without columns: as there, no line of carets.
        lines = [(frame.filename, frame.lineno, frame.name, frame.line) for frame in frames[len(list(own)) :]]
        name, stack = type(error).__name__, traceback.format_list(lines)
    return {"errorMessage": str(error), "errorType": name, "requestId": request_id, "stackTrace": stack}


# Lambda's words, once for all errors of the init phase.
INIT_WARNING = (
    "LAMBDA_WARNING: Unhandled exception. The most likely cause is an issue in the function code. However, in rare cases, "
    "a Lambda runtime update can cause unexpected function behavior. For functions using managed runtimes, runtime updates "
    "can be triggered by a function change, or can be applied automatically. To determine if the runtime has been updated, "
    "check the runtime version in the INIT_START log entry. If this error correlates with a change in the runtime version, "
    "you may be able to mitigate this error by temporarily rolling back to the previous runtime version. For more "
    "information, see https://docs.aws.amazon.com/lambda/latest/dg/runtimes-update.html\r"
)
NO_BREAK_SPACE = "\u00a0"


def log_error(document):
    if logs_json():
        head = {"timestamp": time.strftime(JSON_TIME, time.gmtime()), "level": "ERROR"}
        sys.stdout.write(to_json(dict(head, **document)) + "\n")
        return
    message = document["errorMessage"]
    lines = ["[ERROR] " + document["errorType"] + (": " + message if message else "")]
    lines.append("Traceback (most recent call last):")
    for element in document["stackTrace"]:
        lines += [indented(line) for line in element.splitlines()] or [""]
    # One record: CloudWatch shows a lone carriage return as a line's end.
    sys.stdout.write("\r".join(lines) + "\n")


def indented(line):
    """With spaces that CloudWatch does not take away."""
    bare = line.lstrip(" ")
    return NO_BREAK_SPACE * (len(line) - len(bare)) + bare


def sends_raw_utf8():
    """From 3.12 on Lambda sends characters as they are; it goes by the function's runtime, and so does this."""
    deployed = re.match(r"AWS_Lambda_python3\.(\d+)$", os.environ.get("AWS_EXECUTION_ENV", ""))
    return deployed is not None and int(deployed.group(1)) >= 12


DECIMAL_MARK = "decimal:%s:" % os.urandom(16).hex()
DECIMALS = re.compile('"%s([^"]*)"' % re.escape(DECIMAL_MARK))


def to_json(value):
    plain = value if is_plain(value) else made_plain(value)
    text = json.dumps(plain, default=json_of, ensure_ascii=not sends_raw_utf8())
    return DECIMALS.sub(r"\1", text)


SCALARS = (str, int, float, type(None))


def is_plain(value):
    """Whether this module writes it as Lambda's encoder does, but for what `json_of` gives it."""
    seen, left = set(), [value]
    while left:
        one = left.pop()
        if isinstance(one, SCALARS) or id(one) in seen:
            continue
        seen.add(id(one))
        if callable(getattr(one, "_asdict", None)):
            return False
        if isinstance(one, dict):
            for name in one:
                if isinstance(name, bytes):
                    return False
                if not isinstance(name, SCALARS):
                    kind = type(name).__name__
                    raise TypeError("keys must be str, int, float, bool or None, not %s" % kind)
            left.extend(one.values())
        elif isinstance(one, (list, tuple)):
            left.extend(one)
    return True


def made_plain(value):
    """A named tuple, such as a row of a database, as an object; a name in bytes as text."""
    if isinstance(value, SCALARS):
        return value
    if callable(getattr(value, "_asdict", None)):
        value = value._asdict()
    if isinstance(value, dict):
        return {name.decode() if isinstance(name, bytes) else name: made_plain(each) for name, each in value.items()}
    return [made_plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def json_of(value):
    """What this module cannot write and Lambda's client can: the numbers of DynamoDB, digit by digit, and bytes as text."""
    if isinstance(value, Decimal):
        return math.nan if value.is_nan() else DECIMAL_MARK + str(value)
    if isinstance(value, bytes):
        return value.decode()
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


def marshalled(result):
    try:
        return to_json(result)
    except Exception as error:
        raise Fault("MarshalError", "Unable to marshal response: %s" % error)


def from_json(body):
    try:
        return json.loads(body)
    except ValueError as error:
        raise Fault("UnmarshalError", "Unable to unmarshal input: %s" % error)


def answer(connection, handler, headers, body):
    request_id = headers.get("lambda-runtime-aws-request-id")
    document = None
    try:
        result = handler(from_json(body), LambdaContext(headers))
        # Bytes go out as they are.
        raw = isinstance(result, bytes)
        content = result if raw else marshalled(result)
    except Exception as error:
        document = error_document(error, request_id)
    # What fails from here on ends the process, as there: half a surrogate pair, which is no UTF-8.
    if document is not None:
        log_error(document)
        connection.fail(request_id, document)
    elif raw:
        connection.respond(request_id, content, "application/unknown")
    else:
        connection.respond(request_id, content.encode(), "application/json")


class Unbuffered:
    """What is written shows at once: a process that is ended right after loses none of it, and the order is kept with its children's."""

    def __init__(self, stream):
        self.stream = stream

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def write(self, text):
        self.stream.write(text)
        self.stream.flush()

    def writelines(self, lines):
        self.stream.writelines(lines)
        self.stream.flush()


def main(name):
    connection = RuntimeConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    sys.stdout, sys.stderr = Unbuffered(sys.stdout), Unbuffered(sys.stderr)
    request_ids = RequestIdFilter()
    set_up_logging(request_ids)
    # The function's own directory comes first, as it does in Lambda, and this file's is none of its business.
    sys.path[0] = os.getcwd()
    try:
        handler = load_handler(name)
    except Exception as error:
        document = error_document(error)
        logging.warning(INIT_WARNING)
        log_error(document)
        connection.fail_init(document)
        sys.exit(1)
    while True:
        headers, body = connection.next()
        request_ids.request_id = headers.get("lambda-runtime-aws-request-id")
        request_ids.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        os.environ["_X_AMZN_TRACE_ID"] = headers.get("lambda-runtime-trace-id") or ""
        answer(connection, handler, headers, body)


if __name__ == "__main__":
    # A wrapper (AWS_LAMBDA_EXEC_WRAPPER) says another one by the variable.
    main(os.environ.get("_HANDLER") or sys.argv[1])
