"""awscrt: `identity` calls STS once by the CRT's default chain, `loop SECONDS` once a second with one provider."""

import http.client
import os
from urllib.parse import urlsplit

from awscrt.auth import AwsCredentialsProvider, AwsSignatureType, AwsSigningAlgorithm, AwsSigningConfig, aws_sign_request
from awscrt.http import HttpHeaders, HttpRequest
from awscrt.io import InputStream
from io import BytesIO
from modes import run

BODY = b"Action=GetCallerIdentity&Version=2011-06-15"
endpoint = urlsplit(os.environ["AWS_ENDPOINT_URL_STS"])
provider = AwsCredentialsProvider.new_default_chain()


def call(provider):
    headers = HttpHeaders(
        [
            ("Host", endpoint.netloc),
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Content-Length", str(len(BODY))),
        ]
    )
    request = HttpRequest("POST", "/", headers, InputStream(BytesIO(BODY)))
    config = AwsSigningConfig(
        algorithm=AwsSigningAlgorithm.V4,
        signature_type=AwsSignatureType.HTTP_REQUEST_HEADERS,
        credentials_provider=provider,
        region=os.environ["AWS_REGION"],
        service="sts",
    )
    signed = aws_sign_request(request, config).result(60)
    connection = http.client.HTTPConnection(endpoint.netloc, timeout=60)
    try:
        connection.request(signed.method, signed.path, BODY, dict(signed.headers))
        answer = connection.getresponse()
        text = answer.read().decode()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} {text}")
    finally:
        connection.close()


run(lambda: provider, call)
