use pintle_core::{
    Name, OrganizationId, ProjectId, PublicKey,
    claims::{Domain, Enforce, Pin, PinDigest, PinMatch},
    root::BaseUrl,
};
use pintle_sign::{Signer as _, SigningKey, canonical_claims, make_statement, sign_config};

use super::*;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

struct Shop {
    key: SigningKey,
    root: Root,
}

fn make_root(key: PublicKey, project: &str) -> Root {
    let urls = vec![BaseUrl::parse("https://cdn.example").unwrap()];
    Root::new(OrganizationId::parse("acme").unwrap(), ProjectId::parse(project).unwrap(), key, urls).unwrap()
}

impl Shop {
    fn new() -> Self {
        let key = SigningKey::generate().unwrap();
        let root = make_root(key.public_key(), "shop");
        Self { key, root }
    }

    fn claims(&self, version: u64) -> Claims {
        let domain = Domain::new(Name::parse("api.example.com").unwrap(), vec![pin(1), pin(2)]);
        let ids = (self.root.organization().clone(), self.root.project().clone());
        Claims { domains: vec![domain], ..Claims::new(ids.0, ids.1, version, NOW) }
    }

    fn sign(&self, claims: &Claims) -> Vec<u8> {
        sign_config(&self.key, &canonical_claims(claims), &[], &self.root).unwrap().as_bytes().to_vec()
    }

    fn content(&self, version: u64) -> ExportContent {
        ExportContent {
            made_at: NOW.as_secs(),
            project: "shop/production".to_owned(),
            release: String::from_utf8(self.sign(&self.claims(version))).unwrap(),
            succession: Vec::new(),
            last_version: version,
            second_person: false,
            targets: vec![Target { place: "dir:/srv/pins".parse().unwrap(), credentials: Default::default() }],
        }
    }

    fn export(&self, version: u64) -> Export {
        Export::make(self.root.clone(), self.content(version), NOW).unwrap()
    }
}

fn pin(byte: u8) -> Pin {
    Pin { digest: PinDigest::SpkiSha256([byte; 32]), matches: PinMatch::Leaf, expires_at: None }
}

fn sighting(source: &str, bytes: Vec<u8>) -> Sighting {
    Sighting { source: source.to_owned(), bytes }
}

fn find(shop: &Shop, sightings: Vec<Sighting>) -> Result<Base, EmergencyError> {
    find_base(&shop.root, sightings, NOW).map(|(base, _)| base)
}

#[test]
fn an_export_reads_back_and_holds_no_secret() {
    let shop = Shop::new();
    let json = shop.export(3).to_json();
    let read = Export::parse(&json, NOW).unwrap();
    assert_eq!(read.root().store_key(), shop.root.store_key());
    assert_eq!(read.content().targets, shop.export(3).content().targets);
    let text = String::from_utf8(json).unwrap();
    assert!(!text.contains("PRIVATE"), "{text}");
}

#[test]
fn a_tampered_export_makes_nobody_elses_key_trusted() {
    let (shop, thief) = (Shop::new(), Shop::new());
    let genuine: serde_json::Value = serde_json::from_slice(&shop.export(3).to_json()).unwrap();
    let forged = String::from_utf8(thief.sign(&thief.claims(4))).unwrap();
    let statement =
        make_statement(&thief.key, shop.root.organization(), shop.root.project(), 1, NOW, &thief.key.public_key())
            .unwrap();
    let parse = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut export = genuine.clone();
        change(&mut export);
        Export::parse(export.to_string().as_bytes(), NOW)
    };
    assert!(parse(&|_| ()).is_ok());
    let refused: [&dyn Fn(&mut serde_json::Value); 6] = [
        &|export| export["release"] = forged.clone().into(),
        &|export| export["bundle"]["public_key"] = thief.key.public_key().to_base64().into(),
        &|export| export["bundle"]["project"] = "other".into(),
        &|export| export["succession"] = vec![statement.clone()].into(),
        &|export| export["last_version"] = 2.into(),
        &|export| export["format"] = 2.into(),
    ];
    for (at, change) in refused.iter().enumerate() {
        assert!(parse(change).is_err(), "change {at}");
    }
    for cut in [0, 1, 100, shop.export(3).to_json().len() / 2] {
        assert!(Export::parse(shop.export(3).to_json().get(..cut).unwrap(), NOW).is_err(), "cut at {cut}");
    }
}

