"""A client of S3 that reads the bucket of the matrix: CLIENT [SECONDS]. With SECONDS: again each second in this one process."""

import os
import sys
import time

ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
BUCKET = "matrix-bucket"


def with_obstore():
    import obstore
    from obstore.store import S3Store

    store = S3Store(BUCKET, endpoint=ENDPOINT, client_options={"allow_http": True})
    return lambda: bytes(obstore.get(store, "greeting.txt").bytes())


def with_polars():
    import polars

    options = {"aws_endpoint_url": ENDPOINT, "aws_allow_http": "true"}
    return lambda: polars.scan_csv(f"s3://{BUCKET}/greeting.txt", storage_options=options).collect().shape


def with_deltalake():
    from deltalake import DeltaTable

    options = {"AWS_ENDPOINT_URL": ENDPOINT, "AWS_ALLOW_HTTP": "true"}
    return lambda: DeltaTable.is_deltatable(f"s3://{BUCKET}/table", storage_options=options)


def with_minio():
    from urllib.parse import urlsplit

    from minio import Minio
    from minio.credentials import AWSConfigProvider, ChainedProvider, EnvAWSProvider, IamAwsProvider

    client = Minio(
        endpoint=urlsplit(ENDPOINT).netloc,
        secure=False,
        region=os.environ.get("AWS_REGION"),
        credentials=ChainedProvider([EnvAWSProvider(), AWSConfigProvider(), IamAwsProvider()]),
    )
    return lambda: [found.object_name for found in client.list_objects(BUCKET)]


CLIENTS = {"obstore": with_obstore, "polars": with_polars, "deltalake": with_deltalake, "minio": with_minio}
ask = CLIENTS[sys.argv[1]]()
ends_at = time.time() + float(sys.argv[2] if len(sys.argv) > 2 else 0)
while True:
    print(ask(), flush=True)
    if time.time() >= ends_at:
        break
    time.sleep(1)
