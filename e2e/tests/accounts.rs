//! From an address to a session and back to a lost password: the real binary, and a mail server that speaks STARTTLS and asks
//! for a sign-in.
#![cfg(test)]

#[path = "accounts/sso.rs"]
mod sso;

use std::{
    fs,
    io::{BufRead, BufReader, Lines},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
};

use base64ct::{Base64, Encoding};
use pintle_testkit::certificate::Authority;
use serde_json::Value;

const ADA: &str = "Ada@example.com";
const PASSWORD: &str = "elf twigs hum so";
const NEW_PASSWORD: &str = "snow owls rarely type";

/// A process that ends with this value.
struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next line that holds `mark`.
    fn wait_for(&mut self, mark: &str) -> String {
        self.lines.by_ref().map(Result::unwrap).find(|line| line.contains(mark)).expect("it goes on saying things")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already ended, or ends now.
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// A server open to sign-ups, and the mail server it hands its mails to.
struct World {
    folder: tempfile::TempDir,
    mail_server: Running,
    server: Running,
    url: String,
}

impl World {
    fn new() -> Self {
        Self::with("")
    }

    /// With more in its configuration.
    fn with(sections: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::root("Mail CA");
        let certificate = authority.issue(&["localhost"]);
        let write = |name: &str, label: &str, der: &[u8]| {
            let body = Base64::encode_string(der);
            let text = format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
            fs::write(folder.path().join(name), text).unwrap();
        };
        write("ca.pem", "CERTIFICATE", authority.certificate());
        write("mail.pem", "CERTIFICATE", certificate.leaf());
        write("mail.key", "PRIVATE KEY", certificate.key.secret_der());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/smtp_server.py");
        let mut python = Command::new(tools().join("python"));
        let mut mail_server = Running::start(
            python.arg(script).args(["mail.pem", "mail.key"]).current_dir(folder.path()).stdin(Stdio::piped()),
        );
        let port = mail_server.wait_for("");
        let config = format!(
            "[accounts]\nsign_up = \"open\"\n[smtp]\nhost = \"localhost\"\nport = {port}\nusername = \"pintle\"\n\
             password_file = \"mail-password\"\nfrom = \"Pintle <pintle@example.com>\"\nca_file = \"ca.pem\"\n{sections}"
        );
        fs::write(folder.path().join("pintle.toml"), config).unwrap();
        fs::write(folder.path().join("mail-password"), "mail password\n").unwrap();
        let serve = ["serve", "--listen", "127.0.0.1:0", "--data-dir", "data", "--log", "error"];
        let mut server = Running::start(&mut command(folder.path(), &serve));
        let url = server.wait_for("Pintle is ready").rsplit(' ').next().unwrap().to_owned();
        Self { folder, mail_server, server, url }
    }

    fn output(&self, arguments: &[&str], password: &str) -> Output {
        command(self.folder.path(), arguments)
            .args(["--server", &self.url, "--output", "json"])
            .env("PINTLE_PASSWORD", password)
            .output()
            .unwrap()
    }

    /// Runs the command line, which must succeed; its result.
    fn run(&self, arguments: &[&str], password: &str) -> Value {
        let output = self.output(arguments, password);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        if output.stdout.is_empty() { Value::Null } else { serde_json::from_slice(&output.stdout).unwrap() }
    }

    /// The code of a refused run.
    fn refusal(&self, arguments: &[&str], password: &str) -> String {
        let output = self.output(arguments, password);
        assert!(!output.status.success(), "{arguments:?}: {output:?}");
        let failure: Value = serde_json::from_slice(&output.stderr).unwrap();
        failure["error"]["code"].as_str().unwrap().to_owned()
    }

    /// Gives the account that the server began with an address and a password, and signs in to it; its id.
    fn sign_in_the_first_account(&mut self) -> Value {
        let token = self.server.wait_for("pintle_");
        fs::write(self.folder.path().join("token"), token.trim()).unwrap();
        let account = self.run(&["login", "--token-file", "token"], "")["account_id"].clone();
        let link = ["admin", "link", ADA, "--account", account.as_str().unwrap(), "--data-dir", "data"];
        let code = self.run(&link, "")["code"].clone();
        fs::write(self.folder.path().join("code"), code.as_str().unwrap()).unwrap();
        assert_eq!(self.run(&["account", "confirm", "--code-file", "code"], PASSWORD)["confirmed"], "password_set");
        self.run(&["account", "sign-in", ADA], PASSWORD);
        account
    }

    /// The next mail that arrives; its code is left in the file `code`.
    fn read_mail(&mut self) -> Value {
        let mail: Value = serde_json::from_str(&self.mail_server.wait_for("{")).unwrap();
        let text = mail["data"].as_str().unwrap().replace("=\r\n", "");
        let start = text.find("pintle_once_").expect("the mail holds a code");
        fs::write(self.folder.path().join("code"), text.get(start..start + 84).unwrap()).unwrap();
        mail
    }
}

fn tools() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/venv/bin")
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let binary = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/debug/pintle");
    let mut command = Command::new(binary);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PINTLE_")) {
        command.env_remove(name);
    }
    command.args(arguments).current_dir(folder).env("PINTLE_CONFIG_DIR", folder.join("config")).stdin(Stdio::null());
    command
}

