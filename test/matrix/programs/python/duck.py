"""DuckDB with its extension for AWS: `identity` reads an object once with PROVIDER credential_chain, `loop SECONDS` once a second."""

import os
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
import duckdb_ext
from modes import run

BUCKET, OBJECT = os.environ["MATRIX_BUCKET"], os.environ["MATRIX_OBJECT"]
endpoint = urlsplit(os.environ["AWS_ENDPOINT_URL_S3"])


def connect():
    connection = duckdb.connect()
    for name in ("httpfs", "aws"):
        (extension,) = Path(duckdb_ext.__path__[0]).rglob(f"{name}.duckdb_extension")
        connection.execute(f"LOAD '{extension}'")
    connection.execute(
        f"""CREATE SECRET (TYPE s3, PROVIDER credential_chain, REFRESH auto, ENDPOINT '{endpoint.netloc}', USE_SSL false,
        URL_STYLE 'path', REGION '{os.environ["AWS_REGION"]}')"""
    )
    return connection


def call(connection):
    connection.execute(f"SELECT content FROM read_text('s3://{BUCKET}/{OBJECT}')").fetchall()


run(connect, call)
