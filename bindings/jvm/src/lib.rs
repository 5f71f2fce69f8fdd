//! The native half of the Kotlin library `pintle`: [`pintle_sdk::Installation`] in Java's types. It has no rule of its own.
//!
//! Java holds numbers, never pointers: one that was closed, or never given out, names nothing and is answered with
//! `setup_invalid`. Everything may be called from any thread; what waits says how long at most.

mod edge;
mod handles;
mod host;
#[cfg(feature = "dangerous-test")]
pub mod test_door;

use std::{sync::Arc, time::Duration};

use jni::{
    Env, EnvUnowned, JValue, jni_mangle, jni_sig, jni_str,
    objects::{JByteArray, JClass, JObject, JObjectArray, JString},
    sys::{jboolean, jint, jlong},
};
use pintle_core::{
    Code, Decision, HostName, Mode,
    decide::{PlatformVerdict, Verdict},
    der::Certificate,
    root::UncheckedBundle,
};
use pintle_sdk::{
    Action, Answer, Environment, Evidence, Fed, Fetch, FetchError, Installation, Setup, SystemEnvironment, user_agent,
};
use rustls_pki_types::CertificateDer;

use crate::{
    edge::{Failure, Throw, bytes, bytes_or_none, chain, text, text_or_none},
    handles::Handle,
    host::Host,
};

/// How an installation is set up, as Java gives it.
struct Options<'local> {
    bundle: JByteArray<'local>,
    seed: JByteArray<'local>,
    permissive: jboolean,
    fetch_timeout_millis: jlong,
    storage_dir: JString<'local>,
    report_to: JString<'local>,
    http_loopback: jboolean,
    host: JObject<'local>,
}

impl Options<'_> {
    fn start(&self, env: &mut Env<'_>, environment: Arc<dyn Environment>) -> Result<Installation, Failure> {
        let parsed = Setup::parse_bundle(&bytes(env, &self.bundle)?, self.http_loopback);
        let collector = text_or_none(env, &self.report_to)?;
        let parsed = parsed.and_then(|setup| setup.with_collector(collector.as_deref()));
        let setup = parsed.map_err(|error| Failure::said(Code::SetupInvalid, &error))?;
        let setup = Setup {
            seed: bytes_or_none(env, &self.seed)?,
            mode: mode(self.permissive),
            fetch_timeout: millis(self.fetch_timeout_millis),
            storage_dir: text_or_none(env, &self.storage_dir)?.map(Into::into),
            ..setup
        };
        let host = Arc::new(Host::new(env, &self.host)?);
        let woken = host.clone();
        Ok(Installation::start(setup, environment, vec![host.listener()], move || woken.wake()))
    }
}

const fn mode(permissive: bool) -> Mode {
    if permissive { Mode::Permissive } else { Mode::Strict }
}

/// Whatever is no time is none.
fn millis(millis: jlong) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

fn number(count: u64) -> jlong {
    jlong::try_from(count).unwrap_or(jlong::MAX)
}

/// `pintle.json` from the values in it.
#[jni_mangle("pintle.Native")]
pub fn bundle<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    organization: JString<'local>,
    project: JString<'local>,
    public_key: JString<'local>,
    urls: JObjectArray<'local, JString<'local>>,
    recovery_key: JString<'local>,
    built_at: jlong,
) -> JByteArray<'local> {
    let outcome = env.with_env(|env| {
        let mut texts = Vec::new();
        for index in 0..urls.len(env)? {
            let url = urls.get_element(env, index)?;
            texts.push(text(env, &url)?);
        }
        let recovery_key = text_or_none(env, &recovery_key)?;
        let before_1970 = |_| Failure::said(Code::SetupInvalid, &"`builtAt` lies before 1970");
        let bundle = UncheckedBundle {
            organization: &text(env, &organization)?,
            project: &text(env, &project)?,
            public_key: &text(env, &public_key)?,
            recovery_key: recovery_key.as_deref(),
            urls: texts.iter().map(String::as_str).collect(),
            built_at: Some(u64::try_from(built_at).map_err(before_1970)?),
        };
        Ok::<_, Failure>(env.byte_array_from_slice(bundle.to_json().as_bytes())?)
    });
    outcome.resolve::<Throw>()
}

