"""Does what `event.do` says: the same in every language that the runtime clients are tested in."""

import os
import sys
import time

if os.environ.get("FAIL_INIT"):
    raise RuntimeError("cannot start")


def handler(event, context):
    return globals()["do_" + event["do"]](event, context)


def do_echo(event, context):
    print("this is a log line")
    return {
        "event": event,
        "requestId": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "functionName": context.function_name,
        "remainingMs": context.get_remaining_time_in_millis(),
        "traceId": os.environ["_X_AMZN_TRACE_ID"],
    }


def do_throw(event, context):
    raise ValueError(event["message"])


def do_hang(event, context):
    time.sleep(3600)


def do_exit(event, context):
    sys.exit(7)


def do_print(event, context):
    for _ in range(1100):
        print("\n".join(["y" * 99] * 100))
    return "printed"


def do_large(event, context):
    return "x" * event["bytes"]


def do_length(event, context):
    return len(event["text"])
