//! Tells the linker what an addon may leave to Node.
fn main() {
    napi_build::setup();
}
