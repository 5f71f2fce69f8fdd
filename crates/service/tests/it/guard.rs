//! What the guard says of a release, case by case: no network, the certificates are made here.

use std::collections::HashMap;

use pintle_api::{FindingCode as Code, FindingOverride, Severity};
use pintle_core::{
    HostName, Name, OrganizationId, ProjectId, UnixTime,
    claims::{Claims, CtLog, CtPolicy, CtRequirement, Domain, Enforce, Pin, PinDigest, PinMatch, PinType, Trust},
};
use pintle_discover::Endpoint;
use pintle_path::Roots;
use pintle_service::guard::{
    GuardInput, Observation, PastRelease, Sight, Trend, find_blocking, guard, list_endpoints, rehearse, shorten,
};
use pintle_sign::{Signer, SigningKey};
use pintle_testkit::certificate::{Authority, SiteCertificate, issuer_pin, leaf_pin, pin};

use crate::support::NOW;

const HOST: &str = "api.example.com";
const DAY_SECS: u64 = 86_400;

/// A server, the CA the platform trusts, and what is released before and next.
struct Case {
    root: Authority,
    site: SiteCertificate,
    next: Claims,
    previous: Option<Claims>,
    history: Option<Vec<PastRelease>>,
    trends: HashMap<String, Trend>,
    observations: Vec<Observation>,
    oldest_level: u32,
}

