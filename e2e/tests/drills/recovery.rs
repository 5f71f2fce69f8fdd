//! A signing key is stolen, and what the thief signs with it is what apps are served, until the recovery key speaks.

use pintle_core::Code;
use pintle_e2e::{
    fleet::Fleet,
    page::Page,
    world::{HIGHEST_NUMBER, HOST, World},
};
use pintle_sign::{Signer, SigningKey};
use pintle_testkit::{
    cdn::{Cdn, Reply},
    certificate::leaf_pin,
    site::Site,
};

use crate::{MINUTE, REFRESH};

/// Three apps that fetch from two CDNs, on both of which the thief can write. The last one keeps its state on disk.
struct Theft {
    world: World,
    cdns: [Cdn; 2],
    bundle: String,
    fleet: Fleet,
}

impl Theft {
    async fn begin() -> Self {
        let world = World::with_recovery_key().await;
        let real = Reply::File(world.fetch("pins.jws").await.1);
        let cdns = [Cdn::start(real.clone()).await, Cdn::start(real).await];
        let bundle = world.bundle_with_urls(&cdns.each_ref().map(Cdn::url));
        let mut theft = Self { fleet: world.fleet(), world, cdns, bundle };
        for _ in 0..2 {
            let build = theft.fleet.builder(&theft.bundle);
            theft.fleet.join(build).await;
        }
        theft.start_app_with_disk().await;
        theft
    }

    async fn start_app_with_disk(&mut self) {
        let build = self.fleet.builder(&self.bundle).storage_dir(self.world.folder().join("app"));
        self.fleet.join(build).await;
    }

    /// Every app takes up what the thief signed.
    async fn publish(&self, stolen: &[u8]) {
        for cdn in &self.cdns {
            cdn.set(Reply::File(stolen.to_vec()));
        }
        self.fleet.live(REFRESH).await;
        self.fleet.wait_for_release(HIGHEST_NUMBER).await;
    }

    fn kids(&self) -> Vec<String> {
        let mut kids: Vec<_> = self.fleet.apps().iter().map(|app| app.kid()).collect();
        kids.dedup();
        kids
    }

    fn recovered_kid(&self) -> String {
        self.world.key("pintle-key-next.pem").public_key().kid().to_string()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thief_who_locks_apps_out_is_shut_out_within_a_minute_of_the_recovery() {
    let mut theft = Theft::begin().await;
    let stolen = theft.world.steal(&theft.world.key("pintle-key.pem"), &[], Vec::new());
    theft.publish(&stolen).await;
    let stolen_at = theft.fleet.now();
    theft.fleet.live(MINUTE).await;
    assert_eq!(theft.fleet.tally(stolen_at).codes(), [Code::DomainNotRegistered.as_str()]);

    let folder = theft.world.folder();
    let mut page = Page::open("recover-key");
    let _said = page.run(folder, "pintle tokens list");
    let _said = page.run(folder, "pintle draft show");
    let began = theft.fleet.now();
    let said = page.run(folder, "pintle keys recover");
    assert!(said.contains("live on every target since"), "{said}");
    let _said = page.run(folder, "pintle bundle --force --key pintle-key-next.pem");
    page.finish();
    // One CDN shows it; the other stays with the thief.
    let recovered = Reply::File(theft.world.fetch("pins.jws").await.1);
    theft.cdns[1].set(recovered);
    let shown = theft.fleet.now();
    theft.fleet.live(MINUTE).await;
    theft.fleet.wait_for_release(2).await;
    theft.fleet.connect().await;
    let back = theft.fleet.last_news(shown);
    let outage = theft.fleet.tally(shown);
    println!(
        "recovery drill, locked out: commands {:.1} s; every app is back {:.0} s after a CDN shows the recovery: {outage}",
        (shown - began).as_secs_f64(),
        (back - shown).as_secs_f64()
    );
    assert!(outage.longest <= MINUTE * 3 / 2, "{outage}");

    // From then on, with a thief who goes on at one CDN, and then again at both.
    let since = theft.fleet.now();
    theft.fleet.live(REFRESH).await;
    for cdn in &theft.cdns {
        cdn.set(Reply::File(stolen.clone()));
    }
    theft.fleet.live(REFRESH).await;
    for app in theft.fleet.apps() {
        assert_eq!(app.troubles().last().map(|(_, code)| *code), Some(Code::ConfigRollback));
    }
    // From disk, without the network's help.
    theft.fleet.leave();
    theft.start_app_with_disk().await;
    theft.fleet.connect().await;
    let tally = theft.fleet.tally(since);
    println!("recovery drill, afterwards: {tally}");
    assert!(tally.refused.is_empty(), "{tally}");
    assert_eq!(theft.kids(), [theft.recovered_kid()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thief_who_lets_himself_in_is_shut_out_with_the_next_refresh() {
    let theft = Theft::begin().await;
    let (world, fleet) = (&theft.world, &theft.fleet);
    let began = fleet.now();
    // The thief has a certificate, too, and adds its pin to those that apps have: nobody notices anything.
    let certificate = world.authority.issue(&[HOST]);
    let his_site = Site::start(&certificate).await;
    let his = his_site.address();
    let mut domains = fleet.apps()[0].pintle().snapshot().config().unwrap().claims().domains.clone();
    domains[0].pins.push(leaf_pin(certificate.leaf()));
    // The longest chain there is, so that nothing can be added to it.
    let keys: Vec<SigningKey> = (0..32).map(|_| SigningKey::generate().unwrap()).collect();
    let stolen_key = world.key("pintle-key.pem");
    let signers = std::iter::once(&stolen_key).chain(&keys);
    let chain: Vec<String> =
        signers.zip(&keys).zip(1..).map(|((signer, key), seq)| world.statement(signer, seq, key)).collect();
    assert_eq!(chain.len(), 32);
    theft.publish(&world.steal(&keys[31], &chain, domains)).await;
    assert_eq!(fleet.apps()[0].refusal(HOST, his).await, None, "a stolen key is believed: that is what theft means");

    let _said = world.run(&["keys", "recover", "--yes"]);
    let recovered = Reply::File(world.fetch("pins.jws").await.1);
    for cdn in &theft.cdns {
        cdn.set(recovered.clone());
    }
    let shown = fleet.now();
    fleet.live(REFRESH).await;
    fleet.wait_for_release(2).await;
    let back = fleet.last_news(shown);
    for app in fleet.apps() {
        assert_eq!(app.refusal(HOST, his).await, Some(Code::PinMismatch));
    }
    let tally = fleet.tally(began);
    println!(
        "recovery drill, intercepted: the thief is shut out {:.0} s after the CDNs show the recovery; {tally}",
        (back - shown).as_secs_f64()
    );
    assert!(tally.refused.is_empty(), "{tally}");
    assert_eq!(theft.kids(), [theft.recovered_kid()]);
}
