//! `smtp_testbed serve`: the embedded mail server of the demo.

fn main() -> std::process::ExitCode {
    check_smtp_testbed::serve::main()
}
