use pintle_sdk::Pintle;

pub(crate) async fn connect() -> Result<(), Box<dyn std::error::Error>> { // not shown
let pintle = Pintle::setup(include_bytes!("pintle.json")).await?;
let client = pintle.client()?; // reqwest, every connection checked
client.get("https://api.example.com/").send().await?;
Ok(()) // not shown
} // not shown