impl Case {
    /// A server whose key is pinned, with a backup beside it; nothing to find.
    fn good() -> Self {
        let root = Authority::root("Root");
        let site = root.subordinate("Intermediate").issue(&[HOST]);
        let next = claims(vec![entry(HOST, vec![leaf_pin(site.leaf()), backup()])]);
        let observations = vec![observe(HOST, vec![served(&site)])];
        let trends = HashMap::new();
        let (previous, history) = (None, None);
        Self { root, site, next, previous, history, trends, observations, oldest_level: 1 }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn entry(&mut self) -> &mut Domain {
        self.next.domains.first_mut().unwrap()
    }

    fn run(&self) -> Vec<pintle_api::Finding> {
        let mut roots = Roots::default();
        roots.add_certificate(self.root.certificate().clone()).unwrap();
        let next = rehearse(&self.next, NOW).unwrap();
        let previous = self.previous.as_ref().map(|claims| rehearse(claims, NOW).unwrap());
        guard(&GuardInput {
            next: &next,
            previous: previous.as_ref(),
            history: self.history.as_deref(),
            trends: Some(&self.trends),
            observations: &self.observations,
            roots: &roots,
            oldest_level: self.oldest_level,
            now: NOW,
        })
    }

    fn codes(&self) -> Vec<(Code, Severity)> {
        self.run().into_iter().map(|finding| (finding.code, finding.severity)).collect()
    }

    #[track_caller]
    fn finds(self, expected: &[(Code, Severity)]) -> Self {
        assert_eq!(self.codes(), expected, "{:#?}", self.run());
        self
    }

    #[track_caller]
    fn says(self, part: &str) {
        let findings = self.run();
        assert!(findings.first().is_some_and(|finding| finding.detail.contains(part)), "{part}: {findings:#?}");
    }
}

const REFUSED: &[(Code, Severity)] = &[(Code::WouldRefuse, Severity::Error)];

fn claims(domains: Vec<Domain>) -> Claims {
    let ids = (OrganizationId::parse("o").unwrap(), ProjectId::parse("p").unwrap());
    Claims { domains, ..Claims::new(ids.0, ids.1, 2, NOW) }
}

fn entry(name: &str, pins: Vec<Pin>) -> Domain {
    Domain::new(Name::parse(name).unwrap(), pins)
}

fn backup() -> Pin {
    leaf_pin(SiteCertificate::self_signed(&["backup"]).leaf())
}

fn served(site: &SiteCertificate) -> Sight {
    served_at("192.0.2.1:443", site)
}

fn served_at(address: &str, site: &SiteCertificate) -> Sight {
    Sight::Chain { address: Some(address.parse().unwrap()), chain: site.chain.clone(), ocsp_response: Vec::new() }
}

fn observe(endpoint: &str, sights: Vec<Sight>) -> Observation {
    Observation { endpoint: Endpoint::parse(endpoint).unwrap(), sights }
}

fn expiring(pin: Pin, days: u64) -> Pin {
    Pin { expires_at: Some(NOW.saturating_add_secs(days * DAY_SECS)), ..pin }
}

fn past(days: u64, claims: &Claims) -> PastRelease {
    PastRelease::new(UnixTime::from_secs(NOW.as_secs() - days * DAY_SECS), claims)
}

#[test]
fn a_server_whose_key_is_pinned_beside_a_backup_is_fine() {
    Case::good().finds(&[]);
}

#[test]
fn a_live_server_that_no_pin_matches_is_an_error() {
    let other = || vec![backup(), backup()];
    Case::good()
        .with(|case| case.entry().pins = other())
        .finds(REFUSED)
        .says("every app would refuse it with pin_mismatch");
    // One in a hundred is cut off, too.
    let one_percent = Case::good().with(|case| {
        case.entry().pins = other();
        case.entry().enforce = Enforce::Percent(1);
    });
    one_percent.finds(REFUSED).says("the apps of 1 % of installations");
    let report = Case::good().with(|case| {
        case.entry().pins = other();
        case.entry().enforce = Enforce::Report;
    });
    report.finds(&[(Code::WouldReport, Severity::Warning)]).says("would report pin_mismatch");
}

#[test]
fn every_chain_and_every_address_counts() {
    let rsa_too = Case::good().with(|case| {
        let second = case.root.subordinate("Other").issue(&[HOST]);
        case.observations[0].sights.push(served(&second));
    });
    rsa_too.finds(REFUSED);
    let elsewhere = Case::good().with(|case| {
        case.observations[0].sights.push(served_at("192.0.2.9:443", &case.root.issue(&[HOST])));
    });
    elsewhere.finds(REFUSED).says("192.0.2.9:443");
}

#[test]
fn what_the_platform_refuses_is_an_error_whatever_the_pins_and_even_under_report() {
    for enforce in [Enforce::Always, Enforce::Report] {
        let untrusted = Case::good().with(|case| {
            case.root = Authority::root("Stranger");
            case.entry().enforce = enforce;
        });
        untrusted.finds(REFUSED).says("platform_rejected");
    }
    let expired = Case::good().with(|case| {
        case.site = case.root.issue_expired(&[HOST]);
        case.next.domains[0].pins[0] = leaf_pin(case.site.leaf());
        case.observations[0].sights = vec![served(&case.site)];
    });
    assert!(expired.codes().contains(&REFUSED[0]));
}

#[test]
fn a_denied_key_of_a_live_server_is_an_error() {
    let denied = Case::good().with(|case| {
        let pin = leaf_pin(case.site.leaf());
        case.next.deny.insert(pin.digest.as_bytes().try_into().unwrap());
    });
    denied.finds(REFUSED).says("key_denied");
}

#[test]
fn a_private_pki_is_judged_by_its_pins_alone() {
    let private = Case::good().with(|case| {
        case.root = Authority::root("Stranger");
        case.entry().trust = Trust::Pins;
    });
    private.finds(&[]);
}

#[test]
fn a_pinned_root_that_the_server_does_not_send_cuts_off_platforms_that_tell_no_path() {
    let by_root = Case::good().with(|case| case.next.domains[0].pins[0] = issuer_pin(case.root.certificate()));
    by_root.finds(REFUSED).says("Android, Apple and Windows");
    let by_intermediate = Case::good().with(|case| case.next.domains[0].pins[0] = issuer_pin(&case.site.chain[1]));
    by_intermediate.finds(&[]);
}

#[test]
fn an_intermediate_that_is_merely_appended_proves_nothing() {
    let forged = Case::good().with(|case| {
        let pinned = case.root.subordinate("Pinned");
        let forged = case.root.issue(&[HOST]).padded_with(pinned.certificate());
        case.next.domains[0].pins[0] = issuer_pin(pinned.certificate());
        case.observations[0].sights = vec![served(&forged)];
    });
    forged.finds(REFUSED);
}

#[test]
fn says_when_the_last_release_refuses_it_as_well() {
    let both = Case::good().with(|case| {
        case.entry().pins = vec![backup(), backup()];
        case.previous = Some(case.next.clone());
    });
    both.finds(REFUSED).says("with the last release, too");
}

#[test]
fn an_entry_without_a_pin_that_counts_is_an_error() {
    for pins in [vec![], vec![expiring(backup(), 0)]] {
        let unseen = Case::good().with(|case| {
            case.entry().pins = pins;
            case.observations.clear();
        });
        unseen.finds(&[(Code::NoUsablePin, Severity::Error), (Code::NotLookedAt, Severity::Note)]);
    }
    let report = Case::good().with(|case| {
        case.entry().pins.clear();
        case.entry().enforce = Enforce::Report;
    });
    assert!(report.codes().contains(&(Code::NoUsablePin, Severity::Warning)));
}

#[test]
fn a_public_suffix_is_an_error_even_under_report() {
    for name in ["co.uk", "*.com", "**.github.io"] {
        for enforce in [Enforce::Always, Enforce::Report] {
            let found = Case::good().with(|case| {
                case.next.domains.push(Domain { enforce, ..entry(name, vec![backup(), backup()]) });
            });
            assert_eq!(found.codes().first(), Some(&(Code::PublicSuffix, Severity::Error)), "{name}");
        }
    }
}

#[test]
fn a_level_above_the_oldest_app_is_an_error() {
    Case::good().with(|case| case.oldest_level = 0).finds(&[(Code::LevelTooNew, Severity::Error)]);
}

#[test]
fn ct_that_nothing_can_meet_is_an_error_while_the_list_counts() {
    let asking = |days: u64, enforce| {
        Case::good().with(|case| {
            let key = || SigningKey::generate().unwrap().public_key();
            let logs = [key(), key()].map(|key| CtLog::new(key, "one operator".to_owned(), None));
            case.next.ct_logs = logs.to_vec();
            case.next.ct_logs_as_of = Some(UnixTime::from_secs(NOW.as_secs() - days * DAY_SECS));
            case.entry().ct = CtRequirement { policy: CtPolicy::Verified, ..CtRequirement::default() };
            case.entry().enforce = enforce;
            case.observations.clear();
        })
    };
    let weights =
        |case: &Case| case.run().into_iter().find(|finding| finding.code == Code::CtUnsatisfiable).unwrap().severity;
    assert_eq!(weights(&asking(1, Enforce::Always)), Severity::Error);
    assert_eq!(weights(&asking(1, Enforce::Report)), Severity::Warning);
    assert_eq!(weights(&asking(71, Enforce::Always)), Severity::Warning);
    let is_old = |case: &Case| case.codes().contains(&(Code::CtListOld, Severity::Warning));
    assert_eq!((is_old(&asking(60, Enforce::Always)), is_old(&asking(61, Enforce::Always))), (false, true));
}

#[test]
fn a_certificate_without_the_scts_asked_for_is_refused_or_reported() {
    let asking = |enforce| {
        Case::good().with(|case| {
            let ct = CtRequirement { policy: CtPolicy::Declared, min: 1, logs: Some([[7; 32]].into()) };
            *case.entry() = Domain { ct, enforce, ..case.next.domains[0].clone() };
        })
    };
    let declared = (Code::CtDeclaredOnly, Severity::Warning);
    asking(Enforce::Always).finds(&[REFUSED[0], declared]).says("ct_not_satisfied");
    asking(Enforce::Report).finds(&[(Code::WouldReport, Severity::Warning), declared]).says("ct_not_satisfied");
}

#[test]
fn fewer_than_two_pins_or_none_outside_the_chain_is_a_warning() {
    let one = Case::good().with(|case| case.entry().pins.truncate(1));
    one.finds(&[(Code::NoBackupPin, Severity::Warning)]);
    let in_chain = Case::good().with(|case| case.next.domains[0].pins[1] = issuer_pin(&case.site.chain[1]));
    in_chain.finds(&[(Code::NoBackupOutsideChain, Severity::Warning)]);
}

#[test]
fn a_removed_pin_of_a_live_certificate_is_a_warning() {
    let removed = Case::good().with(|case| {
        case.previous = Some(case.next.clone());
        case.next.domains[0].pins[0] = pin(&case.site.chain[0], PinType::CertSha256, PinMatch::Leaf);
    });
    removed.finds(&[(Code::LivePinRemoved, Severity::Warning)]);
    let backup_removed = Case::good().with(|case| {
        case.previous = Some(case.next.clone());
        case.next.domains[0].pins[1] = backup();
    });
    backup_removed.finds(&[]);
}

#[test]
fn a_domain_that_is_covered_no_longer_is_a_warning() {
    let before = |names: &[&str]| Some(claims(names.iter().map(|name| entry(name, vec![backup()])).collect()));
    let gone = Case::good().with(|case| case.previous = before(&["gone.example.com", "*.example.com"]));
    gone.finds(&[(Code::DomainRemoved, Severity::Warning), (Code::DomainRemoved, Severity::Warning)]);
    let covered = Case::good().with(|case| {
        case.previous = before(&["x.example.com"]);
        case.next.domains.push(entry("*.example.com", vec![backup(), backup()]));
    });
    covered.finds(&[(Code::NotLookedAt, Severity::Note)]);
}

#[test]
fn what_expires_soon_is_a_warning() {
    let soon: &[_] = &[(Code::PinsExpireSoon, Severity::Warning)];
    let with = |first: Option<u64>, second: Option<u64>| {
        Case::good().with(|case| {
            for (pin, days) in case.entry().pins.iter_mut().zip([first, second]) {
                pin.expires_at = days.map(|days| NOW.saturating_add_secs(days * DAY_SECS));
            }
        })
    };
    with(Some(30), None).finds(soon).says("A pin");
    with(Some(31), None).finds(&[]);
    with(Some(31), Some(60)).finds(soon).says("The last pin of api.example.com expires in 60 days");
    with(Some(31), Some(61)).finds(&[]);
}

#[test]
fn a_served_certificate_that_ends_soon_is_a_warning() {
    let soon: &[_] = &[(Code::CertificateExpiresSoon, Severity::Warning)];
    let serving = |age_days: u64, left_days: u64, left_secs: u64| {
        Case::good().with(|case| {
            let valid = NOW.as_secs() - age_days * DAY_SECS..NOW.as_secs() + left_days * DAY_SECS + left_secs;
            let site = case.root.renew_between(&[HOST], &case.site, valid);
            case.observations[0].sights = vec![served(&site)];
        })
    };
    // Of 90 days the last fourteen, of six the last third.
    serving(77, 13, DAY_SECS - 1).finds(soon).says("which ends in 13 days");
    serving(76, 14, 0).finds(&[]);
    serving(4, 1, DAY_SECS - 10).finds(soon).says("which ends in 1 day");
    serving(4, 2, 0).finds(&[]);
}

#[test]
fn an_endpoint_that_nobody_reached_is_a_warning_and_one_of_several_addresses_a_note() {
    let silent = || Sight::Unreachable { problem: "connection refused".to_owned() };
    let case = Case::good().with(|case| case.observations[0].sights = vec![silent()]);
    case.finds(&[(Code::Unreachable, Severity::Warning)]).says("connection refused");
    Case::good().with(|case| case.observations[0].sights.push(silent())).finds(&[(Code::NotLookedAt, Severity::Note)]);
    let late = Sight::NotLookedAt { problem: "no time".to_owned() };
    Case::good().with(|case| case.observations[0].sights = vec![late]).finds(&[(Code::NotLookedAt, Severity::Note)]);
}

#[test]
fn nothing_seen_at_all_is_one_note_and_a_wildcard_without_hosts_is_one() {
    let note: &[_] = &[(Code::NotLookedAt, Severity::Note)];
    let more = |case: &mut Case| case.next.domains.push(entry("*.example.com", vec![backup(), backup()]));
    Case::good().with(more).finds(note).says("No host stands for *.example.com");
    Case::good().with(more).with(|case| case.observations.clear()).finds(note).says("No live endpoint");
    let watched = Case::good().with(more).with(|case| {
        let site = case.root.issue(&["www.example.com"]);
        case.observations.push(observe("www.example.com:8443", vec![served(&site)]));
    });
    watched.finds(REFUSED).says("www.example.com:8443");
}

#[test]
fn enforcing_more_without_a_week_of_trial_is_a_warning() {
    let jump: &[_] = &[(Code::NoReportPeriod, Severity::Warning)];
    let with = |releases: &[(u64, Option<Enforce>)]| {
        Case::good().with(|case| {
            let say = |enforce: Option<Enforce>| {
                claims(enforce.into_iter().map(|enforce| Domain { enforce, ..case.next.domains[0].clone() }).collect())
            };
            case.previous = releases.first().map(|(_, enforce)| say(*enforce));
            case.history = Some(releases.iter().map(|(days, enforce)| past(*days, &say(*enforce))).collect());
        })
    };
    let (report, some, always) = (Some(Enforce::Report), Some(Enforce::Percent(10)), Some(Enforce::Always));
    with(&[]).finds(&[]);
    with(&[(1, None)]).finds(jump);
    with(&[(6, report)]).finds(jump);
    with(&[(7, report)]).finds(&[]);
    with(&[(1, some), (7, report)]).finds(&[]);
    with(&[(1, some), (2, None), (9, report)]).finds(jump);
    with(&[(1, always), (2, None)]).finds(&[]);
}

#[test]
fn a_file_near_the_limit_is_a_warning() {
    // A pin takes 80 bytes of the claims, 107 signed.
    let with_pins = |count: u32| {
        let padding = |n: u32| {
            let digest = PinDigest::derive(PinType::SpkiSha256, &n.to_be_bytes(), &[]);
            Pin { digest, ..backup() }
        };
        Case::good().with(|case| case.entry().pins.extend((0..count).map(padding)))
    };
    with_pins(33_000).finds(&[(Code::SizeNearLimit, Severity::Warning)]);
    with_pins(26_000).finds(&[]);
}

#[test]
fn an_empty_file_is_a_warning_and_a_withdrawal_is_never_in_its_own_way() {
    let empty = Case::good().with(|case| {
        case.next.domains.clear();
        case.observations.clear();
    });
    empty.finds(&[(Code::NoDomains, Severity::Warning)]);
    let withdrawn = Case::good().with(|case| {
        case.entry().pins.clear();
        case.next = Claims { withdrawn: true, domains: vec![], ..case.next.clone() };
    });
    withdrawn.finds(&[]);
}

#[test]
fn an_error_blocks_unless_it_is_overridden_where_it_stands() {
    let findings = Case::good().with(|case| case.entry().pins.clear()).run();
    let of = |code, domain: Option<&str>| FindingOverride { code, domain: domain.map(str::to_owned) };
    let blocking = |overrides: &[FindingOverride]| find_blocking(&findings, overrides).count();
    assert_eq!(blocking(&[]), 2, "{findings:?}");
    assert_eq!(blocking(&[of(Code::NoUsablePin, Some(HOST))]), 1);
    assert_eq!(blocking(&[of(Code::NoUsablePin, Some("other.example.com")), of(Code::WouldRefuse, None)]), 1);
    assert_eq!(blocking(&[of(Code::NoUsablePin, None), of(Code::WouldRefuse, Some(HOST))]), 0);
}

#[test]
fn a_thousand_errors_are_all_judged_and_two_hundred_listed() {
    let domains = (0..1000).map(|number| entry(&format!("h{number}.example.com"), vec![])).collect();
    let findings = Case::good().with(|case| case.next = claims(domains)).run();
    assert_eq!(find_blocking(&findings, &[]).count(), 1000);
    let listed = shorten(findings);
    assert_eq!(listed.len(), 201);
    assert_eq!(listed.last().map(|finding| finding.code), Some(Code::MoreFindings));
    assert!(listed.last().unwrap().detail.contains("801 more findings, 800 of them errors"), "{:?}", listed.last());
}

#[test]
fn a_hostile_certificate_is_quoted_without_its_control_characters() {
    let hostile = Case::good().with(|case| {
        let root = Authority::root("\u{1b}]0;owned\u{7}Root\u{202E}");
        let site = root.issue(&[HOST]);
        case.root = root;
        case.observations[0].sights = vec![served(&site)];
    });
    let findings = hostile.run();
    assert!(findings[0].detail.contains("owned"), "{findings:?}");
    assert!(findings.iter().all(|finding| !finding.detail.contains(['\u{1b}', '\u{7}', '\u{202E}'])), "{findings:?}");
}

#[test]
fn hosts_that_enforce_are_looked_at_first_and_those_named_in_place_of_the_entry() {
    let report = Domain { enforce: Enforce::Report, ..entry("a.example.com", vec![]) };
    let claims =
        claims(vec![report, entry("**.example.com", vec![]), entry("*.x.example.com", vec![]), entry(HOST, vec![])]);
    let watch = [("**.example.com".to_owned(), vec![Endpoint::parse("www.example.com:8443").unwrap()])].into();
    let endpoints: Vec<_> = list_endpoints(&claims, &watch).iter().map(ToString::to_string).collect();
    assert_eq!(
        endpoints,
        ["www.example.com:8443", HOST, "a.example.com"].map(|host| Endpoint::parse(host).unwrap().to_string())
    );
    assert_eq!(HostName::parse(HOST).unwrap().to_string(), HOST);
}

#[test]
fn who_raises_an_entry_hears_what_apps_reported_of_it_and_is_stopped_by_a_jump() {
    let trend = |recent, usual| Trend { recent, usual, week: recent };
    let raised = |trend| {
        Case::good().with(|case| {
            let mut previous = case.next.clone();
            previous.domains.first_mut().unwrap().enforce = Enforce::Percent(10);
            case.previous = Some(previous);
            case.trends.insert(HOST.to_owned(), trend);
        })
    };
    raised(trend(0, 0)).finds(&[]);
    raised(trend(19, 0)).finds(&[(Code::ViolationsReported, Severity::Warning)]);
    raised(trend(20, 0)).finds(&[(Code::ViolationsJumped, Severity::Error)]);
    raised(trend(59, 20)).finds(&[(Code::ViolationsReported, Severity::Warning)]);
    raised(trend(60, 20)).finds(&[(Code::ViolationsJumped, Severity::Error)]);
    // Nobody stops who leaves it as it is, or lowers it.
    raised(trend(60, 20)).with(|case| case.entry().enforce = Enforce::Percent(10)).finds(&[]);
    raised(trend(60, 20)).with(|case| case.entry().enforce = Enforce::Percent(5)).finds(&[]);
}
