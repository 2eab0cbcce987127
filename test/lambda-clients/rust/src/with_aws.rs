//! Calls AWS as event.do says: the same in every language that the lease is tested in.

use std::time::{Duration, Instant};

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_s3::{error::DisplayErrorContext, primitives::ByteStream};
use aws_sdk_sts::Client;
use aws_smithy_http_client::Builder;
use lambda_runtime::{run, service_fn, Error, LambdaEvent};
use serde_json::{json, Value};

const PAUSE: Duration = Duration::from_millis(250);

async fn handle(config: &SdkConfig, invocation: LambdaEvent<Value>) -> Result<Value, Error> {
    let event = invocation.payload;
    match event["do"].as_str().unwrap_or_default() {
        "identity" => Ok(json!({ "arn": identity(&Client::new(config)).await? })),
        "s3" => s3(config, &event).await,
        "watch" => watch(config, Duration::from_secs(event["seconds"].as_u64().unwrap_or_default())).await,
        other => Err(format!("do what? {other}").into()),
    }
}

async fn identity(sts: &Client) -> Result<String, Error> {
    let answer = sts.get_caller_identity().send().await.map_err(explained)?;
    Ok(answer.arn().unwrap_or_default().to_owned())
}

async fn s3(config: &SdkConfig, event: &Value) -> Result<Value, Error> {
    let [bucket, key, text] = ["bucket", "key", "text"].map(|name| event[name].as_str().unwrap_or_default());
    let s3 = aws_sdk_s3::Client::new(config);
    s3.put_object()
        .bucket(bucket)
        .key(key)
        .body(ByteStream::from(text.as_bytes().to_vec()))
        .send()
        .await
        .map_err(explained)?;
    let object = s3.get_object().bucket(bucket).key(key).send().await.map_err(explained)?;
    let read = String::from_utf8(object.body.collect().await?.to_vec())?;
    let listed = s3.list_objects_v2().bucket(bucket).prefix(key).send().await.map_err(explained)?;
    let keys: Vec<&str> = listed.contents().iter().filter_map(|each| each.key()).collect();
    Ok(json!({ "text": read, "keys": keys }))
}

/// Alone, the SDK's errors say "service error".
fn explained(error: impl std::error::Error) -> String {
    DisplayErrorContext(error).to_string()
}

/// Asks who it is again and again with one client, whose credentials come and end meanwhile.
async fn watch(config: &SdkConfig, how_long: Duration) -> Result<Value, Error> {
    let sts = Client::new(config);
    let ends_at = Instant::now() + how_long;
    let mut arns: Vec<String> = Vec::new();
    while Instant::now() < ends_at {
        let arn = identity(&sts).await?;
        if !arns.contains(&arn) {
            arns.push(arn);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(json!({ "arns": arns }))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    // No credentials are given: the SDK's own default chain looks for them.
    let http = Builder::new().build_http();
    let config = &aws_config::defaults(BehaviorVersion::latest()).http_client(http).load().await;
    run(service_fn(move |event| handle(config, event))).await
}
