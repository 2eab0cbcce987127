//! The SDK for Rust: `identity` calls STS once by the default chain, `loop SECONDS` once a second with one client.
use aws_config::BehaviorVersion;
use aws_sdk_sts::{Client, error::DisplayErrorContext};
use aws_smithy_http_client::Builder;
use std::env;
use std::process::exit;
use std::time::{Duration, Instant};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let http = Builder::new().build_http();
    let config = aws_config::defaults(BehaviorVersion::latest()).http_client(http).load().await;
    let client = Client::new(&config);
    let arguments: Vec<String> = env::args().collect();
    if arguments[1] == "identity" {
        if let Err(error) = client.get_caller_identity().send().await {
            eprintln!("{}", DisplayErrorContext(&error));
            exit(1);
        }
        return;
    }
    let end = Instant::now() + Duration::from_secs_f64(arguments[2].parse().expect("seconds"));
    while Instant::now() < end {
        match client.get_caller_identity().send().await {
            Ok(_) => println!("ok"),
            Err(error) => println!("error: {}", DisplayErrorContext(&error)),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
