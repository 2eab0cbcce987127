import sentry_sdk
from sentry_sdk.integrations.aws_lambda import AwsLambdaIntegration
from who import who

sent = []


def keep(event, hint):
    # Nothing leaves this machine: what would be sent is kept.
    sent.append(event.get("message") or event["exception"]["values"][-1]["type"])


sentry_sdk.init(dsn="https://key@sentry.invalid/1", integrations=[AwsLambdaIntegration()], before_send=keep)


def handler(event, context):
    sentry_sdk.capture_message("an order came")
    return who(order=event["order"], sent=sent)
