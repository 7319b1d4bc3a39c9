//! `check_smtp_cert`: is the mail server's certificate and TLS sound, and for how long?

fn main() {
    check_smtp_core::plugin::shell::run::<check_smtp_cert::Cert>();
}
