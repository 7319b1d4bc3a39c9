//! The packages as an admin gets them: what is in them, what the programs in them need, and installed for real in a Debian and in
//! an rpm root. `make packages` comes first.
//!
//! Without the packages, or without what a test needs (root, debootstrap, rpm, ...), a test is skipped and says so; in CI that is a
//! failure.

#![expect(
    clippy::disallowed_methods,
    reason = "a test asks the environment where cargo is, and times an installation"
)]

mod contents;
mod programs;
mod roots;
mod setting;

use std::process::ExitCode;

use check_smtp_testbed::{is_ci, is_root};
use libtest_mimic::{Arguments, Failed, Trial};

use setting::{has, packages};

type Test = (&'static str, &'static [&'static str], fn() -> Result<(), Failed>);

/// Name, the commands it needs (`root` is no command), the test.
const TESTS: [Test; 16] = [
    ("programs_need_no_library", &["readelf"], programs::need_no_library),
    ("programs_are_hardened", &["readelf"], programs::are_hardened),
    ("programs_know_nothing_of_the_machine_that_built_them", &[], programs::know_no_machine),
    ("every_name_is_the_program_of_that_name", &[], programs::answer_to_their_names),
    ("the_three_packages_hold_the_same_files", &["dpkg-deb", "rpm", "tar"], contents::are_the_same),
    ("modes_and_owners_are_those_of_the_list", &["dpkg-deb", "rpm"], contents::have_modes_and_owners),
    ("the_control_files_say_what_is_needed", &["dpkg-deb", "rpm"], contents::say_what_is_needed),
    ("the_list_is_complete", &["dpkg-deb"], contents::miss_no_check),
    ("lintian_has_nothing_to_say", &["lintian"], contents::please_lintian),
    ("rpmlint_has_nothing_to_say", &["rpmlint"], contents::please_rpmlint),
    ("man_pages_and_completions_are_sound", &["mandoc", "bash", "zsh", "fish"], contents::read_well),
    ("no_file_is_in_a_package_of_the_distribution", &["apt-get", "dpkg-deb"], contents::collide_with_nobody),
    ("packing_twice_gives_the_same_bytes", &["dpkg-deb", "rpmbuild"], contents::can_be_repeated),
    ("debian_install_use_upgrade_remove_purge", &["root", "debootstrap", "apt-get"], roots::debian),
    (
        "debian_keeps_the_users_and_modes_it_finds",
        &["root", "debootstrap", "apt-get"],
        roots::debian_with_engine,
    ),
    ("rpm_install_use_upgrade_erase", &["root", "debootstrap", "apt-get", "rpm"], roots::rpm),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let are_there = packages().is_ok();
    let trials = TESTS
        .into_iter()
        .map(|(name, needs, test)| {
            let missing = if are_there {
                needs.iter().find(|need| if **need == "root" { !is_root() } else { !has(need) }).copied()
            } else {
                Some("make packages")
            };
            match missing {
                Some(missing) if is_ci() => {
                    Trial::test(name, move || Err(format!("needs {missing}, which is not here").into()))
                }
                Some(missing) => Trial::test(format!("{name} (skipped: needs {missing})"), || Ok(()))
                    .with_ignored_flag(true),
                None => Trial::test(name, test),
            }
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}
