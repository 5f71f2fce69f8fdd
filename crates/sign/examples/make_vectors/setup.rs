//! Roots and their bundles (section 1).

use pintle_core::crypto;
use serde_json::{Value, json};

use crate::{
    key::{Key, key, standard},
    suite::Suite,
};

pub(crate) fn make_suites() -> Vec<Suite> {
    let mut suite = Setup(Suite::new(
        "setup/bundles.json",
        "setup",
        "pintle.json as text; the root it gives, with the key its state is stored under, or setup_invalid. http_loopback: the door named dangerous.",
    ));
    let plain = Bundle::new();
    let root = Root::new();
    suite.accepts("plain", &["P-1.1", "P-1.2", "P-3.10"], &plain.text(), &root);
    json_form(&mut suite, &plain);
    members(&mut suite);
    keys(&mut suite);
    urls(&mut suite);
    store_keys(&mut suite);
    vec![suite.0]
}

struct Setup(Suite);

impl Setup {
    fn accepts(&mut self, name: &str, rules: &[&str], bundle: &str, root: &Root) {
        self.0.case(
            name,
            rules,
            json!({ "bundle": bundle, "http_loopback": false }),
            json!({ "root": root.to_json() }),
        );
    }

    fn refuses(&mut self, name: &str, rules: &[&str], bundle: &str) {
        self.0.case(
            name,
            rules,
            json!({ "bundle": bundle, "http_loopback": false }),
            json!({ "code": "setup_invalid" }),
        );
    }

    /// With the door for tests and trials open.
    fn with_http(&mut self, name: &str, url: &str, accepted: bool) {
        let expect = if accepted {
            json!({ "root": Root::new().urls(&[url.trim_end_matches('/')]).to_json() })
        } else {
            json!({ "code": "setup_invalid" })
        };
        let bundle = Bundle::new().urls(&json!([url]).to_string()).text();
        self.0.case(name, &["P-1.3"], json!({ "bundle": bundle, "http_loopback": true }), expect);
    }
}

/// The text of a bundle, member by member.
struct Bundle {
    organization: String,
    project: String,
    public_key: String,
    urls: String,
    more: String,
}

impl Bundle {
    fn new() -> Self {
        Self {
            organization: r#""acme""#.into(),
            project: r#""app""#.into(),
            public_key: json!(key("signing").base64()).to_string(),
            urls: r#"["https://cdn.example"]"#.into(),
            more: String::new(),
        }
    }

    fn urls(self, urls: &str) -> Self {
        Self { urls: urls.into(), ..self }
    }

    fn more(self, more: &str) -> Self {
        Self { more: more.into(), ..self }
    }

    fn text(&self) -> String {
        let Self { organization, project, public_key, urls, more } = self;
        format!(
            r#"{{"organization":{organization},"project":{project},"public_key":{public_key},"urls":{urls}{more}}}"#
        )
    }
}

/// What a bundle means.
struct Root {
    organization: String,
    project: String,
    recovery_key: Option<Key>,
    urls: Vec<String>,
    built_at: u64,
}

impl Root {
    fn new() -> Self {
        Self {
            organization: "acme".into(),
            project: "app".into(),
            recovery_key: None,
            urls: vec!["https://cdn.example".into()],
            built_at: 0,
        }
    }

    fn urls(self, urls: &[&str]) -> Self {
        Self { urls: urls.iter().map(|url| (*url).to_owned()).collect(), ..self }
    }

    fn to_json(&self) -> Value {
        let (organization, project) = (&self.organization, &self.project);
        let pointers: Vec<_> = self.urls.iter().map(|url| format!("{url}/{organization}/{project}/pins.jws")).collect();
        json!({
            "organization": organization,
            "project": project,
            "kid": key("signing").kid(),
            "recovery_kid": self.recovery_key.as_ref().map(Key::kid),
            "built_at": self.built_at,
            "pointer_urls": pointers,
            "store_key": standard(&self.store_key()),
        })
    }

    /// P-3.10.
    fn store_key(&self) -> [u8; 32] {
        let recovery_key = self.recovery_key.as_ref().map(Key::spki).unwrap_or_default();
        let parts = [
            self.organization.as_bytes().to_vec(),
            self.project.as_bytes().to_vec(),
            key("signing").spki(),
            recovery_key,
        ];
        let prefixed = parts.iter().flat_map(|part| [&(part.len() as u64).to_be_bytes(), part.as_slice()].concat());
        crypto::sha256(&prefixed.collect::<Vec<_>>())
    }
}

