//! The tables, one file each. Filled by the store.
