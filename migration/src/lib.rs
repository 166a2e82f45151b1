//! The migrations, in order; they name tables and columns themselves and never import the entities.
