from who import who


def handler(event, context):
    return who(order=event["order"], name=context.function_name)
