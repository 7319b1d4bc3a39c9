//! Links again when what the packages' linker reads has changed.

fn main() {
    println!("cargo::rerun-if-changed=../../packaging/lld");
    println!("cargo::rerun-if-changed=../../packaging/order");
}
