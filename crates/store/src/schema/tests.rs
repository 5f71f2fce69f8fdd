//! Migrations on databases with data in them, and under programs that are still running.

use sea_orm::{EntityTrait, TransactionTrait};

use super::*;
use crate::{AccountId, AccountRow, DatabaseUrl, Store, entity};

const NOW: u64 = 1_800_000_000;

/// Data as programs of an earlier schema version wrote it, one per version that was released.
const FIXTURES: &[(usize, &str)] = &[(3, include_str!("../../migrations/fixtures/schema_3.sql"))];

async fn on_both(test: impl AsyncFn(&DatabaseUrl)) {
    let folder = tempfile::tempdir().unwrap();
    test(&DatabaseUrl::sqlite(folder.path().join("pintle.db"))).await;
    test(&pintle_testkit::postgres::make_database().parse().unwrap()).await;
}

/// The current schema, and one migration more.
fn with_another(sql: &'static str, compatible_from: u64) -> Schema {
    let mut migrations = MIGRATIONS.to_vec();
    migrations.push(Migration { sql, compatible_from });
    Schema { migrations: migrations.leak() }
}

fn account(name: &str) -> AccountRow {
    AccountRow { id: AccountId::make(NOW), name: name.into(), created_at: NOW.into() }
}

async fn add_account(store: &Store, name: &str) -> Result<(), StoreError> {
    let tx = store.write().await?;
    tx.insert_account(account(name)).await?;
    tx.commit().await
}

async fn count_accounts(store: &Store) -> usize {
    let tx = store.read().await.unwrap();
    entity::account::Entity::find().all(tx.connection()).await.unwrap().len()
}

/// A database with the schema and the data of an earlier version, before the history had a second column.
async fn lay_out(url: &DatabaseUrl, version: usize, data: &str) {
    let pools = crate::open::connect(url).await.unwrap();
    let tx = pools.writer.begin().await.unwrap();
    let database = tx.get_database_backend();
    tx.execute_unprepared(HISTORY).await.unwrap();
    for (version, migration) in (1..).zip(MIGRATIONS.get(..version).unwrap()) {
        tx.execute_unprepared(&spell(migration.sql, database)).await.unwrap();
        let row = format!("INSERT INTO schema_migration (version) VALUES ({version})");
        tx.execute_unprepared(&row).await.unwrap();
    }
    tx.execute_unprepared(data).await.unwrap();
    tx.commit().await.unwrap();
}

macro_rules! count_rows {
    ($tx:expr, $($table:ident),* $(,)?) => {
        vec![$((stringify!($table), entity::$table::Entity::find().all($tx).await.unwrap().len())),*]
    };
}

#[tokio::test]
async fn data_of_every_released_version_is_there_after_migrating() {
    for (version, data) in FIXTURES {
        on_both(async |url| {
            lay_out(url, *version, data).await;
            let store = Store::open(url).await.unwrap();
            let tx = store.read().await.unwrap();
            let tx = tx.connection();
            #[rustfmt::skip]
            let rows = count_rows!(
                tx, account, api_token, organization, membership, project, draft, domain, pin, ct_log, prepared_release,
                release, release_file, published_object, succession_statement, job,
            );
            for (table, found) in rows {
                let quoted = if table == "release" { "\"release\"" } else { table };
                let written = data.matches(&format!("INSERT INTO {quoted} (")).count();
                assert_ne!(written, 0, "the fixture has no row of {table}");
                assert_eq!(found, written, "{table} of version {version} in {url}");
            }
            let organization = entity::organization::Entity::find().one(tx).await.unwrap().unwrap();
            assert_eq!(organization.name, "Äcme ☃", "{url}");
            let pin = entity::pin::Entity::find().one(tx).await.unwrap().unwrap();
            assert_eq!(pin.label.as_deref(), Some("today's"), "{url}");
        })
        .await;
    }
}

