//! Budgets of log-ins, registrations and password checks.

use super::Budget;

/// The budgets of this part, in the order of the documentation.
pub const ALL: &[&Budget] = &[];
