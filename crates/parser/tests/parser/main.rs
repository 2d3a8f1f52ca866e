//! The parser from the outside: recipes in, statements or mistakes out.

mod support;

mod docs;
mod files;
mod hostile;
mod mistakes;
mod parameters;
mod recipes;
