"""Logs in by botocore's own client and token cache: prints the user code, ends when the user has decided."""

import time
from datetime import datetime, timedelta, timezone

import botocore.session
from botocore.tokens import SSOTokenProvider, _sso_json_dumps
from botocore.utils import JSONFileCache, SSOTokenLoader

session = botocore.session.get_session()
name = session.get_scoped_config()["sso_session"]
config = session.full_config["sso_sessions"][name]
start_url, region = config["sso_start_url"], config["sso_region"]
oidc = session.create_client("sso-oidc", region_name=region)

client = oidc.register_client(
    clientName=f"botocore-client-{name}",
    clientType="public",
    scopes=config["sso_registration_scopes"].split(","),
)
proof = {"clientId": client["clientId"], "clientSecret": client["clientSecret"]}
authorization = oidc.start_device_authorization(startUrl=start_url, **proof)
print(authorization["userCode"], flush=True)
interval = authorization["interval"]
while True:
    try:
        token = oidc.create_token(
            grantType="urn:ietf:params:oauth:grant-type:device_code",
            deviceCode=authorization["deviceCode"],
            **proof,
        )
        break
    except oidc.exceptions.SlowDownException:
        interval += 5
    except oidc.exceptions.AuthorizationPendingException:
        pass
    time.sleep(interval)

cache = JSONFileCache(SSOTokenProvider._SSO_TOKEN_CACHE_DIR, dumps_func=_sso_json_dumps)
SSOTokenLoader(cache=cache).save_token(
    start_url,
    {
        "startUrl": start_url,
        "region": region,
        "accessToken": token["accessToken"],
        "expiresAt": datetime.now(timezone.utc) + timedelta(seconds=token["expiresIn"]),
        "refreshToken": token["refreshToken"],
        "registrationExpiresAt": datetime.fromtimestamp(client["clientSecretExpiresAt"], timezone.utc),
        **proof,
    },
    session_name=name,
)