/// Starts from disk and seed; gives its number.
#[jni_mangle("pintle.Native")]
pub fn open<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    bundle: JByteArray<'local>,
    seed: JByteArray<'local>,
    permissive: jboolean,
    fetch_timeout_millis: jlong,
    storage_dir: JString<'local>,
    report_to: JString<'local>,
    http_loopback: jboolean,
    host: JObject<'local>,
) -> jlong {
    let options =
        Options { bundle, seed, permissive, fetch_timeout_millis, storage_dir, report_to, http_loopback, host };
    let outcome = env.with_env(|env| {
        let installation = options.start(env, Arc::new(SystemEnvironment::default()))?;
        Ok::<_, Failure>(handles::keep(Handle::new(installation)))
    });
    outcome.resolve::<Throw>()
}

/// Forgets the number. Whoever is inside another function with it finishes there.
#[jni_mangle("pintle.Native")]
pub fn close<'local>(mut env: EnvUnowned<'local>, _class: JClass<'local>, handle: jlong) {
    let outcome = env.with_env(|_| {
        handles::forget(handle);
        Ok::<_, Failure>(())
    });
    outcome.resolve::<Throw>();
}

/// What to do now: a `pintle.Task`.
#[jni_mangle("pintle.Native")]
pub fn poll<'local>(mut env: EnvUnowned<'local>, _class: JClass<'local>, handle: jlong) -> JObject<'local> {
    let outcome = env.with_env(|env| {
        let handle = handles::find(handle)?;
        match handle.installation.poll() {
            Action::Idle { until } => {
                let wait = handle.installation.wait_until(until);
                task(env, &[0, 0, as_millis(wait)], None)
            }
            Action::Fetch(fetch) => {
                let max_bytes = jlong::try_from(fetch.max_bytes).unwrap_or(jlong::MAX);
                let id = number(handle.outstanding.hand_out(fetch.clone()));
                task(env, &[id, max_bytes, as_millis(fetch.timeout)], Some(&fetch))
            }
        }
    });
    outcome.resolve::<Throw>()
}

fn as_millis(duration: Duration) -> jlong {
    // Rounded up: whoever waits comes late rather than early.
    jlong::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(jlong::MAX)
}

fn task<'local>(
    env: &mut Env<'local>,
    [id, max_bytes, millis]: &[jlong; 3],
    fetch: Option<&Fetch>,
) -> Result<JObject<'local>, Failure> {
    let url = edge::java_text(env, fetch.map(|fetch| fetch.url.as_str()))?;
    let body = match fetch.and_then(|fetch| fetch.body.as_deref()) {
        Some(body) => env.byte_array_from_slice(body)?.into(),
        None => JObject::null(),
    };
    let etag = edge::java_text(env, fetch.and_then(|fetch| fetch.etag.as_deref()))?;
    let arguments = [
        JValue::Long(*id),
        JValue::Object(&url),
        JValue::Object(&body),
        JValue::Object(&etag),
        JValue::Bool(fetch.is_some_and(|fetch| fetch.no_cache)),
        JValue::Long(*max_bytes),
        JValue::Long(*millis),
    ];
    let signature = jni_sig!("(JLjava/lang/String;[BLjava/lang/String;ZJJ)V");
    Ok(env.new_object(jni_str!("pintle/Task"), signature, &arguments)?)
}

/// Gives a server's answer: `updated`, `unchanged`, `too_late`, or the code of what was of no use.
#[jni_mangle("pintle.Native")]
pub fn answer<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
    id: jlong,
    status: jint,
    etag: JString<'local>,
    retry_after: JString<'local>,
    body: JByteArray<'local>,
) -> JString<'local> {
    let outcome = env.with_env(|env| {
        let status = u16::try_from(status).unwrap_or(u16::MAX);
        let (etag, retry_after) = (text_or_none(env, &etag)?, text_or_none(env, &retry_after)?);
        let answer = Answer::from_http(status, etag, retry_after.as_deref(), bytes(env, &body)?);
        feed(env, handle, id, answer)
    });
    outcome.resolve::<Throw>()
}

/// Says that there was no complete answer, and why.
#[jni_mangle("pintle.Native")]
pub fn fail<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
    id: jlong,
    error: JString<'local>,
) -> JString<'local> {
    let outcome = env.with_env(|env| {
        let answer = Answer::Failed(FetchError::Transport(text(env, &error)?));
        feed(env, handle, id, answer)
    });
    outcome.resolve::<Throw>()
}

