"""The runtime interface client of Python functions, where awslambdaric is not installed.

`python3 lambda_bootstrap.py MODULE.FUNCTION`, in the directory of the function's code, with AWS_LAMBDA_RUNTIME_API set.
Standard library only, Python 3.8 or newer. Handler rules, context object, log format and error documents are those of
Lambda's own client; SnapStart hooks, JSON log format and multi-concurrency are not served.
"""

import http.client
import importlib
import json
import logging
import os
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
    """The client's side of the Runtime API. A new connection for each request: a handler may think for minutes."""

    def __init__(self, address):
        self.address = address

    def next(self):
        return self._exchange("GET", "/invocation/next", 200)

    def respond(self, request_id, body, content_type):
        # 413: the API has said so to the caller of invoke; the next event is served all the same.
        self._exchange("POST", "/invocation/%s/response" % request_id, (202, 413), body, content_type)

    def fail(self, request_id, document):
        self._exchange("POST", "/invocation/%s/error" % request_id, 202, json.dumps(document).encode())

    def fail_init(self, document):
        self._exchange("POST", "/init/error", 202, json.dumps(document).encode())

    def _exchange(self, method, path, expected, body=None, content_type="application/json"):
        connection = http.client.HTTPConnection(self.address)
        try:
            headers = {} if body is None else {"Content-Type": content_type}
            connection.request(method, ROOT + path, body, headers)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        if response.status not in (expected if isinstance(expected, tuple) else (expected,)):
            raise RuntimeError("the Runtime API answered %d to %s %s" % (response.status, method, path))
        return response.headers, content


class Named:
    """An object with the fields of a JSON object, None where it has none."""

    def __init__(self, fields, values):
        for field in fields:
            setattr(self, field, (values or {}).get(field))


CLIENT_FIELDS = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")


class LambdaContext:
    """https://docs.aws.amazon.com/lambda/latest/dg/python-context.html"""

    def __init__(self, headers):
        self.aws_request_id = headers.get("Lambda-Runtime-Aws-Request-Id")
        self.invoked_function_arn = headers.get("Lambda-Runtime-Invoked-Function-Arn")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.tenant_id = None
        self.client_context = client_context(parsed(headers.get("Lambda-Runtime-Client-Context"), "Client Context"))
        self.identity = identity(parsed(headers.get("Lambda-Runtime-Cognito-Identity"), "Cognito Identity"))
        self._deadline_ms = int(headers.get("Lambda-Runtime-Deadline-Ms") or 0)

    def get_remaining_time_in_millis(self):
        return max(self._deadline_ms - int(time.time() * 1000), 0)

    def log(self, message):
        sys.stdout.write(str(message))


def client_context(values):
    if values is None:
        return None
    context = Named(("custom", "env", "client"), values)
    context.client = Named(CLIENT_FIELDS, context.client)
    return context


def identity(values):
    named = Named((), {})
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
    """Gives each log record the id of the running invocation."""

    request_id = ""

    def filter(self, record):
        record.aws_request_id = self.request_id
        return True


class StdoutHandler(logging.Handler):
    """Looks sys.stdout up for each record, since a handler may replace it."""

    def emit(self, record):
        sys.stdout.write(self.format(record) + "\n")


def set_up_logging(request_ids):
    logging.Formatter.converter = time.gmtime
    handler = StdoutHandler()
    line = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
    handler.setFormatter(logging.Formatter(line, "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(request_ids)
    logging.getLogger().addHandler(handler)


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
        foreign = [frame for frame in frames if frame.filename != __file__ and "importlib" not in frame.filename]
        name, stack = type(error).__name__, traceback.format_list(foreign)
    return {"errorMessage": str(error), "errorType": name, "requestId": request_id, "stackTrace": stack}


def log_error(document):
    lines = ["[ERROR] %s: %s" % (document["errorType"], document["errorMessage"])]
    if document["stackTrace"]:
        lines.append("Traceback (most recent call last):")
    sys.stdout.write("\n".join(lines + [line.rstrip("\n") for line in document["stackTrace"]]) + "\n")


def to_json(value):
    try:
        return json.dumps(value, default=from_decimal).encode()
    except Exception as error:
        raise Fault("MarshalError", "Unable to marshal response: %s" % error)


def from_decimal(value):
    """DynamoDB's numbers. Lambda's client writes them digit by digit; a float is as near as this module comes."""
    if not isinstance(value, Decimal):
        raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)
    return int(value) if value == value.to_integral_value() else float(value)


def from_json(body):
    try:
        return json.loads(body)
    except ValueError as error:
        raise Fault("UnmarshalError", "Unable to unmarshal input: %s" % error)


def answer(connection, handler, headers, body):
    request_id = headers.get("Lambda-Runtime-Aws-Request-Id")
    try:
        result = handler(from_json(body), LambdaContext(headers))
        # Bytes go out as they are.
        raw = isinstance(result, bytes)
        content = result if raw else to_json(result)
        sys.stdout.flush()
    except Exception as error:
        document = error_document(error, request_id)
        log_error(document)
        connection.fail(request_id, document)
    else:
        connection.respond(request_id, content, "application/unknown" if raw else "application/json")


def main(name):
    connection = RuntimeConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    # A line shows when it is complete, also when the process is ended right after.
    sys.stdout.reconfigure(line_buffering=True)
    request_ids = RequestIdFilter()
    set_up_logging(request_ids)
    # The function's own directory comes first, as it does in Lambda, and this file's is none of its business.
    sys.path[0] = os.getcwd()
    try:
        handler = load_handler(name)
    except Exception as error:
        document = error_document(error)
        log_error(document)
        connection.fail_init(document)
        sys.exit(1)
    while True:
        headers, body = connection.next()
        request_ids.request_id = headers.get("Lambda-Runtime-Aws-Request-Id")
        os.environ["_X_AMZN_TRACE_ID"] = headers.get("Lambda-Runtime-Trace-Id") or ""
        answer(connection, handler, headers, body)


if __name__ == "__main__":
    main(sys.argv[1])
