//! All checks in one program, as the packages carry them: the name it is called by says which check it is.

use check_smtp_core::plugin::shell::{entry, run_by_name};

/// Also in the place of musl's, for OpenSSL's C.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    run_by_name(&[
        entry::<check_smtp_conn::Conn>(),
        entry::<check_smtp_cert::Cert>(),
        entry::<check_smtp_auth::Auth>(),
        entry::<check_smtp_delivery::Delivery>(),
    ]);
}
