//! Builds the binary anew when the page changes, where the page is part of it.

fn main() {
    // Debug builds read the page's files from the disk, so that editing it costs no compilation.
    let carries_page = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let watched = if carries_page {
        "static"
    } else {
        "src/build.rs"
    };
    println!("cargo::rerun-if-changed={watched}");
}
