//! `check_smtp_auth`: can this account log in, by which mechanism, and is nobody else let in?

fn main() {
    check_smtp_core::plugin::shell::run::<check_smtp_auth::Auth>();
}
