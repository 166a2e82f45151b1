//! Budgets of plain HTTP: connections, requests, files.

use super::Budget;

/// The budgets of this part, in the order of the documentation.
pub const ALL: &[&Budget] = &[];
