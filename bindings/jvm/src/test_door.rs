//! A clock and chance of the caller's own, for `vectors/`. Not in what ships: the feature is off there.

use std::sync::Arc;

use jni::{
    EnvUnowned, jni_mangle,
    objects::{JByteArray, JClass, JObject, JString},
    sys::{jboolean, jlong},
};
pub(crate) use pintle_sdk::TestClock;

use crate::{
    Options,
    edge::{Failure, Throw},
    handles::{self, Handle},
};

/// `open` with clocks of the caller's own; what is unsigned comes as Java's bits.
#[jni_mangle("pintle.TestDoor")]
pub fn dangerous_test_open<'local>(
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
    random: jlong,
    now_secs: jlong,
    monotonic_millis: jlong,
) -> jlong {
    let options =
        Options { bundle, seed, permissive, fetch_timeout_millis, storage_dir, report_to, http_loopback, host };
    let outcome = env.with_env(|env| {
        let [random, now_secs, monotonic_millis] = [random, now_secs, monotonic_millis].map(jlong::cast_unsigned);
        let clock = Arc::new(TestClock::new(random, now_secs, monotonic_millis));
        let installation = options.start(env, clock.clone())?;
        let mut handle = Handle::new(installation);
        handle.clock = Some(clock);
        Ok::<_, Failure>(handles::keep(handle))
    });
    outcome.resolve::<Throw>()
}

/// Sets what those clocks say.
#[jni_mangle("pintle.TestDoor")]
pub fn dangerous_test_set_clock<'local>(
    mut env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
    now_secs: jlong,
    monotonic_millis: jlong,
) {
    let outcome = env.with_env(|_| {
        if let Some(clock) = &handles::find(handle)?.clock {
            clock.set(now_secs.cast_unsigned(), monotonic_millis.cast_unsigned());
        }
        Ok::<_, Failure>(())
    });
    outcome.resolve::<Throw>();
}
