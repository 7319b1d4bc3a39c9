//! T.
fn main() {}
