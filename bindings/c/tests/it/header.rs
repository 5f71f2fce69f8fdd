use std::{env, fs, path::Path};

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn header_is_what_the_code_says() {
    let config = cbindgen::Config::from_file(Path::new(FOLDER).join("cbindgen.toml")).unwrap();
    let mut header = Vec::new();
    cbindgen::Builder::new().with_crate(FOLDER).with_config(config).generate().unwrap().write(&mut header);
    let header = String::from_utf8(header).unwrap();
    let path = Path::new(FOLDER).join("include/pintle.h");
    if env::var_os("UPDATE_HEADER").is_some() {
        fs::write(&path, &header).unwrap();
    }
    let checked_in = fs::read_to_string(path).unwrap_or_default();
    assert!(checked_in == header, "include/pintle.h is old: UPDATE_HEADER=1 cargo test -p pintle-c --test it header");
}
