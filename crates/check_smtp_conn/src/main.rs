//! `check_smtp_conn`: does the mail server answer, as what, and how fast is each step?

fn main() {
    check_smtp_core::plugin::shell::run::<check_smtp_conn::Conn>();
}
