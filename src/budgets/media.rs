//! Budgets of descriptions, connections, datagrams and repairs.

use super::Budget;

/// The budgets of this part, in the order of the documentation.
pub const ALL: &[&Budget] = &[];
