//! What is seen becomes sentences: pure functions, one for each subject.

mod machine;
mod page;
mod tls;
mod web;

use super::Finding;
use super::seen::Seen;

/// Every finding, in the order in which somebody would put things right.
pub fn judge(seen: &Seen) -> Vec<Finding> {
    let mut found = machine::judge(seen);
    found.extend(tls::judge(seen));
    found.extend(web::judge(seen));
    found.extend(page::judge(seen));
    found
}

/// `no` where there is one thing, with an s where there are several.
fn count(number: usize, thing: &str) -> String {
    match number {
        1 => format!("1 {thing}"),
        number => format!("{number} {thing}s"),
    }
}

#[cfg(test)]
mod tests;
