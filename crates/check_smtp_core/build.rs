#![expect(clippy::disallowed_methods, reason = "a build script is spoken to by its environment")]
//! The release packages link the unwinder statically (feature `vendored-openssl`): loading `libgcc_s` costs every start of a check
//! 0.1 M instructions and five system calls.

fn main() {
    println!("cargo::rerun-if-changed=link/libgcc_s.so");
    let directory = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    if std::env::var_os("CARGO_FEATURE_VENDORED_OPENSSL").is_some() {
        println!("cargo::rustc-link-search=native={directory}/link");
    }
}
