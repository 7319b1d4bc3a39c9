//! Two link orders that every start of a check saves by; ARCHITECTURE.md has the figures.
#![expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts through the environment")]

fn main() {
    // The unwinder statically: loading `libgcc_s` costs 0.1 M instructions and nine system calls.
    println!("cargo::rerun-if-changed=link/libgcc_s.so");
    println!("cargo::rustc-link-search=native={}/link", env!("CARGO_MANIFEST_DIR"));
    // A shared libcrypto before libssl: the loader looks libcrypto's many symbols up in that order, 0.17 M instructions less.
    println!("cargo::rerun-if-env-changed=OPENSSL_STATIC");
    let is_shared = std::env::var_os("CARGO_FEATURE_VENDORED_OPENSSL").is_none()
        && std::env::var_os("OPENSSL_STATIC").is_none();
    if is_shared {
        println!("cargo::rustc-link-lib=dylib=crypto");
    }
}
