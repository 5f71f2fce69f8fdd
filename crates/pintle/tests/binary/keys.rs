//! Keys wherever they are: files and their passwords, and a token.

use std::{fs, process::Command};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    moto::Moto,
    workshop::{Run, Server, Workshop},
};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const PIN: &str = "493817";
const KEY: &str = "pkcs11:token=Pintle%20test;object=shop";

/// SoftHSM with tokens of its own, for one test.
struct Hsm {
    directory: TempDir,
}

impl Hsm {
    fn with_token(label: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let tokens = directory.path().join("tokens");
        fs::create_dir(&tokens).unwrap();
        let settings = format!("directories.tokendir = {}\nobjectstore.backend = file\n", tokens.display());
        fs::write(directory.path().join("softhsm2.conf"), settings).unwrap();
        let hsm = Self { directory };
        hsm.add_token(label);
        hsm
    }

    fn settings(&self) -> String {
        self.directory.path().join("softhsm2.conf").to_str().unwrap().to_owned()
    }

    fn add_token(&self, label: &str) {
        self.util(&["--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "00000000"]);
    }

    fn util(&self, arguments: &[&str]) {
        let output = Command::new("softhsm2-util").args(arguments).env("SOFTHSM2_CONF", self.settings()).output();
        let output = output.expect("softhsm2 is installed by `cargo xtask setup`");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }

    fn run(&self, workshop: &Workshop, arguments: &[&str], more: &[(&str, &str)]) -> Run {
        let settings = self.settings();
        let mut environment =
            vec![("SOFTHSM2_CONF", settings.as_str()), ("PINTLE_PKCS11_MODULE", MODULE), ("PINTLE_KEY_PASSWORD", PIN)];
        environment.extend(more);
        workshop.run_with(arguments, &environment)
    }

    fn json(&self, workshop: &Workshop, arguments: &[&str]) -> Value {
        let run = self.run(workshop, &[arguments, &["--output", "json"]].concat(), &[]);
        assert_eq!(run.status, 0, "{arguments:?}: {run:?}");
        serde_json::from_str(&run.stdout).unwrap()
    }

    /// Runs what must fail with this code.
    fn refuse(&self, workshop: &Workshop, arguments: &[&str], more: &[(&str, &str)], code: &str) {
        let run = self.run(workshop, arguments, more);
        assert!(run.stderr.contains(&format!("error[{code}]: ")), "{arguments:?}: {code} in {run:?}");
        assert!(run.stderr.contains("hint: "), "{arguments:?}: {run:?}");
        assert_ne!(run.status, 0, "{run:?}");
    }
}

/// A server with a project that has one pin to release, and no key yet.
fn prepare_project(workshop: &Workshop) -> Server {
    let server = workshop.serve();
    workshop.json(&["login", "--server", &server.url, "--token-file", "token"]);
    workshop.json(&["orgs", "create", "Acme"]);
    workshop.json(&["projects", "create", "shop"]);
    workshop.json(&["domains", "add", "api.example.com"]);
    for (label, pin) in [
        ("today", "spki-sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ("next", "spki-sha256:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="),
    ] {
        workshop.json(&["pins", "add", "api.example.com", "--pin", pin, "--label", label]);
    }
    server
}

#[test]
fn a_key_is_made_in_a_token_signs_releases_there_and_is_rotated() {
    let (workshop, hsm) = (Workshop::open(), Hsm::with_token("Pintle test"));
    let _server = prepare_project(&workshop);
    let made = hsm.json(&workshop, &["keys", "generate", "--out", KEY]);
    assert_eq!(made["key"], KEY);
    assert_eq!(made["kid"], hsm.json(&workshop, &["keys", "test", "--key", KEY])["kid"]);
    let listed = hsm.json(&workshop, &["keys", "list", "--in", "pkcs11:token=Pintle%20test"]);
    assert_eq!(listed["items"][0]["kid"], made["kid"]);
    let named = format!("pkcs11:{}", listed["items"][0]["name"].as_str().unwrap());
    assert_eq!(hsm.json(&workshop, &["keys", "show", "--key", &named])["kid"], made["kid"]);

    let recovery = "pkcs11:token=Pintle%20test;object=recovery";
    hsm.json(&workshop, &["keys", "generate", "--out", recovery]);
    let registered = hsm.json(&workshop, &["keys", "import", "--key", KEY, "--recovery-key", recovery]);
    assert_eq!(registered["key"]["kid"], made["kid"]);
    let released = hsm.json(&workshop, &["release", "--yes", "--key", KEY]);
    assert_eq!(released["state"], "live");
    let unattended = workshop.run(&["pins", "refresh", "--no-probe", "--release-declared", "--key", KEY]);
    assert!(unattended.status == 3 && unattended.stderr.contains("custody_not_kms"), "{unattended:?}");

    // Both keys in one token, opened by one process.
    let next = "pkcs11:token=Pintle%20test;object=next";
    let rotated = hsm.json(&workshop, &["keys", "rotate", "--yes", "--key", KEY, "--new-key", next]);
    assert_eq!((&rotated["key"], &rotated["release"]["state"]), (&json!(next), &json!("live")));
    hsm.refuse(&workshop, &["release", "--yes", "--renew", "--key", KEY], &[], "key_wrong");
    // From a token to a file, by the recovery key in the token.
    let recover = ["keys", "recover", "--yes", "--recovery-key", recovery, "--new-key", "after.pem"];
    let recovered = hsm.json(&workshop, &recover);
    assert_eq!(recovered["release"]["state"], "live");

    let keys = workshop.json(&["keys", "list"]);
    let roles: Vec<_> = keys["items"].as_array().unwrap().iter().map(|key| key["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["replaced", "replaced", "signs releases", "recovery key"]);
    assert_eq!((&keys["items"][0]["kid"], &keys["items"][2]["kid"]), (&made["kid"], &recovered["kid"]));
}

#[test]
fn a_token_that_cannot_sign_says_why() {
    let (workshop, hsm) = (Workshop::open(), Hsm::with_token("Pintle test"));
    hsm.json(&workshop, &["keys", "generate", "--out", KEY]);
    let test = ["keys", "test", "--key", KEY];
    hsm.refuse(&workshop, &test, &[("PINTLE_KEY_PASSWORD", "000000")], "token_pin_wrong");
    hsm.refuse(&workshop, &test, &[("PINTLE_KEY_PASSWORD", "")], "token_pin_needed");
    hsm.refuse(&workshop, &test, &[("PINTLE_PKCS11_MODULE", "")], "token_module_needed");
    hsm.refuse(&workshop, &test, &[("PINTLE_PKCS11_MODULE", "/nowhere.so")], "token_module_unusable");
    hsm.refuse(&workshop, &["keys", "test", "--key", "pkcs11:token=Other;object=shop"], &[], "token_absent");
    hsm.refuse(&workshop, &["keys", "test", "--key", "pkcs11:token=Pintle%20test;object=no"], &[], "token_key_missing");
    hsm.refuse(&workshop, &["keys", "generate", "--out", KEY], &[], "token_key_exists");
    hsm.refuse(&workshop, &["keys", "generate", "--out", "pkcs11:token=Pintle%20test"], &[], "token_key_name_needed");
    hsm.refuse(&workshop, &["keys", "export", "--out", "out.pem", "--key", KEY], &[], "key_not_exportable");
    assert!(!workshop.path("out.pem").exists());

    let second = "pkcs11:token=Pintle%20test;object=second";
    hsm.json(&workshop, &["keys", "generate", "--out", second]);
    hsm.refuse(&workshop, &["keys", "test", "--key", "pkcs11:token=Pintle%20test"], &[], "token_key_ambiguous");
    hsm.add_token("Pintle test");
    hsm.refuse(&workshop, &test, &[], "token_ambiguous");
    // The PIN may lie in a file that the URI names, and is never in the URI.
    workshop.write("pin", PIN);
    let other = Hsm::with_token("Filed");
    let filed = format!("pkcs11:token=Filed;object=k?pin-source=file:{}", workshop.path("pin").display());
    let nothing = [("PINTLE_KEY_PASSWORD", "")];
    assert_eq!(other.run(&workshop, &["keys", "generate", "--out", &filed], &nothing).status, 0);
    let told = other.run(&workshop, &["keys", "test", "--key", "pkcs11:token=Filed?pin-value=493817"], &nothing);
    assert_eq!(told.status, 2, "{told:?}");
    assert!(told.stderr.contains("a PIN does not belong into the URI"), "{told:?}");
}

#[test]
fn a_key_of_another_kind_in_a_token_is_named_as_such() {
    let (workshop, hsm) = (Workshop::open(), Hsm::with_token("Pintle test"));
    let p384 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    workshop.write("p384.pem", p384.serialize_pem());
    let file = workshop.path("p384.pem");
    hsm.util(&[
        "--import",
        file.to_str().unwrap(),
        "--token",
        "Pintle test",
        "--label",
        "wide",
        "--id",
        "a1",
        "--pin",
        PIN,
    ]);
    let wide = "pkcs11:token=Pintle%20test;object=wide";
    hsm.refuse(&workshop, &["keys", "test", "--key", wide], &[], "key_not_p256");
    let listed = hsm.json(&workshop, &["keys", "list", "--in", "pkcs11:token=Pintle%20test"]);
    assert_eq!(listed["items"][0]["kid"], Value::Null);
}

#[test]
fn a_key_file_gets_another_password_and_is_exported_without_changing() {
    let workshop = Workshop::open();
    for (name, password) in [("old", "old password"), ("new", "new password")] {
        workshop.write(name, password);
    }
    let made = workshop.json(&["keys", "generate", "--encrypt", "--password-file", "old"]);
    let change = ["keys", "change-password", "--password-file", "old", "--new-password-file", "new"];
    assert_eq!(workshop.json(&change)["kid"], made["kid"]);
    assert_eq!(workshop.json(&["keys", "test", "--password-file", "new"])["kid"], made["kid"]);
    let run = workshop.run(&["keys", "test", "--password-file", "old"]);
    assert!(run.stderr.contains("error[key_password_wrong]: "), "{run:?}");

    let export = ["keys", "export", "--password-file", "new", "--out", "copy.pem"];
    let run = workshop.run(&export);
    assert!(run.stderr.contains("error[answer_needed]: "), "never plain unless told: {run:?}");
    assert!(!workshop.path("copy.pem").exists());
    workshop.json(&[&export[..], &["--new-password-file", "old"]].concat());
    workshop.json(&["keys", "export", "--password-file", "new", "--out", "plain.pem", "--plain"]);
    for (file, password) in [("copy.pem", "pass:old password"), ("plain.pem", "pass:")] {
        let path = workshop.path(file);
        let read = ["pkey", "-pubout", "-outform", "DER", "-passin", password, "-in"];
        let output = Command::new("openssl").args(read).arg(&path).output().unwrap();
        use base64ct::{Base64, Encoding};
        assert_eq!(Base64::encode_string(&output.stdout), made["public_key"], "{output:?}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}

#[test]
fn a_rehearsal_signs_and_leaves_nothing_behind() {
    let workshop = Workshop::open();
    let _server = prepare_project(&workshop);
    workshop.write("password", "correct horse");
    let key = workshop.json(&["keys", "generate", "--encrypt", "--password-file", "password"]);
    workshop.json(&["keys", "register", "--password-file", "password"]);
    let files = workshop.files().len();
    for _ in 0..2 {
        let rehearsed = workshop.json(&["release", "--dry-run", "--password-file", "password"]);
        assert_eq!(
            (&rehearsed["version"], &rehearsed["kid"], &rehearsed["published"]),
            (&json!(1), &key["kid"], &json!(false))
        );
    }
    assert_eq!(workshop.files().len(), files);
    assert_eq!(workshop.json(&["releases", "list"])["items"], json!([]));
    let run = workshop.run(&["release", "--dry-run"]);
    assert!(run.stderr.contains("error[key_password_needed]: "), "{run:?}");
    let released = workshop.json(&["release", "--yes", "--password-file", "password"]);
    assert_eq!((&released["version"], &released["state"]), (&json!(1), &json!("live")));
}

/// OpenSSL opens it, and it is the key.
fn assert_opens(pem: &str, password: &str, public_key: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.pem");
    fs::write(&file, pem).unwrap();
    let output = Command::new("openssl")
        .args(["pkey", "-pubout", "-passin", &format!("pass:{password}"), "-in"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let lines = String::from_utf8(output.stdout).unwrap();
    assert_eq!(lines.lines().filter(|line| !line.starts_with('-')).collect::<String>(), public_key);
}

#[test]
fn the_server_keeps_an_encrypted_key_that_signs_from_there() {
    let workshop = Workshop::open();
    let _server = prepare_project(&workshop);
    for (name, password) in [
        ("old", "old password"),
        ("kept", "a long password for the server"),
        ("next", "another long password"),
        ("short", "tr0ub4dor&3"),
    ] {
        workshop.write(name, password);
    }
    let made = workshop.json(&["keys", "generate", "--encrypt", "--password-file", "old"]);
    workshop.json(&["keys", "register", "--password-file", "old"]);
    let run = workshop.run(&["keys", "test", "--key", "server:"]);
    assert_eq!(run.status, 5, "{run:?}");
    workshop.json(&["keys", "generate", "--out", "other.pem"]);
    let upload = ["keys", "upload", "--new-password-file", "kept"];
    let run = workshop.run(&[&upload[..], &["--key", "other.pem"]].concat());
    assert!(run.stderr.contains("error[key_wrong]: "), "{run:?}");

    let stored = workshop.json(&[&upload[..], &["--password-file", "old"]].concat());
    assert_eq!(stored["kid"], made["kid"]);
    assert_eq!(workshop.json(&["keys", "list"])["items"][0]["custody"], "browser_password");
    // Another machine: the file is gone.
    fs::remove_file(workshop.path("pintle-key.pem")).unwrap();
    let run = workshop.run(&["keys", "test", "--key", "server:", "--password-file", "old"]);
    assert!(run.stderr.contains("error[key_password_wrong]: "), "{run:?}");
    // Nothing needs to be said: no key file lies here, and the server keeps the key.
    let released = workshop.json(&["release", "--yes", "--password-file", "kept"]);
    assert_eq!(released["state"], "live");
    let change = ["keys", "change-password", "--key", "server:", "--password-file", "kept", "--new-password-file"];
    let run = workshop.run(&[&change[..], &["short"]].concat());
    assert!(run.stderr.contains("error[password_short]: "), "{run:?}");
    workshop.json(&[&change[..], &["next"]].concat());
    let run = workshop.run(&["release", "--yes", "--renew", "--password-file", "kept"]);
    assert!(run.stderr.contains("error[key_password_wrong]: "), "{run:?}");
    workshop.json(&["release", "--yes", "--renew", "--password-file", "next"]);
    workshop.json(&["orgs", "export", "all.jsonl"]);
    let exported = fs::read_to_string(workshop.path("all.jsonl")).unwrap();
    let pem = exported.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut pem = pem.filter(|line| line["kind"] == "key_ciphertext").map(|line| line["value"]["key"]["pem"].clone());
    assert_opens(
        pem.next_back().unwrap().as_str().unwrap(),
        "another long password",
        made["public_key"].as_str().unwrap(),
    );
    let export = ["keys", "export", "--key", "server:", "--password-file", "next", "--out", "pintle-key.pem"];
    workshop.json(&[&export[..], &["--new-password-file", "old"]].concat());
    assert_eq!(workshop.run(&["keys", "discard"]).status, 0);
    assert_eq!(workshop.run(&["keys", "test", "--key", "server:"]).status, 5);
    assert_eq!(workshop.json(&["keys", "test", "--password-file", "old"])["kid"], made["kid"]);
}

#[test]
fn a_key_in_aws_signs_releases_with_requests_that_its_emulator_authenticates() {
    let workshop = Workshop::open();
    let _server = prepare_project(&workshop);
    let moto = Moto::start(6);
    let told = moto.python(
        "import json\n\
         iam, kms = client('iam'), client('kms')\n\
         iam.create_user(UserName='ci')\n\
         key = iam.create_access_key(UserName='ci')['AccessKey']\n\
         policy = json.dumps({'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Resource': '*',\n\
           'Action': ['kms:GetPublicKey', 'kms:Sign']}]})\n\
         iam.put_user_policy(UserName='ci', PolicyName='sign', PolicyDocument=policy)\n\
         p256 = kms.create_key(KeySpec='ECC_NIST_P256', KeyUsage='SIGN_VERIFY')['KeyMetadata']['Arn']\n\
         p384 = kms.create_key(KeySpec='ECC_NIST_P384', KeyUsage='SIGN_VERIFY')['KeyMetadata']['Arn']\n\
         kms.create_alias(AliasName='alias/pintle', TargetKeyId=p256)\n\
         print(json.dumps([key['AccessKeyId'], key['SecretAccessKey'], p256, p384]))\n",
    );
    let told: [String; 4] = serde_json::from_str(&told).unwrap();
    let [id, secret, p256, p384] = told.each_ref().map(String::as_str);
    let environment =
        |secret| [("AWS_ACCESS_KEY_ID", id), ("AWS_SECRET_ACCESS_KEY", secret), ("AWS_ENDPOINT_URL", &moto.url)];
    let run = |arguments: &[&str], secret| {
        workshop.run_with(&[arguments, &["--output", "json"]].concat(), &environment(secret))
    };
    let key = format!("awskms:{p256}");
    for arguments in [&["keys", "test"][..], &["keys", "import"], &["release", "--yes"]] {
        let run = run(&[arguments, &["--key", &key]].concat(), secret);
        assert_eq!(run.status, 0, "{arguments:?}: {run:?}");
    }
    assert_eq!(workshop.json(&["projects", "show"])["live_release"], 1);
    // Unattended: what somebody declared, and nothing else.
    let unattended = || run(&["pins", "refresh", "--no-probe", "--release-declared", "--key", &key], secret);
    let live = || workshop.json(&["projects", "show"])["live_release"].clone();
    assert_eq!((unattended().status, live()), (0, json!(1)), "nothing is declared");
    let arguments = "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out next.csr -subj /CN=n";
    assert_eq!(workshop.shell(&format!("openssl {arguments}"), &[]).status, 0);
    workshop.json(&["pins", "add", "api.example.com", "--from-csr", "next.csr"]);
    let released = unattended();
    assert_eq!((released.status, live()), (0, json!(2)), "{released:?}");
    workshop.shell(&format!("openssl {}", arguments.replace("next.csr", "last.csr")), &[]);
    workshop.json(&["pins", "add", "api.example.com", "--from-csr", "last.csr"]);
    let digest = "spki-sha256:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
    workshop.json(&["pins", "add", "api.example.com", "--pin", digest]);
    let waits = unattended();
    assert!(waits.status != 0 && live() == json!(2), "a pin of another origin waits for a person: {waits:?}");
    workshop.json(&["pins", "remove", "api.example.com", digest]);
    workshop.json(&["pins", "remove", "api.example.com", "next"]);
    assert!(unattended().status != 0 && live() == json!(2), "nor is anything taken away");
    let alias = p256.rsplit_once(":key/").unwrap().0.to_owned();
    for (key, secret, code) in [
        (key, "another secret", "kms_denied"),
        (format!("awskms:{p384}"), secret, "key_not_p256"),
        (format!("awskms:{alias}:alias/none"), secret, "kms_key_missing"),
    ] {
        let run = run(&["keys", "test", "--key", &key], secret);
        assert!(run.stderr.contains(&format!("\"code\":\"{code}\"")), "{code}: {run:?}");
        assert!(run.stderr.contains("\"hint\""), "{run:?}");
    }
}
