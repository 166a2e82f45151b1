//! Turns observations into sentences by pure functions, one for each subject.

mod machine;
mod page;
mod tls;
mod web;

use super::Finding;
use super::seen::Seen;

/// All findings, in the order in which a person would fix things.
pub fn judge(seen: &Seen) -> Vec<Finding> {
    let mut found = machine::judge(seen);
    found.extend(tls::judge(seen));
    found.extend(web::judge(seen));
    found.extend(page::judge(seen));
    found
}

/// The number with its noun, which gets an s for more than one.
fn count(number: usize, thing: &str) -> String {
    match number {
        1 => format!("1 {thing}"),
        number => format!("{number} {thing}s"),
    }
}

#[cfg(test)]
mod tests;
