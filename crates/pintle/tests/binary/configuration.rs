//! `pintle config check`: the server's configuration as an operator meets it.

use crate::workshop::Workshop;

fn option<'a>(report: &'a serde_json::Value, key: &str) -> &'a serde_json::Value {
    report["options"].as_array().unwrap().iter().find(|option| option["key"] == key).unwrap()
}

#[test]
fn a_check_shows_every_option_in_force_and_its_place() {
    let workshop = Workshop::open();
    workshop.write("pintle.toml", "listen = \"127.0.0.1:0\"\n[http]\nconnections = 7\n");
    let environment = [("PINTLE_DATA_DIR", "elsewhere"), ("PINTLE_PORT", "tcp://10.0.0.1:8440")];
    let run = workshop.run_with(&["config", "check", "--log", "warn", "--output", "json"], &environment);
    assert_eq!(run.status, 0, "{run:?}");
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["usable"], true);
    for (key, value, from) in [
        ("listen", "127.0.0.1:0", "pintle.toml:1"),
        ("http.connections", "7", "pintle.toml:3"),
        ("data_dir", "elsewhere", "PINTLE_DATA_DIR"),
        ("log", "warn", "--log"),
    ] {
        assert_eq!((&option(&report, key)["value"], &option(&report, key)["from"]), (&value.into(), &from.into()));
    }
    assert!(option(&report, "log_format")["from"].is_null());
    assert_eq!(report["warnings"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_check_tells_everything_that_is_wrong_and_makes_nothing() {
    let workshop = Workshop::open();
    workshop.write("server.toml", "listn = 1\ndata_dir = 2\n");
    let before = workshop.files();
    let run = workshop.run(&["config", "check", "server.toml", "--log", "=", "--log-format", "xml"]);
    assert_eq!(run.status, 3, "{run:?}");
    for told in [
        "error[option_unknown]: server.toml:1: there is no option `listn`\nhint: did you mean `listen`?",
        "error[option_invalid]: server.toml:2: `data_dir`: expected text in quotes",
        "error[option_invalid]: --log-format: `log_format`: expected `text` or `json`",
        "error[log_filter_invalid]: ",
    ] {
        assert!(run.stderr.contains(told), "{told} in {}", run.stderr);
    }
    assert!(workshop.files() == before);
}
