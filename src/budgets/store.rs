//! Budgets of what is kept.

use super::Budget;

/// The budgets of this part, in the order of the documentation.
pub const ALL: &[&Budget] = &[];
