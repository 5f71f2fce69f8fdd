use secrecy::ExposeSecret as _;

use super::*;

fn file(text: &str) -> ConfigSources {
    let file = ConfigFile { name: "pintle.toml".into(), text: text.into() };
    ConfigSources { file: Some(file), ..ConfigSources::default() }
}

fn messages(problems: &[ConfigProblem]) -> Vec<String> {
    problems.iter().map(|problem| problem.message.clone()).collect()
}

#[test]
fn the_command_line_wins_over_the_environment_and_that_over_the_file() {
    let mut sources = file("listen = \"127.0.0.1:1\"\ndata_dir = \"from-file\"\nlog = \"warn\"\n");
    sources.environment = vec![
        ("PINTLE_LISTEN".into(), "127.0.0.1:2".into()),
        ("PINTLE_DATA_DIR".into(), "from-environment".into()),
        ("PINTLE_PUBLISH_DIRS".into(), "a, b".into()),
        ("PINTLE_CDN_URLS".into(), String::new()),
        ("PATH".into(), "/bin".into()),
    ];
    sources.flags = vec![ConfigFlag { key: "listen", name: "--listen", values: vec!["127.0.0.1:3".into()] }];
    let loaded = ServerConfig::load(&sources);
    let from = |key: &str| loaded.options.iter().find(|option| option.key == key).unwrap().place.clone();
    assert_eq!(from("listen").as_deref(), Some("--listen"));
    assert_eq!(from("data_dir").as_deref(), Some("PINTLE_DATA_DIR"));
    assert_eq!(from("log").as_deref(), Some("pintle.toml:3"));
    assert_eq!(from("cdn_urls"), None, "an empty variable is no variable");
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let config = loaded.into_config().unwrap();
    assert_eq!(config.listen.port(), 3);
    assert_eq!(config.data_dir, PathBuf::from("from-environment"));
    assert_eq!(config.publish_dirs, [PathBuf::from("a"), PathBuf::from("b")]);
}

#[test]
fn a_list_of_numbers_is_written_as_numbers_or_as_texts() {
    let config = |text: &str| ServerConfig::load(&file(text)).into_config();
    let read = config("[guard]\nports = [8444, \"9443\"]\n[alerts]\ndays = [30, 7]\n").unwrap();
    assert_eq!((read.guard.ports, read.alerts.days), (vec![8444, 9443], vec![30, 7]));
    for wrong in ["[guard]\nports = [70000]", "[guard]\nports = [[1]]", "[guard]\nports = [true]"] {
        assert!(config(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let text = "listn = \"127.0.0.1:1\"\ndata_dir = 7\npublic_url = \"http://pins.example.com\"\n\
                [http]\nconnections = 0\n[htpp]\nconnections = 1\n[empty]\n";
    let loaded = ServerConfig::load(&file(text));
    let problems = messages(&loaded.problems);
    let expected = [
        "pintle.toml:2: `data_dir`: expected text in quotes",
        "pintle.toml:3: `public_url`: expected a URL as in https://pins.example.com",
        "pintle.toml:5: `http.connections`: expected a number from 1 to 1000000",
        "pintle.toml:8: there is no option `empty`",
        "pintle.toml:7: there is no option `htpp.connections`",
        "pintle.toml:1: there is no option `listn`",
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, expected) in problems.iter().zip(expected) {
        assert!(problem.starts_with(expected), "{problem} should begin with {expected}");
    }
    let hints: Vec<_> = loaded.problems.iter().map(|problem| problem.hint.as_str()).collect();
    assert!(hints.contains(&"did you mean `listen`?") && hints.contains(&"did you mean `http.connections`?"));
    assert!(loaded.into_config().is_err());
}

#[test]
fn a_file_that_is_no_toml_is_told_with_its_line() {
    let loaded = ServerConfig::load(&file("listen = \"127.0.0.1:1\"\ndata_dir = \n"));
    assert_eq!(loaded.problems.first().map(|problem| problem.code), Some("server_config_invalid"));
    assert!(messages(&loaded.problems).iter().any(|message| message.starts_with("pintle.toml:2: ")));
}

/// An orchestrator sets PINTLE_PORT and PINTLE_SERVICE_HOST beside a service called `pintle`.
#[test]
fn strange_variables_are_told_and_stop_nothing() {
    let environment = vec![("PINTLE_LISTN".into(), "x".into()), ("PINTLE_PORT".into(), "tcp://10.0.0.1:80".into())];
    let loaded = ServerConfig::load(&ConfigSources { environment, ..ConfigSources::default() });
    assert_eq!(loaded.warnings.len(), 2);
    assert!(loaded.warnings.iter().any(|warning| warning.hint == "did you mean `PINTLE_LISTEN`?"));
    loaded.into_config().unwrap();
}

#[test]
fn every_variable_stands_for_one_option() {
    let options = ServerConfig::document();
    let mut variables: Vec<_> = options.iter().map(|option| option.variable.as_str()).collect();
    variables.sort_unstable();
    variables.dedup();
    assert_eq!(variables.len(), options.len());
}

#[test]
fn an_open_address_needs_a_public_url() {
    let loaded = ServerConfig::load(&file("listen = \"0.0.0.0:8440\""));
    assert_eq!(loaded.problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), ["public_url_missing"]);
}

#[test]
fn a_secret_is_taken_from_one_place_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, "hunter2\nsecond line\n").unwrap();
    let read = |text: &str| {
        let mut options = Options::open(&file(text));
        let secret = options.secret("smtp.password", "none", "A password");
        let shown = format!("{:?}", (&options.declared, &secret));
        assert!(!shown.contains("hunter2"), "{shown}");
        (secret.map(|secret| secret.expose_secret().to_owned()), messages(&options.problems))
    };
    let by_file = format!("smtp.password_file = {:?}", path.display().to_string());
    assert_eq!(read("smtp.password = \"hunter2\"").0.as_deref(), Some("hunter2"));
    assert_eq!(read(&by_file).0.as_deref(), Some("hunter2"));
    assert_eq!(read(&format!("{by_file}\nsmtp.password = \"hunter2\"")).1.len(), 1, "two places");
    assert_eq!(read("smtp.password_file = \"/nowhere\"").1.len(), 1, "unreadable");
}

