//! Which database a test runs on: the same tests run on SQLite and, told by the environment, on PostgreSQL.

use std::{env, fs, path::Path};

use crate::postgres;

/// The variable that says `sqlite`, which is the default, or `postgres`.
pub const VARIABLE: &str = "PINTLE_TEST_DATABASE";

/// The URL of the database that belongs to `folder`: the same one however often it is asked for.
///
/// # Panics
/// When the variable says something else, and as [`postgres::make_database_for`].
pub fn database_in(folder: &Path) -> String {
    match env::var(VARIABLE).as_deref() {
        Err(_) | Ok("sqlite") => format!("sqlite://{}", folder.join("pintle.db").display()),
        Ok("postgres") => {
            let note = folder.join("database.url");
            fs::read_to_string(&note).unwrap_or_else(|_| {
                let url = postgres::make_database_for(folder);
                fs::write(&note, &url).expect("a folder that can be written");
                url
            })
        }
        Ok(other) => panic!("{VARIABLE} is sqlite or postgres, not {other}"),
    }
}
