//! What calls back: a `pintle.Host`.

use std::sync::Arc;

use jni::{Env, JValue, errors::Error, jni_sig, jni_str, objects::JObject, refs::Global, vm::JavaVM};
use pintle_core::Code;
use pintle_sdk::{Event, Listener};

use crate::edge::{Failure, java_text};

/// Lives as long as the installation; Java's object must not hold what holds the installation.
pub(crate) struct Host {
    vm: JavaVM,
    object: Global<JObject<'static>>,
}

impl Host {
    pub(crate) fn new(env: &Env<'_>, host: &JObject<'_>) -> Result<Self, Failure> {
        Ok(Self { vm: env.get_java_vm()?, object: env.new_global_ref(host)? })
    }

    pub(crate) fn listener(self: &Arc<Self>) -> Arc<Listener> {
        let host = self.clone();
        Arc::new(move |event| host.call(|env, object| tell(env, object, event)))
    }

    pub(crate) fn wake(&self) {
        self.call(|env, object| {
            env.call_method(object, jni_str!("wake"), jni_sig!("()V"), &[])?;
            Ok(())
        });
    }

    /// Java's `Host` throws nothing; if it does all the same, that is nobody's business here.
    fn call(&self, inside: impl FnOnce(&mut Env<'_>, &JObject<'_>) -> Result<(), Failure>) {
        let called = self.vm.attach_current_thread(|env| {
            if inside(env, &self.object).is_err() {
                env.exception_clear();
            }
            Ok::<_, Error>(())
        });
        // While the VM ends there is nobody to call.
        drop(called);
    }
}

fn tell(env: &mut Env<'_>, object: &JObject<'_>, event: &Event) -> Result<(), Failure> {
    let kind = env.new_string(event.kind())?;
    let code = java_text(env, event.code().map(Code::as_str))?;
    let severity = env.new_string(event.severity().as_str())?;
    let host = java_text(env, event.host())?;
    let message = env.new_string(event.to_string())?;
    let arguments = [&kind, &code, &severity, &host, &message].map(|text| JValue::Object(text));
    let signature =
        jni_sig!("(Ljava/lang/String;Ljava/lang/String;Ljava/lang/String;Ljava/lang/String;Ljava/lang/String;)V");
    env.call_method(object, jni_str!("tell"), signature, &arguments)?;
    Ok(())
}