/// What happens within twenty seconds is one mail; the next follows after five minutes (crates/service/src/alert/mail.rs).
#[test]
fn an_alert_comes_by_mail_as_text_and_as_a_page() {
    let mut world = World::new();
    world.sign_in_the_first_account();
    world.run(&["orgs", "create", "Acme"], "");
    world.run(&["projects", "create", "<b>shop</b>"], "");
    world.run(&["projects", "delete", "<b>shop</b>", "--yes"], "");
    let mail = loop {
        let mail: Value = serde_json::from_str(&world.mail_server.wait_for("{")).unwrap();
        if mail["data"].as_str().unwrap().replace("=\r\n", "").contains("A project was deleted") {
            break mail;
        }
    };
    assert_eq!((&mail["to"][0], &mail["tls"]), (&Value::from(ADA), &Value::from(true)));
    let data = mail["data"].as_str().unwrap().replace("=\r\n", "");
    let (head, body) = data.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("Content-Type: multipart/alternative"), "{head}");
    let boundary = head.split("boundary=\"").nth(1).unwrap().split('"').next().unwrap();
    let parts: Vec<_> = body.split(&format!("--{boundary}")).filter(|part| part.contains("Content-Type")).collect();
    let [text, page] = parts.as_slice() else { panic!("two parts: {body}") };
    for (part, kind) in [(text, "text/plain"), (page, "text/html")] {
        for words in [kind, "A project was deleted", "shop"] {
            assert!(part.contains(words), "{words}: {part}");
        }
    }
    assert!(text.contains("<b>shop</b>") && !page.contains("<b>shop"), "a name is no markup: {page}");
}

#[test]
fn a_person_signs_up_by_mail_signs_in_and_gets_over_a_lost_password() {
    let mut world = World::new();
    assert_eq!(world.run(&["account", "sign-up", ADA], "")["delivery"], "mail");
    let mail = world.read_mail();
    assert_eq!((&mail["tls"], &mail["to"][0]), (&Value::Bool(true), &Value::from(ADA)));
    assert!(mail["data"].as_str().unwrap().contains("From: Pintle <pintle@example.com>"));
    let confirm = ["account", "confirm", "--name", "Ada", "--code-file", "code"];
    assert_eq!(world.refusal(&confirm, "too short"), "password_unfit");
    assert_eq!(world.run(&confirm, PASSWORD)["confirmed"], "signed_up");
    assert_eq!(world.refusal(&confirm, PASSWORD), "code_invalid");

    assert_eq!(world.refusal(&["account", "sign-in", ADA], NEW_PASSWORD), "sign_in_failed");
    world.run(&["account", "sign-in", ADA], PASSWORD);
    assert_eq!(world.run(&["account", "show"], "")["name"], "Ada");
    world.run(&["orgs", "create", "Acme"], "");
    assert_eq!(world.run(&["whoami"], "")["credential"]["kind"], "session");

    world.run(&["account", "reset", ADA], "");
    world.read_mail();
    assert_eq!(world.run(&["account", "confirm", "--code-file", "code"], NEW_PASSWORD)["confirmed"], "password_set");
    assert_eq!(world.refusal(&["whoami"], ""), "session_invalid");
    world.run(&["account", "sign-in", ADA], NEW_PASSWORD);
    world.run(&["account", "sign-out"], "");
    assert_eq!(world.refusal(&["whoami"], ""), "not_signed_in");
}

/// The code of an authenticator now, as another program makes it (RFC 6238).
fn totp_code(secret: &str) -> String {
    const SCRIPT: &str = "import base64,hmac,struct,sys,time
key = base64.b32decode(sys.argv[1] + '=' * (-len(sys.argv[1]) % 8))
mac = hmac.digest(key, struct.pack('>Q', int(time.time()) // 30), 'sha1')
print('%06d' % ((struct.unpack('>I', mac[(at := mac[-1] & 15):at + 4])[0] & 0x7fffffff) % 1000000))";
    let output = Command::new(tools().join("python")).args(["-c", SCRIPT, secret]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn an_authenticator_is_added_asked_for_and_taken_away_when_it_is_lost() {
    let mut world = World::new();
    world.sign_in_the_first_account();
    let secret = world.run(&["account", "totp", "enable"], "")["secret"].as_str().unwrap().to_owned();
    let put = |world: &World, code: &str| fs::write(world.folder.path().join("second"), code).unwrap();
    put(&world, &totp_code(&secret));
    let confirmed = world.run(&["account", "totp", "confirm", "--code-file", "second"], "");
    let recovery = confirmed["recovery_codes"][0].as_str().unwrap().to_owned();

    let sign_in = ["account", "sign-in", ADA, "--code-file", "second"];
    assert_eq!(world.refusal(&sign_in, PASSWORD), "second_factor_wrong", "the code that was shown already");
    put(&world, &recovery);
    world.run(&sign_in, PASSWORD);
    assert_eq!(world.refusal(&sign_in, PASSWORD), "second_factor_wrong", "each recovery code works once");
    assert_eq!(world.refusal(&["account", "sign-in", ADA], PASSWORD), "answer_needed", "a code is asked for");

    world.run(&["admin", "remove-factors", ADA, "--data-dir", "data"], "");
    assert_eq!(world.refusal(&["account", "totp", "disable"], ""), "session_invalid", "every session ended");
    world.run(&["account", "sign-in", ADA], PASSWORD);
    assert_eq!(world.run(&["account", "passkeys", "list"], "")["passkeys"], Value::Array(Vec::new()));
}

#[test]
fn the_operator_gives_the_first_account_a_password() {
    let mut world = World::new();
    let account = world.sign_in_the_first_account();
    assert_eq!(world.run(&["whoami"], "")["account_id"], account);
}
