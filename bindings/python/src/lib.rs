//! The native half of the Python package `pintle`: [`pintle_sdk::Installation`] in Python's types. It has no rule of its own,
//! and everything that may block or call back runs without the interpreter's lock.

use std::{sync::Arc, time::Duration};

use pintle_core::{
    Code, Decision, Mode,
    decide::{PlatformVerdict, Verdict},
};
use pintle_sdk::{
    Action, Answer, Environment, Event, Evidence, Fed, FetchError, Installation, Listener, Setup, SystemEnvironment,
    user_agent,
};
use pyo3::{create_exception, exceptions::PyException, prelude::*, pybacked::PyBackedBytes};
use rustls_pki_types::CertificateDer;

mod ending;
#[cfg(feature = "dangerous-test")]
mod test_door;

use self::ending::{attach, detach};

create_exception!(pintle, Error, PyException, "Something failed; `code` is its stable code.");

fn failure(py: Python<'_>, code: Code, error: &impl std::fmt::Display) -> PyErr {
    let raised = Error::new_err(format!("{code}: {error}"));
    // An exception without its code is still one.
    let _set = raised.value(py).setattr("code", code.as_str());
    raised
}

/// One request to make.
#[pyclass(frozen, module = "pintle._native")]
struct Fetch {
    inner: pintle_sdk::Fetch,
}

#[pymethods]
impl Fetch {
    #[getter]
    fn url(&self) -> &str {
        &self.inner.url
    }

    /// What to POST; a GET without.
    #[getter]
    fn body(&self) -> Option<&[u8]> {
        self.inner.body.as_deref()
    }

    #[getter]
    fn etag(&self) -> Option<&str> {
        self.inner.etag.as_deref()
    }

    #[getter]
    fn no_cache(&self) -> bool {
        self.inner.no_cache
    }

    #[getter]
    fn max_bytes(&self) -> usize {
        self.inner.max_bytes
    }

    /// Seconds.
    #[getter]
    fn timeout(&self) -> f64 {
        self.inner.timeout.as_secs_f64()
    }
}

/// What was decided of a connection.
#[pyclass(frozen, get_all, module = "pintle")]
struct Decided {
    /// Whether the connection may carry requests while the generation stays what this says.
    allowed: bool,
    /// `pinned`; `not_covered`: allowed by the platform alone; `reported`: allowed although `code` holds; `refused`.
    verdict: &'static str,
    /// Of a refusal or of a reported violation.
    code: Option<&'static str>,
    /// When `Pintle.generation` differs from it, the connection must be decided again before it carries a request.
    generation: u64,
    /// Name of the entry.
    entry: Option<String>,
    /// Which pin of the entry matched.
    pin: Option<usize>,
    /// Which certificate of the path it matched, 0 being the leaf.
    position: Option<usize>,
    /// The log list is older than 70 days, so that Certificate Transparency only reports.
    ct_list_stale: bool,
}

impl From<Decision> for Decided {
    fn from(decision: Decision) -> Self {
        let (verdict, entry, place) = match &decision.verdict {
            Verdict::Pinned { domain, pin, position } => ("pinned", Some(domain), Some((*pin, *position))),
            Verdict::NotCovered => ("not_covered", None, None),
            Verdict::Reported { domain, .. } => ("reported", Some(domain), None),
            Verdict::Refused { domain, .. } => ("refused", domain.as_ref(), None),
        };
        Self {
            allowed: decision.is_allowed(),
            verdict,
            code: decision.code().map(Code::as_str),
            generation: decision.generation,
            entry: entry.map(ToString::to_string),
            pin: place.map(|(pin, _)| pin),
            position: place.map(|(_, position)| position),
            ct_list_stale: decision.ct_list_stale,
        }
    }
}

#[pymethods]
impl Decided {
    fn __repr__(&self) -> String {
        format!("<Decision {}{}>", self.verdict, self.code.map(|code| format!(" {code}")).unwrap_or_default())
    }
}

/// An installation. Everything here may be called from any thread.
#[pyclass(frozen, module = "pintle._native")]
struct Native {
    installation: Installation,
    #[cfg(feature = "dangerous-test")]
    clock: Option<Arc<test_door::TestClock>>,
}