fn json_form(suite: &mut Setup, plain: &Bundle) {
    let text = plain.text();
    let rules = &["P-1.2"];
    suite.accepts("white-space", rules, &format!("\n {}\r\n", text.replace(',', " ,\t")), &Root::new());
    suite.accepts(
        "unknown-members",
        rules,
        &Bundle::new().more(r#","version":2,"note":{"by":[null,1.5]}"#).text(),
        &Root::new(),
    );
    for (name, text) in [
        ("empty", String::new()),
        ("not-json", "organization=acme".into()),
        ("array", format!("[{text}]")),
        ("byte-order-mark", format!("\u{feff}{text}")),
        ("two-values", format!("{text}{text}")),
        ("cut-short", text.trim_end_matches('}').into()),
        ("member-twice", Bundle::new().more(r#","project":"app""#).text()),
        ("member-twice-once-escaped", Bundle::new().more(r#","\u0070roject":"app""#).text()),
        ("unknown-member-twice", Bundle::new().more(r#","x":1,"x":1"#).text()),
        ("depth-17", Bundle::new().more(&format!(r#","x":{}{}"#, "[".repeat(16), "]".repeat(16))).text()),
    ] {
        suite.refuses(name, rules, &text);
    }
}

fn members(suite: &mut Setup) {
    let long = "a".repeat(64);
    for id in ["a", "A-Z_0-9", "-", "_", "0", &*long] {
        let bundle = Bundle { organization: json!(id).to_string(), project: json!(id).to_string(), ..Bundle::new() };
        let name = format!("ids-{}", if id.len() > 20 { "of-64-letters" } else { id });
        suite.accepts(
            &name,
            &["P-1.1"],
            &bundle.text(),
            &Root { organization: id.into(), project: id.into(), ..Root::new() },
        );
    }
    let too_long = json!("a".repeat(65)).to_string();
    for (name, id) in [
        ("empty", r#""""#),
        ("of-65-letters", &*too_long),
        ("with-a-slash", r#""a/b""#),
        ("with-a-dot", r#""a.b""#),
        ("dot-dot", r#""..""#),
        ("with-a-space", r#""a b""#),
        ("with-a-newline", r#""a\n""#),
        ("outside-ascii", r#""é""#),
        ("full-width", r#""ａ""#),
        ("with-nul", r#""a\u0000""#),
        ("number", "1"),
        ("null", "null"),
        ("with-percent", r#""a%2fb""#),
    ] {
        suite.refuses(
            &format!("organization-{name}"),
            &["P-1.1"],
            &Bundle { organization: id.into(), ..Bundle::new() }.text(),
        );
        suite.refuses(&format!("project-{name}"), &["P-1.1"], &Bundle { project: id.into(), ..Bundle::new() }.text());
    }
    for member in ["organization", "project", "public_key", "urls"] {
        suite.refuses(
            &format!("{member}-missing"),
            &["P-1.2"],
            &Bundle::new().text().replace(&format!(r#""{member}""#), r#""x""#),
        );
    }
    suite.accepts(
        "built-at",
        &["P-1.1"],
        &Bundle::new().more(r#","built_at":1800000000"#).text(),
        &Root { built_at: 1_800_000_000, ..Root::new() },
    );
    for (name, value) in [
        ("null", "null"),
        ("string", r#""1800000000""#),
        ("with-fraction", "1.0"),
        ("negative", "-1"),
        ("two-to-the-53", "9007199254740992"),
    ] {
        suite.refuses(
            &format!("built-at-{name}"),
            &["P-1.2", "P-2.3"],
            &Bundle::new().more(&format!(r#","built_at":{value}"#)).text(),
        );
    }
}

fn keys(suite: &mut Setup) {
    let spki = key("signing").spki();
    let changed = |index: usize, value: u8| {
        let mut spki = spki.clone();
        spki[index] = value;
        standard(&spki)
    };
    let good = standard(&spki);
    let point = &spki[26..];
    let compressed = [&[0x30, 0x39], &spki[2..24], &[0x22, 0x00, 0x02], &point[1..33]].concat();
    let wrong = [
        ("empty", String::new()),
        ("without-padding", good.trim_end_matches('=').into()),
        ("in-base64url", good.replace('+', "-").replace('/', "_")),
        ("with-a-newline", format!("{good}\n")),
        ("in-two-lines", format!("{}\n{}", &good[..64], &good[64..])),
        ("in-pem", format!("-----BEGIN PUBLIC KEY-----\n{good}\n-----END PUBLIC KEY-----\n")),
        ("raw-point", standard(point)),
        ("compressed-point", standard(&compressed)),
        ("hybrid-point", changed(26, 6)),
        ("of-another-curve", changed(22, 0x08)),
        ("of-another-algorithm", changed(12, 0x03)),
        ("with-unused-bits-in-the-bit-string", changed(25, 1)),
        ("one-byte-short", standard(&spki[..90])),
        ("one-byte-long", standard(&[&spki[..], &[0]].concat())),
        (
            "with-unused-bits-in-the-base64",
            good.replace("==", "")
                .chars()
                .rev()
                .skip(1)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .chain(['R', '=', '='])
                .collect(),
        ),
    ];
    for (name, text) in wrong.iter().filter(|(_, text)| *text != good) {
        suite.refuses(
            &format!("public-key-{name}"),
            &["P-1.2"],
            &Bundle { public_key: json!(text).to_string(), ..Bundle::new() }.text(),
        );
        suite.refuses(
            &format!("recovery-key-{name}"),
            &["P-1.2"],
            &Bundle::new().more(&format!(r#","recovery_key":{}"#, json!(text))).text(),
        );
    }
    let recovery = key("recovery");
    let with_recovery = Bundle::new().more(&format!(r#","recovery_key":"{}""#, recovery.base64()));
    suite.accepts(
        "recovery-key",
        &["P-1.1"],
        &with_recovery.text(),
        &Root { recovery_key: Some(recovery), ..Root::new() },
    );
    suite.refuses(
        "recovery-key-equals-the-public-key",
        &["P-1.1"],
        &Bundle::new().more(&format!(r#","recovery_key":"{good}""#)).text(),
    );
    suite.refuses("recovery-key-null", &["P-1.2"], &Bundle::new().more(r#","recovery_key":null"#).text());
    suite.refuses("public-key-number", &["P-1.2"], &Bundle { public_key: "1".into(), ..Bundle::new() }.text());
}

fn urls(suite: &mut Setup) {
    let with = |url: &str| Bundle::new().urls(&json!([url]).to_string()).text();
    for (name, url, base) in [
        ("path", "https://cdn.example/a/b", "https://cdn.example/a/b"),
        ("one-trailing-slash", "https://cdn.example/", "https://cdn.example"),
        ("path-with-trailing-slash", "https://cdn.example/a/", "https://cdn.example/a"),
        ("two-slashes-inside-the-path", "https://cdn.example//a/", "https://cdn.example//a"),
        ("port", "https://cdn.example:8443", "https://cdn.example:8443"),
        ("port-and-path", "https://cdn.example:65535/x", "https://cdn.example:65535/x"),
        ("ipv4", "https://192.0.2.1/x", "https://192.0.2.1/x"),
        ("ipv6", "https://[2001:db8::1]:8443/x", "https://[2001:db8::1]:8443/x"),
        ("ipv6-without-port", "https://[2001:db8::1]", "https://[2001:db8::1]"),
        ("percent-encoded-path", "https://cdn.example/a%20b", "https://cdn.example/a%20b"),
        (
            "path-of-every-character",
            "https://cdn.example/-._~!$&'()*+,;=:@/x",
            "https://cdn.example/-._~!$&'()*+,;=:@/x",
        ),
    ] {
        suite.accepts(&format!("url-{name}"), &["P-1.3"], &with(url), &Root::new().urls(&[base]));
    }
    for (name, url) in [
        ("empty", ""),
        ("http", "http://cdn.example"),
        ("http-loopback", "http://127.0.0.1:8080"),
        ("http-localhost", "http://localhost"),
        ("ftp", "ftp://cdn.example"),
        ("no-scheme", "cdn.example"),
        ("no-slashes", "https:cdn.example"),
        ("scheme-alone", "https://"),
        ("no-host", "https:///path"),
        ("no-host-with-port", "https://:443"),
        ("user", "https://user@cdn.example"),
        ("user-and-password", "https://user:pass@cdn.example"),
        ("user-that-looks-like-a-host", "https://cdn.example@evil.example"),
        ("query", "https://cdn.example/?a=b"),
        ("query-without-path", "https://cdn.example?a=b"),
        ("fragment", "https://cdn.example/#a"),
        ("fragment-without-path", "https://cdn.example#a"),
        ("two-trailing-slashes", "https://cdn.example//"),
        ("path-with-two-trailing-slashes", "https://cdn.example/a//"),
        ("space-in-path", "https://cdn.example/a b"),
        ("space-at-the-start", " https://cdn.example"),
        ("newline-at-the-end", "https://cdn.example\n"),
        ("backslash", "https://cdn.example\\a"),
        ("backslash-in-path", "https://cdn.example/a\\b"),
        ("letters-outside-ascii-in-path", "https://cdn.example/é"),
        ("u-label", "https://bücher.example"),
        ("port-0", "https://cdn.example:0"),
        ("port-65536", "https://cdn.example:65536"),
        ("port-empty", "https://cdn.example:"),
        ("port-with-plus", "https://cdn.example:+443"),
        ("port-negative", "https://cdn.example:-1"),
        ("port-letters", "https://cdn.example:https"),
        ("ipv6-without-brackets", "https://2001:db8::1"),
        ("ipv6-without-brackets-with-port", "https://2001:db8::1:443"),
        ("ipv6-with-zone", "https://[fe80::1%25eth0]"),
        ("ipv4-in-brackets", "https://[192.0.2.1]"),
        ("pattern", "https://*.cdn.example"),
        ("number-as-host", "https://1"),
    ] {
        suite.refuses(&format!("url-{name}"), &["P-1.3"], &with(url));
    }
    for (name, url, accepted) in [
        ("http-localhost", "http://localhost:8080", true),
        ("http-127.0.0.1", "http://127.0.0.1", true),
        ("http-127.255.255.254", "http://127.255.255.254:1/x", true),
        ("http-ipv6-loopback", "http://[::1]:8080/", true),
        ("https-anywhere", "https://cdn.example", true),
        ("http-elsewhere", "http://cdn.example", false),
        ("http-private-address", "http://192.168.0.1", false),
        ("http-below-localhost", "http://a.localhost", false),
        ("http-like-localhost", "http://localhost.example", false),
        ("http-mapped-loopback", "http://[::ffff:127.0.0.1]", false),
        ("http-user-localhost", "http://localhost@evil.example", false),
        ("ftp-localhost", "ftp://localhost", false),
    ] {
        suite.with_http(&format!("dangerous-{name}"), url, accepted);
    }
    let many = |count: usize| (1..=count).map(|number| format!("https://cdn{number}.example")).collect::<Vec<_>>();
    let eight = many(8);
    let refs: Vec<_> = eight.iter().map(String::as_str).collect();
    suite.accepts(
        "eight-urls",
        &["P-1.1"],
        &Bundle::new().urls(&json!(eight).to_string()).text(),
        &Root::new().urls(&refs),
    );
    for (name, urls) in [
        ("nine-urls", json!(many(9)).to_string()),
        ("no-urls", "[]".into()),
        ("urls-string", r#""https://cdn.example""#.into()),
        ("urls-null", "null".into()),
        ("urls-of-numbers", "[1]".into()),
        ("one-bad-url-of-two", r#"["https://cdn.example","http://cdn.example"]"#.into()),
    ] {
        suite.refuses(name, &["P-1.1", "P-1.3"], &Bundle::new().urls(&urls).text());
    }
}

/// Organization and project end where they end: the lengths stand before them.
fn store_keys(suite: &mut Setup) {
    for (organization, project) in [("ab", "c"), ("a", "bc")] {
        let bundle = Bundle {
            organization: json!(organization).to_string(),
            project: json!(project).to_string(),
            ..Bundle::new()
        };
        let root = Root { organization: organization.into(), project: project.into(), ..Root::new() };
        suite.accepts(&format!("store-key-of-{organization}-and-{project}"), &["P-3.10"], &bundle.text(), &root);
    }
    let elsewhere = Bundle::new().urls(r#"["https://other.example"]"#);
    suite.accepts(
        "store-key-does-not-depend-on-urls",
        &["P-3.10"],
        &elsewhere.text(),
        &Root::new().urls(&["https://other.example"]),
    );
}