#[test]
fn goes_on_from_the_highest_genuine_release_wherever_it_is() {
    let (shop, thief) = (Shop::new(), Shop::new());
    let (third, fifth) = (shop.sign(&shop.claims(3)), shop.sign(&shop.claims(5)));
    let forged = thief.sign(&thief.claims(9));
    let all = vec![sighting("export", third), sighting("cdn", fifth), sighting("bucket", forged)];
    let (base, rejected) = find_base(&shop.root, all, NOW).unwrap();
    assert_eq!((base.claims().version, base.source.as_str()), (5, "cdn"));
    assert_eq!(rejected.iter().map(|(source, _)| source.as_str()).collect::<Vec<_>>(), ["bucket"]);
    assert!(matches!(find(&shop, Vec::new()), Err(EmergencyError::NoBase)));
}

#[test]
fn two_releases_of_one_number_stop_everything() {
    let shop = Shop::new();
    let mut other = shop.claims(3);
    other.refresh_secs = 61;
    let all = vec![sighting("export", shop.sign(&shop.claims(3))), sighting("cdn", shop.sign(&other))];
    assert!(matches!(find(&shop, all), Err(EmergencyError::Split { version: 3, .. })));
}

#[test]
fn an_expired_release_can_be_gone_on_from() {
    let shop = Shop::new();
    let mut claims = shop.claims(3);
    claims.on_stale = pintle_core::claims::OnStale::Fail;
    claims.expires_at = Some(NOW.saturating_add_secs(10));
    let later = NOW.saturating_add_secs(1000);
    let (base, _) = find_base(&shop.root, vec![sighting("cdn", shop.sign(&claims))], later).unwrap();
    let next = base.next_claims(3, later).unwrap();
    assert_eq!(next.expires_at, Some(later.saturating_add_secs(10)));
}

#[test]
fn numbers_leave_a_gap_and_never_reach_the_end() {
    let shop = Shop::new();
    let base = find(&shop, vec![sighting("cdn", shop.sign(&shop.claims(13)))]).unwrap();
    assert_eq!(base.next_claims(0, NOW).unwrap().version, 1013);
    assert_eq!(base.next_claims(40, NOW).unwrap().version, 1040, "numbers that the server gave count as well");
    let next = |last| base.next_claims(last, NOW).map(|claims| claims.version).ok();
    assert_eq!(next(MAX_INTEGER - 1001), Some(MAX_INTEGER - 1));
    assert_eq!(next(MAX_INTEGER - 1000), Some(MAX_INTEGER - 999), "one by one near the end");
    assert_eq!(next(MAX_INTEGER - 2), Some(MAX_INTEGER - 1));
    assert_eq!(next(MAX_INTEGER - 1), None, "nothing could follow the last number");
    assert_eq!(next(MAX_INTEGER), None);
    assert_eq!(next(u64::MAX), None);
    let withdrawal = base.next_withdrawal(13, NOW).unwrap();
    assert!(withdrawal.withdrawn && withdrawal.version == 1013);
    let withdrawn = find(&shop, vec![sighting("cdn", shop.sign(&withdrawal))]).unwrap();
    assert!(matches!(withdrawn.next_claims(0, NOW), Err(EmergencyError::Withdrawn { version: 1013 })));
}

#[test]
fn edits_change_what_they_say_and_nothing_twice() {
    let shop = Shop::new();
    let domain = Name::parse("api.example.com").unwrap();
    let add = Edit::AddPin { domain: domain.clone(), pin: pin(3) };
    let remove = Edit::RemovePin { domain: domain.clone(), pin: "AQEBAQ".to_owned() };
    let report = Edit::Enforce { domain: domain.clone(), enforce: Enforce::Report };
    let edits = [add.clone(), remove, report];
    let mut claims = shop.claims(1);
    assert!(!Edit::are_made(&edits, &claims));
    Edit::apply_all(&edits, &mut claims).unwrap();
    let entry = claims.domains.first().unwrap();
    assert_eq!((entry.pins.as_slice(), entry.enforce), ([pin(2), pin(3)].as_slice(), Enforce::Report));
    assert!(Edit::are_made(&edits, &claims));
    Edit::apply_all(&[add], &mut claims).unwrap();
    assert_eq!(claims.domains.first().unwrap().pins.len(), 2);

    let refused = |edits: &[Edit]| Edit::apply_all(edits, &mut shop.claims(1)).unwrap_err();
    let remove = |pin: &str| Edit::RemovePin { domain: domain.clone(), pin: pin.to_owned() };
    assert!(matches!(refused(&[remove("AQEBAQ"), remove("AgICAg")]), EditError::LastPin { .. }));
    assert!(matches!(refused(&[remove("AQEB")]), EditError::NoPin { .. }), "too short to be meant");
    let elsewhere = Edit::AddPin { domain: Name::parse("b.example.com").unwrap(), pin: pin(3) };
    assert!(matches!(refused(&[elsewhere]), EditError::NoDomain(_)));
}
