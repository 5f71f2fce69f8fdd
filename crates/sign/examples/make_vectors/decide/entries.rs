//! Which entry decides, and how far it enforces (P-4.5, P-4.9, P-2.5).

use super::{Decide, asked, pin};
use crate::{key::key, suite::Suite};

pub(super) fn make_suite() -> Suite {
    let mut suite = Decide::new("decide/entries.json", "The most specific entry alone decides; report and percentage.");
    precedence(&mut suite);
    enforcement(&mut suite);
    suite.0
}

fn good() -> String {
    pin("spki-sha256", &key("site").spki(), "")
}

fn wrong() -> String {
    pin("spki-sha256", &key("foreign").spki(), "")
}

fn precedence(suite: &mut Decide) {
    let entries = [
        ("a.example", wrong()),
        ("*.example", good()),
        ("**.example", wrong()),
        ("w.b.example", good()),
        ("**.b.example", good()),
        ("*.c.example", wrong()),
        ("**.c.example", good()),
        ("192.0.2.1", good()),
        ("2001:db8::1", good()),
    ];
    let domains: Vec<_> = entries.iter().map(|(name, pin)| format!(r#"{{"name":"{name}","pins":[{pin}]}}"#)).collect();
    suite.file("nested", &format!("[{}]", domains.join(",")), "");
    let rules = &["P-4.5"];
    let at = |host: &str| asked().file("nested").host(host);
    suite.refused_by("exact-before-patterns-never-merged", rules, at("a.example"), "a.example", "pin_mismatch");
    suite.pinned("one-label-before-any-depth", rules, at("other.example"), "*.example", 0, 0);
    suite.refused_by("any-depth-for-the-name-itself", rules, at("example"), "**.example", "pin_mismatch");
    suite.refused_by("any-depth-for-two-labels", rules, at("x.y.example"), "**.example", "pin_mismatch");
    suite.pinned("one-label-before-a-longer-any-depth", rules, at("b.example"), "*.example", 0, 0);
    suite.pinned("longest-any-depth", rules, at("x.y.b.example"), "**.b.example", 0, 0);
    suite.pinned("exact-below-any-depth", rules, at("w.b.example"), "w.b.example", 0, 0);
    suite.refused_by(
        "one-label-before-any-depth-of-the-same-name",
        rules,
        at("x.c.example"),
        "*.c.example",
        "pin_mismatch",
    );
    suite.pinned("any-depth-where-one-label-does-not-reach", rules, at("x.y.c.example"), "**.c.example", 0, 0);
    suite.pinned("capitals-and-trailing-dot", rules, at("OTHER.Example."), "*.example", 0, 0);
    suite.pinned("ipv4", rules, at("192.0.2.1"), "192.0.2.1", 0, 0);
    suite.pinned("ipv6-in-brackets", rules, at("[2001:DB8:0:0::1]"), "2001:db8::1", 0, 0);
    suite.refused("ipv4-mapped-is-another-host", rules, at("::ffff:192.0.2.1"), "domain_not_registered");
    suite.refused_by(
        "permissive-does-not-soften-an-entry",
        &["P-4.5", "P-4.7"],
        at("a.example").permissive(),
        "a.example",
        "pin_mismatch",
    );
}

fn enforcement(suite: &mut Decide) {
    let wrong = wrong();
    for (file, enforce) in [
        ("always", r#""always""#),
        ("report", r#""report""#),
        ("0", "0"),
        ("1", "1"),
        ("25", "25"),
        ("99", "99"),
        ("100", "100"),
    ] {
        let domains = format!(
            r#"[{{"name":"a.example","enforce":{enforce},"pins":[{wrong}]}},{{"name":"good.example","enforce":{enforce},"pins":[{}]}}]"#,
            good()
        );
        suite.file(file, &domains, "");
    }
    let rules = &["P-2.5", "P-4.9"];
    let mismatch = "pin_mismatch";
    for (file, draw, refused) in [
        ("always", Some(99), true),
        ("always", None, true),
        ("report", Some(0), false),
        ("report", None, false),
        ("0", Some(0), false),
        ("0", None, false),
        ("1", Some(0), true),
        ("1", Some(1), false),
        ("1", None, true),
        ("25", Some(24), true),
        ("25", Some(25), false),
        ("25", None, true),
        ("99", Some(98), true),
        ("99", Some(99), false),
        ("100", Some(99), true),
        ("100", None, true),
    ] {
        let mut asked = asked().file(file);
        asked.draw = draw;
        let name = format!("enforce-{file}-draw-{}", draw.map_or("none".into(), |draw| draw.to_string()));
        if refused {
            suite.refused_by(&name, rules, asked, "a.example", mismatch);
        } else {
            suite.reported(&name, rules, asked, "a.example", mismatch);
        }
    }
    suite.pinned(
        "a-match-is-a-match-under-report",
        rules,
        asked().file("report").host("good.example"),
        "good.example",
        0,
        0,
    );
    suite.reported("report-in-permissive-mode", rules, asked().file("report").permissive(), "a.example", mismatch);
    let refused = asked().file("report").platform("refused");
    suite.refused_by(
        "platform-is-never-softened",
        &["P-4.6", "P-4.9"],
        refused.clone(),
        "a.example",
        "platform_rejected",
    );
    suite.refused_by(
        "platform-is-never-softened-permissive",
        &["P-4.6", "P-4.9"],
        refused.permissive(),
        "a.example",
        "platform_rejected",
    );
    suite.refused_by(
        "platform-is-never-softened-outside-the-draw",
        &["P-4.6", "P-4.9"],
        asked().file("25").draw(99).platform("refused"),
        "a.example",
        "platform_rejected",
    );
}
