//! One pinned request with reqwest.
//!
//! ```text
//! cargo run -- pintle.json https://api.example.com/
//! ```

use std::{env, error::Error, fs, process::ExitCode};

use pintle_sdk::{Pintle, rustls::Refusal};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [bundle, url] = arguments.as_slice() else {
        eprintln!("usage: app pintle.json URL");
        return ExitCode::from(2);
    };
    match get(bundle, url).await {
        Ok(answer) => {
            println!("{answer}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            match Refusal::find(error.as_ref()) {
                Some(refusal) => eprintln!("refused: {}", refusal.code),
                None => eprintln!("failed: {error}"),
            }
            ExitCode::FAILURE
        }
    }
}

async fn get(bundle: &str, url: &str) -> Result<String, Box<dyn Error>> {
    let mut builder = Pintle::builder(fs::read(bundle)?);
    if env::var_os("PINTLE_DANGEROUS_HTTP").is_some() {
        // For a CDN on this machine, in trials.
        builder = builder.dangerous_allow_http_loopback();
    }
    let pintle = builder.setup().await?;
    let response = pintle.client()?.get(url).send().await?;
    Ok(format!("{} {}", response.status().as_u16(), response.text().await?))
}
