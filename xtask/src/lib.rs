//! What the generator, its tests and the benchmarks share: the registry of checks and the definitions for each engine.

pub mod definitions;
pub mod registry;

/// A result of a development tool: the error is for a person to read.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The top of the repository.
pub fn root() -> &'static std::path::Path {
    std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