fn feed<'local>(env: &mut Env<'local>, handle: jlong, id: jlong, answer: Answer) -> Result<JString<'local>, Failure> {
    let handle = handles::find(handle)?;
    let fetch = u64::try_from(id).ok().and_then(|id| handle.outstanding.take_back(id));
    let judged = match fetch.map(|fetch| handle.installation.feed(&fetch, answer)) {
        Some(Fed::Updated) => "updated",
        Some(Fed::Unchanged) => "unchanged",
        Some(Fed::TooLate) | None => "too_late",
        Some(Fed::Rejected(error)) => error.code().as_str(),
    };
    Ok(env.new_string(judged)?)
}

/// Decides a connection. `path` is what the platform verified, or null; with `may_wait` it waits for news where they may change
/// a refusal.
#[jni_mangle("pintle.Native")]
pub fn check<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
    host: JString<'local>,
    presented: JObjectArray<'local, JByteArray<'local>>,
    path: JObjectArray<'local, JByteArray<'local>>,
    accepted: jboolean,
    may_wait: jboolean,
    ocsp_response: JByteArray<'local>,
    sct_list: JByteArray<'local>,
) -> JObject<'local> {
    let outcome = env.with_env(|env| {
        let handle = handles::find(handle)?;
        let (host, presented) = (text(env, &host)?, chain(env, &presented)?);
        let path = if path.is_null() { None } else { Some(chain(env, &path)?) };
        let (ocsp, scts) = (bytes_or_none(env, &ocsp_response)?, bytes_or_none(env, &sct_list)?);
        let platform = if accepted { PlatformVerdict::Accepted } else { PlatformVerdict::Refused };
        let evidence = match &path {
            Some(path) => Evidence::judged_with_path(&presented, platform, path),
            None => Evidence::judged(&presented, platform),
        };
        let evidence = evidence.with_ocsp_response(ocsp.as_deref().unwrap_or_default()).with_sct_list(scts.as_deref());
        let decision = match may_wait {
            true => handle.installation.check_and_wait(&host, &evidence),
            false => handle.installation.engine().check(&host, &evidence),
        };
        decision_in_java(env, &decision)
    });
    outcome.resolve::<Throw>()
}

fn decision_in_java<'local>(env: &mut Env<'local>, decision: &Decision) -> Result<JObject<'local>, Failure> {
    // As `pintle.Verdict` counts.
    let (verdict, entry, place) = match &decision.verdict {
        Verdict::Pinned { domain, pin, position } => (0, Some(domain), Some((*pin, *position))),
        Verdict::NotCovered => (1, None, None),
        Verdict::Reported { domain, .. } => (2, Some(domain), None),
        Verdict::Refused { domain, .. } => (3, domain.as_ref(), None),
    };
    let place = place.map(|(pin, position)| [pin, position].map(|at| jint::try_from(at).unwrap_or(jint::MAX)));
    let [pin, position] = place.unwrap_or([-1, -1]);
    let code = edge::java_text(env, decision.code().map(Code::as_str))?;
    let entry = edge::java_text(env, entry.map(ToString::to_string).as_deref())?;
    let arguments = [
        JValue::Int(verdict),
        JValue::Object(&code),
        JValue::Long(number(decision.generation)),
        JValue::Object(&entry),
        JValue::Int(pin),
        JValue::Int(position),
        JValue::Bool(decision.ct_list_stale),
    ];
    let signature = jni_sig!("(ILjava/lang/String;JLjava/lang/String;IIZ)V");
    Ok(env.new_object(jni_str!("pintle/Decision"), signature, &arguments)?)
}

/// Whether the certificate is for `host`: what the platform leaves to the HTTP client is asked before anything is decided.
#[jni_mangle("pintle.Native")]
pub fn covers<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    leaf: JByteArray<'local>,
    host: JString<'local>,
) -> jboolean {
    let outcome = env.with_env(|env| {
        let (leaf, host) = (CertificateDer::from(bytes(env, &leaf)?), text(env, &host)?);
        let certificate = Certificate::parse(&leaf).ok();
        let host = HostName::parse_connection(&host).ok();
        let covers = certificate.zip(host).and_then(|(certificate, host)| certificate.covers(&host).ok());
        Ok::<_, Failure>(covers.unwrap_or(false))
    });
    outcome.resolve::<Throw>()
}

