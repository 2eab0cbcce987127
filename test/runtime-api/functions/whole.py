import os


def event(event, _context):
    return event


def variables(_event, _context):
    return dict(os.environ)
