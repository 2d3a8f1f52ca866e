//! Says hello, and from how many arguments: a program with the standard library in it.

fn main() {
    println!("hello from Rust, with {} arguments", std::env::args().count() - 1);
}
