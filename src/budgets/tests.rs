//! The table is whole: names are one of a kind, sentences are sentences, every row has its test.

use std::collections::BTreeSet;
use std::path::Path;

use super::{all, page};
use crate::protocol::catalogue::{assert_current, assert_part_current};

#[test]
fn the_page_that_is_served_is_current() {
    assert_current("static/protocol/budgets.html", &page::html());
    assert_part_current(
        "static/docs/operating.md",
        "stored",
        &page::stored_markdown(),
    );
}

#[test]
fn every_budget_has_a_name_of_its_own_and_says_why() {
    let mut names = BTreeSet::new();
    for budget in all() {
        assert!(names.insert(budget.name), "{} is listed twice", budget.name);
        assert!(budget.most > 0, "{} allows nothing", budget.name);
        for sentence in [budget.then, budget.reason] {
            assert!(sentence.ends_with('.'), "{}: {sentence}", budget.name);
        }
    }
}

#[test]
fn every_budget_is_overspent_by_a_test() {
    let mut source = String::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["src", "tests/integration"] {
        collect(&root.join(folder), &mut source);
    }
    for budget in all() {
        let function = format!("fn {}(", budget.test);
        assert!(
            source.contains(&function),
            "{} names no test: {}",
            budget.name,
            budget.test
        );
    }
}

fn collect(folder: &Path, source: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, source);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            source.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}