/// How an installation is set up, as keyword arguments.
struct Options {
    bundle: PyBackedBytes,
    seed: Option<PyBackedBytes>,
    permissive: bool,
    fetch_timeout: f64,
    storage_dir: Option<std::path::PathBuf>,
    report_to: Option<String>,
    http_loopback: bool,
    listener: Py<PyAny>,
    wake: Py<PyAny>,
}

impl Options {
    fn start(self, py: Python<'_>, environment: Arc<dyn Environment>) -> PyResult<Installation> {
        let parsed = Setup::parse_bundle(&self.bundle, self.http_loopback);
        let parsed = parsed.and_then(|setup| setup.with_collector(self.report_to.as_deref()));
        let setup = parsed.map_err(|error| failure(py, Code::SetupInvalid, &error))?;
        let setup = Setup {
            seed: self.seed.map(|seed| seed.to_vec()),
            mode: mode(self.permissive),
            fetch_timeout: Duration::try_from_secs_f64(self.fetch_timeout)
                .map_err(|error| failure(py, Code::SetupInvalid, &error))?,
            storage_dir: self.storage_dir,
            ..setup
        };
        let (listener, wake) = (self.listener, self.wake);
        let tell: Arc<Listener> = Arc::new(move |event: &Event| tell(&listener, event));
        let wake = move || {
            // While the interpreter ends nobody needs to be woken.
            let _woken = attach(|py| wake.call0(py).map(drop));
        };
        Ok(detach(py, move || Installation::start(setup, environment, vec![tell], wake)))
    }
}

fn tell(listener: &Py<PyAny>, event: &Event) {
    let told =
        (event.kind(), event.code().map(Code::as_str), event.severity().as_str(), event.host(), event.to_string());
    // While the interpreter ends there is nobody to tell; and what the app's listener raises is the app's.
    let _told = attach(|py| {
        if let Err(error) = listener.call1(py, told) {
            error.write_unraisable(py, None);
        }
    });
}

const fn mode(permissive: bool) -> Mode {
    if permissive { Mode::Permissive } else { Mode::Strict }
}

#[pymethods]
impl Native {
    #[new]
    #[pyo3(signature = (*, bundle, seed, permissive, fetch_timeout, storage_dir, report_to, http_loopback, listener, wake))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of one Python constructor")]
    fn new(
        py: Python<'_>,
        bundle: PyBackedBytes,
        seed: Option<PyBackedBytes>,
        permissive: bool,
        fetch_timeout: f64,
        storage_dir: Option<std::path::PathBuf>,
        report_to: Option<String>,
        http_loopback: bool,
        listener: Py<PyAny>,
        wake: Py<PyAny>,
    ) -> PyResult<Self> {
        let options =
            Options { bundle, seed, permissive, fetch_timeout, storage_dir, report_to, http_loopback, listener, wake };
        Ok(Self {
            installation: options.start(py, Arc::new(SystemEnvironment::default()))?,
            #[cfg(feature = "dangerous-test")]
            clock: None,
        })
    }

    /// What to fetch now, or for how many seconds there is nothing to fetch unless woken.
    fn poll(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (action, installation) = (detach(py, || self.installation.poll()), &self.installation);
        match action {
            Action::Fetch(inner) => Ok(Py::new(py, Fetch { inner })?.into_any()),
            Action::Idle { until } => {
                Ok(installation.wait_until(until).as_secs_f64().into_pyobject(py)?.into_any().unbind())
            }
        }
    }

