//! What one writer at a time costs on PostgreSQL: the same small change through the store, and without the lock and the
//! look at the schema version, by 1, 4 and 16 writers at once, taking turns in one run.
//!
//! `cargo run --release -p pintle-store --example writes_per_second [postgres://…]`; without a URL it starts a server of
//! its own in the temporary folder, with `fsync` on. It leaves rows behind: give it a database made for it.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for the developer's eye")]

use std::time::{Duration, Instant};

use pintle_store::{AccountId, AccountRow, Store};
use pintle_testkit::postgres::Cluster;
use sqlx::postgres::{PgPool, PgPoolOptions};

const SPAN: Duration = Duration::from_secs(3);

#[tokio::main]
async fn main() {
    let cluster = Cluster::start(&["listen_addresses=", "fsync=on"]);
    let url = std::env::args().nth(1).unwrap_or_else(|| cluster.make_database());
    println!("{:>8} {:>16} {:>16}", "writers", "one at a time", "without a lock");
    for writers in [1, 4, 16] {
        // Each writer is an instance of its own: one connection that writes.
        let mut stores = Vec::new();
        for _ in 0..writers {
            stores.push(Store::open(&url.parse().unwrap()).await.unwrap());
        }
        let pool = PgPoolOptions::new().min_connections(writers).max_connections(writers).connect(&url).await.unwrap();
        let (mut locked, mut free) = (0.0, 0.0);
        // Turns, so that both see the same machine.
        for _ in 0..2 {
            locked += measure(stores.clone(), write_through_store).await / 2.0;
            free += measure(vec![pool.clone(); stores.len()], write_without_lock).await / 2.0;
        }
        println!("{writers:>8} {locked:>14.0}/s {free:>14.0}/s");
    }
}

/// Changes per second by all writers together.
async fn measure<W, F>(writers: Vec<W>, write: impl Fn(W) -> F + Copy + Send + 'static) -> f64
where
    W: Clone + Send + Sync + 'static,
    F: Future<Output = ()> + Send,
{
    let begun = Instant::now();
    let work = |writer: W| async move {
        let mut written = 0_u32;
        while begun.elapsed() < SPAN {
            write(writer.clone()).await;
            written += 1;
        }
        written
    };
    let written: u32 = futures_util::future::join_all(writers.into_iter().map(work)).await.into_iter().sum();
    f64::from(written) / begun.elapsed().as_secs_f64()
}

async fn write_through_store(store: Store) {
    let tx = store.write().await.unwrap();
    let row = AccountRow { id: AccountId::make(1), name: "ada".into(), created_at: 1.into() };
    tx.insert_account(row).await.unwrap();
    tx.commit().await.unwrap();
}

async fn write_without_lock(pool: PgPool) {
    let mut tx = pool.begin().await.unwrap();
    let insert = "INSERT INTO account (id, name, created_at) VALUES ($1, 'ada', 1)";
    sqlx::query(insert).bind(AccountId::make(1).as_str()).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}