#[tokio::test]
async fn a_program_goes_on_under_a_newer_one_that_expands_the_schema() {
    on_both(async |url| {
        let old = Store::open(url).await.unwrap();
        add_account(&old, "before").await.unwrap();
        let newer = with_another("ALTER TABLE account ADD COLUMN nickname TEXT; CREATE TABLE extra (id TEXT)", 0);
        let writing = async {
            for number in 0..20 {
                add_account(&old, &number.to_string()).await.unwrap();
                assert!(count_accounts(&old).await > number, "reads go on");
            }
        };
        let migrating = async {
            tokio::task::yield_now().await;
            Store::open_with(url, newer).await.unwrap()
        };
        let ((), new) = tokio::join!(writing, migrating);
        old.check_ready().await.unwrap();
        add_account(&old, "after").await.unwrap();
        assert_eq!(count_accounts(&new).await, 22, "{url}");
        Store::open(url).await.expect("the old program may even be started again");
    })
    .await;
}

#[tokio::test]
async fn a_program_stops_writing_where_a_newer_one_is_not_compatible() {
    on_both(async |url| {
        let old = Store::open(url).await.unwrap();
        let version = MIGRATIONS.len() as u64 + 1;
        let begun = old.write().await.unwrap();
        begun.insert_account(account("begun before")).await.unwrap();
        let contract = with_another("ALTER TABLE account DROP COLUMN name", version);
        let migrating = Store::open_with(url, contract);
        let ending = async {
            tokio::task::yield_now().await;
            begun.commit().await.unwrap();
        };
        let (new, ()) = tokio::join!(migrating, ending);
        new.unwrap().check_ready().await.unwrap();
        let refusals =
            [old.check_ready().await.unwrap_err(), old.write().await.unwrap_err(), Store::open(url).await.unwrap_err()];
        for refusal in refusals {
            let StoreError::NewerSchema { found, known } = refusal else { panic!("{refusal} in {url}") };
            assert_eq!((found, known), (version, version - 1));
        }
    })
    .await;
}

#[tokio::test]
async fn instances_that_start_at_once_migrate_once() {
    let url = pintle_testkit::postgres::make_database().parse().unwrap();
    let starts = (0..6).map(|_| {
        let url: DatabaseUrl = DatabaseUrl::clone(&url);
        tokio::spawn(async move { Store::open(&url).await })
    });
    let starts: Vec<_> = starts.collect();
    for start in starts {
        start.await.unwrap().unwrap().check_ready().await.unwrap();
    }
}

#[tokio::test]
async fn a_migration_that_fails_leaves_the_schema_as_it_was() {
    on_both(async |url| {
        let store = Store::open(url).await.unwrap();
        add_account(&store, "ada").await.unwrap();
        let broken = with_another("ALTER TABLE account ADD COLUMN a TEXT; ALTER TABLE missing ADD COLUMN a TEXT", 0);
        assert!(matches!(Store::open_with(url, broken).await, Err(StoreError::Unavailable(_))));
        Store::open_with(url, with_another("ALTER TABLE account ADD COLUMN a TEXT", 0)).await.unwrap();
        assert_eq!(count_accounts(&store).await, 1);
    })
    .await;
}

#[tokio::test]
async fn postgres_compares_and_sorts_text_as_sqlite_does() {
    let url = pintle_testkit::postgres::make_database().parse().unwrap();
    let store = Store::open(&url).await.unwrap();
    let tx = store.read().await.unwrap();
    let columns = "SELECT table_name || '.' || column_name || ': ' || data_type || ' ' || coalesce(collation_name, '')
        FROM information_schema.columns WHERE table_schema = 'public'
        AND NOT (data_type IN ('bigint', 'bytea') OR data_type = 'text' AND collation_name = 'C')";
    let odd = tx.connection().query_all_raw(Statement::from_string(DbBackend::Postgres, columns)).await.unwrap();
    let odd: Vec<String> = odd.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    assert!(odd.is_empty(), "{odd:?}");
}
