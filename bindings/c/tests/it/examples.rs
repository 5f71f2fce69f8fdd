//! The examples, and the quick start of the README, which is one of them.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use pintle_testkit::gauntlet::Gauntlet;

use crate::workbench::{compile, library_folder, run};

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_get_what_is_pinned_and_nothing_else() {
    let curl = compile("../../examples/c/curl_get.c", "curl_get");
    let openssl = compile("../../examples/c/openssl_get.c", "openssl_get");
    for (case, requests) in [("pinned_leaf", 2), ("wrong_leaf_from_trusted_ca", 0)] {
        let folder = tempfile::tempdir().unwrap();
        let gauntlet = Gauntlet::start(case, folder.path()).await;
        let [bundle, ca] = ["pintle.json", "ca.pem"].map(|name| folder.path().join(name).display().to_string());
        let port = gauntlet.site().address().port().to_string();
        let by_curl = run(&curl, &[&bundle, &format!("https://localhost:{port}/")], &ca);
        let by_openssl = run(&openssl, &[&bundle, "localhost", &port], &ca);
        assert_eq!(gauntlet.site().seen().requests.len(), requests);
        for output in [by_curl, by_openssl] {
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.success(), requests > 0, "{told}");
            assert_eq!(told.contains("refused: pin_mismatch"), requests == 0, "{told}");
        }
    }
}

#[test]
fn the_lines_of_the_set_up_page_are_a_program() {
    assert!(compile("../../crates/server/setup/app.c", "setup_page").exists());
}

#[test]
fn the_readme_shows_the_example_that_is_tested() {
    let folder = env!("CARGO_MANIFEST_DIR");
    let [readme, example] = ["README.md", "../../examples/c/curl_get.c"]
        .map(|file| fs::read_to_string(format!("{folder}/{file}")).unwrap());
    let start = example.find("    curl_global_init").unwrap();
    let end = example.find("    curl_easy_cleanup").unwrap();
    assert!(readme.contains(&example[start..end]), "README.md differs from examples/c/curl_get.c");
}

#[test]
fn an_installed_library_is_found_by_pkg_config() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let prefix = tempfile::tempdir().unwrap();
    let [prefix_text, built] = [prefix.path(), &library_folder()].map(|path| path.display().to_string());
    let install = [format!("PREFIX={prefix_text}"), format!("BUILT={built}")];
    succeed(Command::new("make").arg("-C").arg(folder).arg("install").args(install));
    let mut pkg_config = Command::new("pkg-config");
    pkg_config.args(["--cflags", "--libs", "pintle", "libcurl", "openssl"]);
    let flags = succeed(pkg_config.env("PKG_CONFIG_PATH", prefix.path().join("lib/pkgconfig")));
    let flags = String::from_utf8(flags.stdout).unwrap();
    let share = prefix.path().join("share/pintle");
    let mut cc = Command::new("cc");
    cc.arg(folder.join("../../examples/c/curl_get.c"))
        .args(["pintle_curl.c", "pintle_openssl.c"].map(|file| share.join(file)));
    succeed(cc.args(flags.split_whitespace()).arg("-o").arg(prefix.path().join("curl_get")));
}

fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}
