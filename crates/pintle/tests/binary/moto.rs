//! Amazon's services, by moto.

use std::{
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use pintle_testkit::clouds::free_port;

const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/venv/bin/python");

/// Moto, which checks every signature and permission once it knows users; ended when dropped.
pub(crate) struct Moto {
    child: Child,
    pub(crate) url: String,
}

impl Moto {
    /// `free` requests are answered without a look at their signature.
    pub(crate) fn start(free: u32) -> Self {
        // Moto would hash what is a digest already ("not yet implemented"): it is taught to take it as one.
        let script = "import sys\n\
             from cryptography.hazmat.primitives import hashes\n\
             from cryptography.hazmat.primitives.asymmetric import ec, utils\n\
             from moto.kms.utils import ECDSAPrivateKey\n\
             ECDSAPrivateKey.sign = lambda key, digest, _: key.private_key.sign(\n\
                 digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))\n\
             from moto.server import main\n\
             main(sys.argv[1:])\n";
        let port = free_port();
        let child = Command::new(PYTHON)
            .args(["-c", script, "-H", "127.0.0.1", "-p", &port.to_string()])
            .env("INITIAL_NO_AUTH_ACTION_COUNT", free.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("moto is installed by `cargo xtask setup`");
        let mut moto = Self { child, url: format!("http://127.0.0.1:{port}") };
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(moto.child.try_wait().unwrap().is_none(), "moto ended");
            std::thread::yield_now();
        }
        moto
    }

    /// What Python says with Amazon's own client.
    pub(crate) fn python(&self, script: &str) -> String {
        let head = format!(
            "import boto3\ndef client(name):\n    return boto3.client(name, region_name='eu-central-1', \
             endpoint_url='{}', aws_access_key_id='x', aws_secret_access_key='y')\n",
            self.url
        );
        let output = Command::new(PYTHON).args(["-c", &(head + script)]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        // Either may fail only because the process has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
