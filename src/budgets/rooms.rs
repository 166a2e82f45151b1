//! Budgets of rooms, their people, and what people send to each other.

use super::Budget;

/// The budgets of this part, in the order of the documentation.
pub const ALL: &[&Budget] = &[];
