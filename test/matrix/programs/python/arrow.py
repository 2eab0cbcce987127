"""pyarrow, which has the SDK for C++: `identity` lists a bucket once by the default chain, `loop SECONDS` once a second."""

import os
from urllib.parse import urlsplit

from modes import run
from pyarrow.fs import FileSelector, S3FileSystem

endpoint = urlsplit(os.environ["AWS_ENDPOINT_URL_S3"])


def connect():
    return S3FileSystem(
        scheme=endpoint.scheme,
        endpoint_override=endpoint.netloc,
        region=os.environ["AWS_REGION"],
        request_timeout=20,
    )


def call(s3):
    s3.get_file_info(FileSelector(os.environ["MATRIX_BUCKET"]))


run(connect, call)