#[test]
fn sections_have_names_of_the_operators_choice() {
    let read = |options: &mut Options| {
        options.named("plans", |options, section| {
            options.number(format!("{section}.projects"), 5, 0..=u32::MAX, "Most projects")
        })
    };
    let mut options = Options::open(&file("[plans.free]\nprojects = 1\n[plans.paid]\nprojcts = 9\n"));
    let plans = read(&mut options);
    assert_eq!(plans.get("free"), Some(&1));
    assert_eq!(plans.get("paid"), Some(&5));
    options.finish();
    let hint = options.problems.first().map(|problem| problem.hint.as_str());
    assert_eq!(hint, Some("did you mean `plans.paid.projects`?"));
    let mut documented = Options::document();
    read(&mut documented);
    assert_eq!(documented.declared.first().map(|option| option.key.as_str()), Some("plans.NAME.projects"));
}

#[test]
fn what_only_several_options_tell_is_told_too() {
    let codes = |text: &str| {
        let loaded = ServerConfig::load(&file(text));
        loaded.problems.iter().map(|problem| (problem.code, problem.message.clone())).collect::<Vec<_>>()
    };
    let alone = codes("[tls]\ncertificate = \"cert.pem\"");
    assert!(matches!(&alone[..], [("option_invalid", message)] if message.starts_with("`tls.key`")), "{alone:?}");
    let unreadable = codes("[tls]\ncertificate = \"/nowhere/cert.pem\"\nkey = \"/nowhere/key.pem\"");
    assert!(matches!(&unreadable[..], [("tls_unusable", _)]), "{unreadable:?}");
    let plain = codes("public_url = \"http://127.0.0.1:1\"\n[tls]\ncertificate = \"/nowhere/a\"\nkey = \"/nowhere/b\"");
    assert_eq!(plain.iter().map(|(code, _)| *code).collect::<Vec<_>>(), ["tls_unusable", "option_invalid"]);
    assert!(matches!(&codes("cdn_listen = \"0.0.0.0:1\"")[..], [("cdn_urls_missing", _)]));
}