/// The generation of trust now; 0, which no decision carries, for one that is closed.
#[jni_mangle("pintle.Native")]
pub fn generation<'local>(mut env: EnvUnowned<'local>, _class: JClass<'local>, handle: jlong) -> jlong {
    let outcome = env.with_env(|_| {
        let generation = handles::find(handle).map(|handle| handle.installation.engine().generation());
        Ok::<_, Failure>(generation.map_or(0, number))
    });
    outcome.resolve::<Throw>()
}

/// Waits until a configuration is in force.
#[jni_mangle("pintle.Native")]
pub fn wait_until_ready<'local>(mut env: EnvUnowned<'local>, _class: JClass<'local>, handle: jlong, longest: jlong) {
    let outcome = env.with_env(|_| {
        let ready = handles::find(handle)?.installation.wait_until_ready(millis(longest));
        ready.map_err(|error| Failure::said(error.code(), &error))
    });
    outcome.resolve::<Throw>();
}

/// Refreshes now and waits until that is over.
#[jni_mangle("pintle.Native")]
pub fn refresh<'local>(mut env: EnvUnowned<'local>, _class: JClass<'local>, handle: jlong, longest: jlong) {
    let outcome = env.with_env(|_| {
        let refreshed = handles::find(handle)?.installation.refresh(millis(longest));
        refreshed.map_err(|error| Failure::said(error.code(), &error))
    });
    outcome.resolve::<Throw>();
}

/// Takes up another root; gives the number of the refresh that fetches its configuration.
#[jni_mangle("pintle.Native")]
pub fn reconfigure<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
    bundle: JByteArray<'local>,
) -> jlong {
    let outcome = env.with_env(|env| {
        let bundle = bytes(env, &bundle)?;
        let round = handles::find(handle)?.installation.reconfigure(&bundle);
        round.map(number).map_err(|error| Failure::said(Code::SetupInvalid, &error))
    });
    outcome.resolve::<Throw>()
}

/// Waits until a configuration is in force, or the refresh `round` is over.
#[jni_mangle("pintle.Native")]
pub fn wait_for_configuration<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
    round: jlong,
    longest: jlong,
) {
    let outcome = env.with_env(|_| {
        let round = u64::try_from(round).unwrap_or(0);
        let ready = handles::find(handle)?.installation.wait_for_configuration(round, millis(longest));
        ready.map_err(|error| Failure::said(error.code(), &error))
    });
    outcome.resolve::<Throw>();
}

/// Changes what happens to hosts without an entry.
#[jni_mangle("pintle.Native")]
pub fn set_permissive<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
    permissive: jboolean,
) {
    let outcome = env.with_env(|_| {
        handles::find(handle)?.installation.engine().update(|pinner| pinner.set_mode(mode(permissive)));
        Ok::<_, Failure>(())
    });
    outcome.resolve::<Throw>();
}

/// Every stable code.
#[jni_mangle("pintle.Native")]
pub fn codes<'local>(mut env: EnvUnowned<'local>, _class: JClass<'local>) -> JObjectArray<'local, JString<'local>> {
    let outcome = env.with_env(|env| {
        let none = JString::null();
        let codes = JObjectArray::<JString<'_>>::new(env, Code::ALL.len(), &none)?;
        for (index, code) in Code::ALL.iter().enumerate() {
            let text = env.new_string(code.as_str())?;
            codes.set_element(env, index, &text)?;
        }
        Ok::<_, Failure>(codes)
    });
    outcome.resolve::<Throw>()
}

/// The protocol level this library speaks.
#[jni_mangle("pintle.Native")]
pub fn protocol_level<'local>(mut env: EnvUnowned<'local>, _class: JClass<'local>) -> jint {
    let level = env.with_env(|_| Ok::<_, Failure>(jint::try_from(pintle_core::PROTOCOL_LEVEL).unwrap_or(jint::MAX)));
    level.resolve::<Throw>()
}

/// What a fetch calls itself.
#[jni_mangle("pintle.Native")]
pub fn agent<'local>(mut env: EnvUnowned<'local>, _class: JClass<'local>) -> JString<'local> {
    env.with_env(|env| Ok::<_, Failure>(env.new_string(user_agent("jvm"))?)).resolve::<Throw>()
}
