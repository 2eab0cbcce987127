//! Does what event.do says: the same in every language that the runtime clients are tested in.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lambda_runtime::{run, service_fn, Error, LambdaEvent};
use serde_json::{json, Value};

async fn handle(invocation: LambdaEvent<Value>) -> Result<Value, Error> {
    let event = &invocation.payload;
    match event["do"].as_str().unwrap_or_default() {
        "echo" => {
            println!("this is a log line");
            Ok(echo(&invocation))
        }
        "throw" => Err(event["message"].as_str().unwrap_or_default().into()),
        "panic" => panic!("{}", event["message"].as_str().unwrap_or_default()),
        "hang" => {
            std::thread::sleep(Duration::from_secs(3600));
            Ok(Value::Null)
        }
        "exit" => std::process::exit(7),
        "print" => {
            let line = "y".repeat(99);
            for _ in 0..110_000 {
                println!("{line}");
            }
            Ok(json!("printed"))
        }
        "large" => Ok(json!("x".repeat(event["bytes"].as_u64().unwrap_or_default() as usize))),
        "length" => Ok(json!(event["text"].as_str().unwrap_or_default().len())),
        _ => Ok(Value::Null),
    }
}

fn echo(LambdaEvent { payload, context, .. }: &LambdaEvent<Value>) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64;
    json!({
        "event": payload,
        "requestId": context.request_id,
        "arn": context.invoked_function_arn,
        "functionName": context.env_config.function_name,
        "remainingMs": context.deadline as i64 - now,
        "traceId": context.xray_trace_id,
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    if std::env::var_os("FAIL_INIT").is_some() {
        return Err("cannot start".into());
    }
    run(service_fn(handle)).await
}