    /// Gives a server's answer: `updated`, `unchanged`, `too_late`, or the code of what was of no use.
    fn answer(
        &self,
        py: Python<'_>,
        fetch: &Fetch,
        status: u16,
        etag: Option<String>,
        retry_after: Option<String>,
        body: PyBackedBytes,
    ) -> &'static str {
        let answer = Answer::from_http(status, etag, retry_after.as_deref(), body.to_vec());
        detach(py, || self.feed(fetch, answer))
    }

    /// Says that there was no complete answer, and why.
    fn fail(&self, py: Python<'_>, fetch: &Fetch, error: String) -> &'static str {
        detach(py, || self.feed(fetch, Answer::Failed(FetchError::Transport(error))))
    }

    /// Decides a connection. `path` is what the platform verified, or `None`; with `may_wait` it waits for news where they
    /// may change a refusal.
    #[pyo3(signature = (host, presented, path, accepted, may_wait, ocsp_response=None, sct_list=None))]
    #[expect(clippy::too_many_arguments, reason = "what is known of a connection, one by one")]
    fn check(
        &self,
        py: Python<'_>,
        host: &str,
        presented: Vec<PyBackedBytes>,
        path: Option<Vec<PyBackedBytes>>,
        accepted: bool,
        may_wait: bool,
        ocsp_response: Option<PyBackedBytes>,
        sct_list: Option<PyBackedBytes>,
    ) -> Decided {
        let platform = if accepted { PlatformVerdict::Accepted } else { PlatformVerdict::Refused };
        let presented = certificates(&presented);
        let path = path.as_deref().map(certificates);
        let evidence = match &path {
            Some(path) => Evidence::judged_with_path(&presented, platform, path),
            None => Evidence::judged(&presented, platform),
        };
        let evidence = evidence
            .with_ocsp_response(ocsp_response.as_deref().unwrap_or_default())
            .with_sct_list(sct_list.as_deref());
        let decision = detach(py, || match may_wait {
            true => self.installation.check_and_wait(host, &evidence),
            false => self.installation.engine().check(host, &evidence),
        });
        decision.into()
    }

    fn generation(&self) -> u64 {
        self.installation.engine().generation()
    }

    fn is_trusted_by_pins(&self, host: &str) -> bool {
        self.installation.engine().snapshot().is_trusted_by_pins(host)
    }

    fn wait_until_ready(&self, py: Python<'_>, longest: f64) -> PyResult<()> {
        let ready = detach(py, || self.installation.wait_until_ready(seconds(longest)));
        ready.map_err(|error| failure(py, error.code(), &error))
    }

    /// Waits until the refresh that a refusal forced is over.
    fn wait_for_forced_refresh(&self, py: Python<'_>) {
        detach(py, || self.installation.wait_for_forced_refresh());
    }

    fn refresh(&self, py: Python<'_>, longest: f64) -> PyResult<()> {
        let refreshed = detach(py, || self.installation.refresh(seconds(longest)));
        refreshed.map_err(|error| failure(py, error.code(), &error))
    }

    fn reconfigure(&self, py: Python<'_>, bundle: PyBackedBytes) -> PyResult<u64> {
        let round = detach(py, || self.installation.reconfigure(&bundle));
        round.map_err(|error| failure(py, Code::SetupInvalid, &error))
    }

    fn wait_for_configuration(&self, py: Python<'_>, round: u64, longest: f64) -> PyResult<()> {
        let ready = detach(py, || self.installation.wait_for_configuration(round, seconds(longest)));
        ready.map_err(|error| failure(py, error.code(), &error))
    }

    fn set_permissive(&self, py: Python<'_>, permissive: bool) {
        detach(py, || self.installation.engine().update(|pinner| pinner.set_mode(mode(permissive))));
    }
}

impl Native {
    fn feed(&self, fetch: &Fetch, answer: Answer) -> &'static str {
        match self.installation.feed(&fetch.inner, answer) {
            Fed::Updated => "updated",
            Fed::Unchanged => "unchanged",
            Fed::TooLate => "too_late",
            Fed::Rejected(error) => error.code().as_str(),
        }
    }
}

fn certificates(ders: &[PyBackedBytes]) -> Vec<CertificateDer<'_>> {
    ders.iter().map(|der| CertificateDer::from_slice(der)).collect()
}

/// Whatever is no time is none; what is longer than any is for ever.
fn seconds(secs: f64) -> Duration {
    Duration::try_from_secs_f64(secs).unwrap_or(if secs > 0.0 { Duration::MAX } else { Duration::ZERO })
}

/// The native half of `pintle`.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Native>()?;
    module.add_function(wrap_pyfunction!(ending::end, module)?)?;
    module.add_class::<Fetch>()?;
    module.add("Decision", module.py().get_type::<Decided>())?;
    module.add("Error", module.py().get_type::<Error>())?;
    module.add("USER_AGENT", user_agent("python"))?;
    module.add("PROTOCOL_LEVEL", pintle_core::PROTOCOL_LEVEL)?;
    module.add("CODES", Code::ALL.iter().map(|code| code.as_str()).collect::<Vec<_>>())?;
    #[cfg(feature = "dangerous-test")]
    {
        module.add_function(wrap_pyfunction!(test_door::dangerous_test_open, module)?)?;
        module.add_function(wrap_pyfunction!(test_door::dangerous_test_set_clock, module)?)?;
    }
    Ok(())
}
