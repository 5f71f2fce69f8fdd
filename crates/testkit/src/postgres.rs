//! A real PostgreSQL: one server per test process, started when the first test asks, and a database for each test, which
//! goes soon after its test.
//!
//! It is the one from Debian, listens on a socket in a temporary folder alone, and ends with the process, however that
//! ends: a small shell script holds the server, and notices when its standard input closes.

use std::{
    io::{BufRead, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

const SCRIPT: &str = include_str!("postgres/cluster.sh");
const MISSING: &str = "there is no PostgreSQL here: run `cargo xtask setup`";

/// A database of ours takes 11 MB: so many may lie about after their tests.
const LEFT_BEHIND: usize = 16;

/// An empty database of its own for the caller, as `postgres://…`, on the server that all tests of this process share.
///
/// # Panics
/// When there is no PostgreSQL on this machine; `cargo xtask setup` installs it.
pub fn make_database() -> String {
    shared().make_database()
}

/// The same for a test that has this folder: once the folder is gone, the database may go.
///
/// # Panics
/// As [`make_database`].
pub fn make_database_for(folder: &Path) -> String {
    let cluster = shared();
    cluster.drop_left_behind();
    let name = cluster.create_database();
    cluster.lent.lock().expect("none who holds it panics").push((folder.to_owned(), name.clone()));
    cluster.url(&name)
}

fn shared() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(|| Cluster::start(&["max_connections=500", "listen_addresses=", "max_wal_size=128MB"]))
}

/// A PostgreSQL server of its own, for tests that stop it or need it set up in a special way.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    programs: PathBuf,
    port: u16,
    databases: AtomicU32,
    lent: Mutex<Vec<(PathBuf, String)>>,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    script: Child,
}

impl Cluster {
    /// Starts a server with `name=value` settings. Relative names of files in them start at [`folder`](Self::folder).
    ///
    /// # Panics
    /// As [`make_database`].
    pub fn start(settings: &[&str]) -> Self {
        // The socket has a folder of its own: every server can have the same number.
        Self::start_on(5432, settings)
    }

    /// The same, on this port of the loopback addresses unless `listen_addresses` is among the settings.
    ///
    /// # Panics
    /// As [`make_database`].
    pub fn start_on(port: u16, settings: &[&str]) -> Self {
        let programs = find_programs().expect(MISSING);
        let mut script = Command::new("sh")
            .args(["-c", SCRIPT, "cluster"])
            .env("PGPORT", port.to_string())
            .arg(&programs)
            .args(settings)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let commands = script.stdin.take();
        let mut answers = BufReader::new(script.stdout.take().expect("was piped"));
        let folder = read_line(&mut answers).into();
        Self { folder, programs, port, databases: AtomicU32::new(0), lent: Mutex::default(), commands, answers, script }
    }

    /// Makes an empty database and gives its URL.
    pub fn make_database(&self) -> String {
        self.url(&self.create_database())
    }

    fn create_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.execute("postgres", &format!("CREATE DATABASE {name}"));
        name
    }

    fn drop_left_behind(&self) {
        let left: Vec<_> = {
            let mut lent = self.lent.lock().expect("none who holds it panics");
            if lent.iter().filter(|(folder, _)| !folder.exists()).count() < LEFT_BEHIND {
                return;
            }
            lent.extract_if(.., |(folder, _)| !folder.exists()).collect()
        };
        let drops: Vec<_> = left.iter().map(|(_, name)| format!("DROP DATABASE {name} WITH (FORCE)")).collect();
        self.execute_each("postgres", &drops);
    }

    /// The URL of a database, over the socket.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://pintle@localhost:{}/{database}?host={}", self.port, self.folder.display())
    }

    /// Runs SQL with `psql`.
    pub fn execute(&self, database: &str, sql: &str) {
        self.execute_each(database, &[sql.to_owned()]);
    }

    /// Each in a transaction of its own.
    fn execute_each(&self, database: &str, statements: &[String]) {
        let mut psql = self.command("psql");
        psql.args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1"]).arg(database);
        for statement in statements {
            psql.args(["--command", statement]);
        }
        let status = psql.status().expect("psql");
        assert!(status.success(), "psql: {status}: {statements:?}");
    }

    /// One of the server's own programs, with the options that lead it to the server.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.arg("--host").arg(&self.folder).args(["--port", &self.port.to_string(), "--username", "pintle"]);
        command
    }

    /// Where `pg_dump` and its like are.
    pub fn programs(&self) -> &Path {
        &self.programs
    }

    /// Where the server's socket and log lie; its data is in `data` below.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Stops the server as an administrator would: connections are cut, transactions in flight are lost.
    pub fn stop(&mut self) {
        self.obey("stop");
    }

    /// Starts it again, with the same settings and data.
    pub fn restart(&mut self) {
        self.obey("start");
    }

    fn obey(&mut self, command: &str) {
        let commands = self.commands.as_mut().expect("open until it is dropped");
        writeln!(commands, "{command}").expect("the script listens");
        assert_eq!(read_line(&mut self.answers), "done");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.commands.take());
        // What it could not remove is said on its standard error.
        let _ = self.script.wait();
    }
}

fn read_line(from: &mut impl BufRead) -> String {
    let mut line = String::new();
    from.read_line(&mut line).expect("the script answers");
    assert!(line.ends_with('\n'), "PostgreSQL did not start; its log is above");
    line.trim_end().to_owned()
}

/// The newest of Debian's, else the one that `pg_config` knows.
fn find_programs() -> Option<PathBuf> {
    let version = |bin: &PathBuf| bin.parent()?.file_name()?.to_str()?.parse::<u32>().ok();
    let of_debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = of_debian.map(|entry| entry.path().join("bin")).filter(|bin| bin.join("initdb").exists());
    newest.max_by_key(version).or_else(|| {
        let found = Command::new("pg_config").arg("--bindir").output().ok()?;
        let bin = PathBuf::from(String::from_utf8(found.stdout).ok()?.trim());
        bin.join("initdb").exists().then_some(bin)
    })
}
