//! `check_smtp_delivery`: does a message sent here arrive there, and how long does it take?

fn main() {
    check_smtp_core::plugin::shell::run::<check_smtp_delivery::Delivery>();
}
