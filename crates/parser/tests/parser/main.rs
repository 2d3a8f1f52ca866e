//! The parser from the outside: recipes in, statements or mistakes out.

mod support;

mod files;
mod hostile;
mod recipes;
